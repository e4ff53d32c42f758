"""Routines the task scheduler calls: read the clock, call one function."""

from datetime import datetime

from jobqueue.dispatch.turned_away import drop
from jobqueue.scheduler import ClaimedTask, RunningTask, database_now, routine, standby
from packages.engine import due, reconciling
from packages.engine.hooks import RECONCILE_ROUTINE
from packages.engine.planning import START_ROUTINE
from packages.engine.starting import OVERRUN_ROUTINE


@routine(START_ROUTINE, self_managed=True)
def start_due(claim: ClaimedTask) -> None:
    """A package's next run is due. The task goes with the run it opens, so it is never started and left behind."""
    due.start_due(claim.id, now=database_now(), consume=lambda: drop(claim))


@routine(OVERRUN_ROUTINE, idempotent=True, atomic=True)
def report_overrun(task: RunningTask) -> None:
    """A run has been open for its package's Max. Duration."""
    if task.record is not None:
        reconciling.report_overrun(task.record, now=database_now())


@routine(RECONCILE_ROUTINE, idempotent=True)
def look_round(task: RunningTask) -> None:
    """Something may stand still."""
    reconciling.look_round(now=database_now())


@standby.duty("packages", rank=50)
def tell_what_waits(now: datetime) -> None:
    """No worker is free to start what is due."""
    reconciling.tell_what_waits(now=now, no_worker_free=True)
