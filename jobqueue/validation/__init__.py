"""What an entry may hold: reading input, deriving fields, and every rule with its sentence."""

from jobqueue.validation.coercion import coerce, switch_of
from jobqueue.validation.fields import LOCKED_UNLESS_ON_HOLD, REACHING_THE_JOB, SETTABLE, label, labels
from jobqueue.validation.normalising import apply
from jobqueue.validation.recurrences import recurrence_of
from jobqueue.validation.rules import problems_of

__all__ = [
    "LOCKED_UNLESS_ON_HOLD",
    "REACHING_THE_JOB",
    "SETTABLE",
    "apply",
    "coerce",
    "label",
    "labels",
    "problems_of",
    "recurrence_of",
    "switch_of",
]
