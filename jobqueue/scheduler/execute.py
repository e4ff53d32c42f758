"""Executing one claimed task: start, routine, finish, and the one failure path around them."""

import contextlib
import logging
import traceback

from django.db import connection, transaction

from jobqueue.scheduler import session_events
from jobqueue.scheduler.errors import ReportedLate, StaleClaim
from jobqueue.scheduler.interruption import SessionInterrupted, drop_connections, time_limit
from jobqueue.scheduler.outcome import TaskError, fail_task, finish_task, start_task, until_recorded
from jobqueue.scheduler.routines import Routine, get_routine, is_registered
from jobqueue.scheduler.session import Session, Slot, current_session
from jobqueue.scheduler.strangers import give_back
from jobqueue.scheduler.tasks import ClaimedTask
from jobqueue.scheduler.telemetry import emit

logger = logging.getLogger("jobqueue.scheduler")

FAILURE_ROUTINE_SECONDS = 600
"""A failure routine's own time limit, whatever its task allows its main routine."""


def execute(claim: ClaimedTask, *, slot: Slot | None = None) -> None:
    """Executes a claimed task in this process, in a session of its own, and records its end.

    Raises nothing a routine raised: that is recorded. A claim that is stale (cancelled, given back, delivered twice)
    does nothing. A task of a routine this code does not know is given back.
    """
    if not is_registered(claim.routine):
        logger.warning("Task %s was given back: its routine “%s” is not known here.", claim.id, claim.routine)
        give_back(claim)
        return
    session = Session(claim.worker_id, claim.session_number, claim.id, slot=slot)
    token = current_session.set(session)
    try:
        _run(claim)
        emit("LC0043", taskId=claim.id, codeunitObjectId=claim.routine, result="Success")
    except ReportedLate as late:
        logger.warning("Task %s: reported late, nothing recorded. %s", claim.id, late)
        session_events.reported_late(claim, comment=str(late))
    except StaleClaim as stale:
        logger.debug("Task %s: not started. %s", claim.id, stale)
    except SessionInterrupted as interrupted:
        drop_connections()
        _fail(claim, TaskError(interrupted.kind, str(interrupted), traceback.format_exc()))
    except Exception as error:
        _fail(claim, TaskError.from_exception(error, call_stack=traceback.format_exc()))
    finally:
        current_session.reset(token)


def _run(claim: ClaimedTask) -> None:
    routine = get_routine(claim.routine)
    if claim.is_failure:
        _run_failure_routine(routine, claim)
    elif routine.self_managed:
        routine.function(claim)
    else:
        _run_plain(routine, claim)


def _run_plain(routine: Routine, claim: ClaimedTask) -> None:
    task = start_task(claim)
    if routine.atomic:
        with time_limit(claim.timeout_seconds), transaction.atomic():
            routine.function(task)
            finish_task(claim)
        return
    with savepoint_if_nested(), time_limit(claim.timeout_seconds):
        routine.function(task)
    until_recorded(lambda: finish_task(claim))


def _run_failure_routine(routine: Routine, claim: ClaimedTask) -> None:
    # What it records and the end of its task commit together: killed before, it runs again; after, it is done.
    task = start_task(claim)
    with time_limit(FAILURE_ROUTINE_SECONDS), transaction.atomic():
        routine.function(task)
        finish_task(claim)


def _fail(claim: ClaimedTask, error: TaskError) -> None:
    try:
        until_recorded(lambda: fail_task(claim, error))
    except ReportedLate as late:
        logger.warning("Task %s: failure reported late, nothing recorded. %s", claim.id, late)
        session_events.reported_late(claim, comment=f"{late} Its error: {error.message}")


def savepoint_if_nested() -> contextlib.AbstractContextManager[object]:
    """Around the body of a routine: executed inside the caller's transaction (inline), it must not spoil it."""
    return transaction.atomic() if connection.in_atomic_block else contextlib.nullcontext()
