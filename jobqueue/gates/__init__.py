"""The gates: one ordered list of questions "may this entry start now?", for the dispatcher and for *Explain*.

Pure: everything a gate looks at is in :class:`Facts`. Each gate is open, or closed with a reason, who can open it and,
where it opens by itself, when. Source: *Job queue reference, Dispatcher, step by step*; the decisions on holds, missed
runs, running users and extra runs.
"""

from jobqueue.gates.answers import Gate, GateName, Opener
from jobqueue.gates.facts import Busy, Facts
from jobqueue.gates.ladder import (
    GATES,
    MISSED_AFTER,
    REFUSALS,
    decide,
    first_closed,
    is_late,
    moment,
    window_is_open,
)

__all__ = [
    "GATES",
    "MISSED_AFTER",
    "REFUSALS",
    "Busy",
    "Facts",
    "Gate",
    "GateName",
    "Opener",
    "decide",
    "first_closed",
    "is_late",
    "moment",
    "window_is_open",
]
