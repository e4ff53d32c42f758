"""Routines the task scheduler calls: read the clock, call one function."""

from jobqueue.scheduler import RunningTask, database_now, routine
from refresher import following
from refresher.passing import requests


@routine(requests.PASS_ROUTINE, idempotent=True)
def refresh(task: RunningTask) -> None:
    """A pass was asked for, by a sign-in or by Refresh Now."""
    requests.run_queued(task.context["log"], now=database_now())


@routine(following.RESCHEDULE_ROUTINE, idempotent=True)
def reschedule(task: RunningTask) -> None:
    """A monitored job with auto-reschedule failed for good."""
    following.reschedule(task.record, delay_seconds=task.context["delay_seconds"], now=database_now())


@routine(following.HEARTBEAT_ROUTINE)
def beat(task: RunningTask) -> None:
    """A monitored job with a heartbeat URL succeeded."""
    following.beat(task.record)
