"""The task scheduler: durable one-shot tasks, executed by django-q2 clusters or inline.

It knows no job queue entry. Others use the names below; ``scheduler.sql`` holds the building blocks for self-managed
routines, ``scheduler.inline`` runs due tasks in the present process.
"""

from jobqueue.scheduler.clock import database_now, fixed_clock, fixed_now
from jobqueue.scheduler.errors import ReportedLate, StaleClaim, UnknownRoutine
from jobqueue.scheduler.interruption import SessionCancelled, SessionInterrupted, SoftTimeout, time_limit
from jobqueue.scheduler.routines import routine
from jobqueue.scheduler.session import Session, current_session
from jobqueue.scheduler.tasks import ClaimedTask, RunningTask
from jobqueue.scheduler.verbs import cancel_task, create_task, request_cancel, set_task_ready, task_exists

__all__ = [
    "ClaimedTask",
    "ReportedLate",
    "RunningTask",
    "Session",
    "SessionCancelled",
    "SessionInterrupted",
    "SoftTimeout",
    "StaleClaim",
    "UnknownRoutine",
    "cancel_task",
    "create_task",
    "current_session",
    "database_now",
    "fixed_clock",
    "fixed_now",
    "request_cancel",
    "routine",
    "set_task_ready",
    "task_exists",
    "time_limit",
]
