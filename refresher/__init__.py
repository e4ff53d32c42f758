"""Monitored jobs, kept alive by passes that restore and restart their entries.

A pass is run by a worker outside the product (under runner users) or, without one, after a sign-in. ``asking``
answers questions; ``setting_up``, ``monitoring``, ``runners``, ``distributing`` and ``passing`` hold the verbs;
``registration`` and ``events`` are for the code of applications.
"""
