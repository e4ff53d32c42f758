"""Ordered sequences of entries with recurrences and runs. Empty until the packages issue: then packages, their lines and
runs, advanced by short idempotent steps when an owned entry ends."""
