"""Harbour Trading, the demo company: a small trading firm whose jobs do real work on real files.

Everything lives under ``VAR_DIR/demo``: order files, currency rates, bank files, count sheets and the shop's own SQLite
database. What the screens show about it happened. The modules beside this one are plain functions over files and the
shop database; ``jobs`` turns them into job objects and ``company`` makes the entries.
"""
