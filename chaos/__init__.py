"""The fault suite: kills, stops and starves real workers and databases, then asks the database what is true.

``python -m chaos`` (or ``make chaos``) starts a PostgreSQL server of its own and a SQLite file, runs real
``manage.py jobworker`` processes on them, breaks something at a chosen moment, waits until everything has settled and
checks the same invariants after every case. ``python -m chaos random`` breaks things at random for some minutes.
Nothing here is part of the product: pauses and offsets are put in from outside, by an app only these workers install.
"""
