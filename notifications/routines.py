"""Routines the task scheduler calls: read the clock, call one function."""

from jobqueue.scheduler import RunningTask, routine
from notifications import delivery
from notifications.notify import DELIVER_ROUTINE


@routine(DELIVER_ROUTINE, idempotent=True)
def deliver(task: RunningTask) -> None:
    """Something is to be sent."""
    delivery.deliver(task.id)
