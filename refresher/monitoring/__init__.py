"""Verbs on monitored jobs: monitor entries, create, change, delete and recreate.

Source: *Refresher reference, Monitored Job*. Refusals are those of ``jobqueue.errors``.
"""

from refresher.monitoring.changing import (
    accept_entry,
    assign_runner,
    change_monitored_job,
    delete_monitored_job,
)
from refresher.monitoring.creating import (
    Creation,
    cancel_managed_job,
    create_from_entries,
    create_from_scratch,
    set_managed_by_app,
)
from refresher.monitoring.recreating import Losses, Recreation, recreate_monitored_jobs, what_recreating_loses

__all__ = [
    "Creation",
    "Losses",
    "Recreation",
    "accept_entry",
    "assign_runner",
    "cancel_managed_job",
    "change_monitored_job",
    "create_from_entries",
    "create_from_scratch",
    "delete_monitored_job",
    "recreate_monitored_jobs",
    "set_managed_by_app",
    "what_recreating_loses",
]
