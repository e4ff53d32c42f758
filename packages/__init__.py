"""Ordered sequences of entries with several recurrences, and their runs.

Empty until the packages issue. Then: packages, their lines and runs, advanced by short idempotent steps whenever an
owned entry ends.
"""
