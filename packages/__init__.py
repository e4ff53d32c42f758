"""Ordered sequences of entries with several recurrences, and their runs.

``packages.lifecycle`` holds the verbs of people, ``packages.engine`` what happens without a person: a run is moved
on by short idempotent steps whenever an owned entry ends, in the transaction of that end.
"""
