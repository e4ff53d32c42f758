"""Helpers for application code: schedule jobs, find them again, hold and delete them, in one call each.

Source: *Job queue reference, Programming interface*. All act as a program (``Actor`` of origin *program*): ``user``
becomes the running user and must be allowed to run the object; None stands for the System identity and is for the
product's own code. Moments are aware; ``company`` defaults to the default company. Refusals are those of
``jobqueue.lifecycle``.
"""

from jobqueue.programming.acting import actor
from jobqueue.programming.asking import find, is_expired, is_ready_to_start, is_scheduled, status_message
from jobqueue.programming.managing import (
    cancel,
    delete_entries,
    hold_if_unused,
    reuse_existing,
    set_on_hold,
    start_inactive,
)
from jobqueue.programming.scheduling import (
    create_entry,
    recurring_values,
    schedule,
    schedule_background_job,
    schedule_by_formula,
    schedule_for_later,
    schedule_recurrent,
)

__all__ = [
    "actor",
    "cancel",
    "create_entry",
    "delete_entries",
    "find",
    "hold_if_unused",
    "is_expired",
    "is_ready_to_start",
    "is_scheduled",
    "recurring_values",
    "reuse_existing",
    "schedule",
    "schedule_background_job",
    "schedule_by_formula",
    "schedule_for_later",
    "schedule_recurrent",
    "set_on_hold",
    "start_inactive",
    "status_message",
]
