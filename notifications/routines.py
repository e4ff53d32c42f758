"""Routines the task scheduler calls: read the clock, call one function."""

from jobqueue.scheduler import RunningTask, database_now, routine
from notifications import delivery, watch
from notifications.notify import DELIVER_ROUTINE


@routine(DELIVER_ROUTINE, idempotent=True)
def deliver(task: RunningTask) -> None:
    """Something is to be sent."""
    delivery.deliver(task.id)


@routine(watch.WATCH_ROUTINE, idempotent=True)
def look_round(task: RunningTask) -> None:
    """A minute has passed."""
    watch.look_round(now=database_now())
