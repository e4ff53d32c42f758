"""Routines the task scheduler calls: read the clock, call one function."""

from jobqueue import categories, housekeeping, lifecycle
from jobqueue.dispatch import dispatcher, error_handler, fast_lane, own_failure
from jobqueue.enqueue import FAILURE_ROUTINE, MAIN_ROUTINE
from jobqueue.lifecycle.holding import END_HOLDS_ROUTINE
from jobqueue.scheduler import ClaimedTask, RunningTask, database_now, routine


@routine(MAIN_ROUTINE, self_managed=True, prepare=fast_lane.prepare)
def dispatch(claim: ClaimedTask) -> None:
    """An entry's task: start its run, or do what the first closed gate calls for."""
    dispatcher.dispatch(claim)


@routine(FAILURE_ROUTINE)
def handle_error(task: RunningTask) -> None:
    """A run ended badly."""
    error_handler.handle_error(task, now=database_now())


@routine(error_handler.OBJECT_FAILURE_ROUTINE)
def call_own_failure_routine(task: RunningTask) -> None:
    """A run of an object with its own failure routine ended badly, and that has been recorded."""
    own_failure.call(task)


@routine(categories.RECOVERY_ROUTINE, idempotent=True)
def recover_category(task: RunningTask) -> None:
    """Somebody may be waiting in a category without anybody to wake them."""
    if task.company_id is not None:
        categories.recover(task.company_id, task.context["code"], now=database_now())


@routine(END_HOLDS_ROUTINE, idempotent=True)
def end_holds(task: RunningTask) -> None:
    """The end of a hold has come."""
    lifecycle.end_expired_holds(database_now())


@routine(housekeeping.WATCH_ROUTINE, idempotent=True)
def watch(task: RunningTask) -> None:
    """A minute has passed."""
    housekeeping.watch(task.id, now=database_now())
