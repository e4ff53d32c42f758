"""Routines the task scheduler calls: read the clock, call one function."""

from datetime import datetime
from uuid import uuid4

from jobqueue.scheduler import RunningTask, database_now, routine, standby
from notifications import delivery, watch
from notifications.notify import DELIVER_ROUTINE

STANDBY_SECONDS = 45.0


@routine(DELIVER_ROUTINE, idempotent=True)
def deliver(task: RunningTask) -> None:
    """Something is to be sent."""
    delivery.deliver(task.id)


@routine(watch.WATCH_ROUTINE, idempotent=True)
def look_round(task: RunningTask) -> None:
    """A minute has passed."""
    watch.look_round(now=database_now())


@standby.duty("messages", rank=90)
def tell_all_the_same(now: datetime) -> None:
    """No worker is free to look round and to deliver."""
    watch.look_for_trouble(now=now)
    delivery.deliver(uuid4(), for_seconds=STANDBY_SECONDS)
