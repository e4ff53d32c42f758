"""Routines the task scheduler calls: read the clock, call one function."""

from jobqueue.scheduler import RunningTask, database_now, routine
from refresher.passing import requests


@routine(requests.PASS_ROUTINE, idempotent=True)
def refresh(task: RunningTask) -> None:
    """A pass was asked for, by a sign-in or by Refresh Now."""
    requests.run_queued(task.context["log"], now=database_now())
