"""Start, finish and failure of a task outside the fused statements of the hot path, all fenced by the claim number."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction

from jobqueue.errors import NonRetriable
from jobqueue.scheduler import session_events
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.errors import ReportedLate, StaleClaim
from jobqueue.scheduler.models import CLAIMED, FREE, RUNNING, ScheduledTask
from jobqueue.scheduler.patience import RECORD_SECONDS, START_SECONDS, patience
from jobqueue.scheduler.retries import failure_retry_seconds, main_retry_seconds
from jobqueue.scheduler.routines import get_routine, is_registered
from jobqueue.scheduler.sql import (
    FINISH_AND_CONFIRM,
    SQLITE_FINISH_AND_CONFIRM,
    SQLITE_START_AND_READ,
    START_AND_READ,
    fetch,
    now_parameter,
    on_postgresql,
    wake_clusters,
)
from jobqueue.scheduler.tasks import ClaimedTask, RunningTask
from jobqueue.scheduler.telemetry import emit
from jobqueue.scheduler.verbs import RANK_STEP

logger = logging.getLogger("jobqueue.scheduler")

T = TypeVar("T")

MESSAGE_LENGTH = 4_000
CALL_STACK_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class TaskError:
    """How a routine ended badly; ``kind`` is a ``ScheduledTask.ErrorKind``."""

    kind: str
    message: str
    call_stack: str = ""
    non_retriable: bool = False

    @classmethod
    def from_exception(cls, error: BaseException, *, call_stack: str) -> "TaskError":
        """The error of an exception. An exception class marked ``non_retriable`` counts like ``NonRetriable``."""
        final = isinstance(error, NonRetriable) or bool(getattr(error, "non_retriable", False))
        kind = ScheduledTask.ErrorKind.NON_RETRIABLE if final else ScheduledTask.ErrorKind.EXCEPTION
        return cls(kind.value, str(error) or type(error).__name__, call_stack, final)


class Outcome(Enum):
    """What recording a bad end did to the row."""

    FAILURE_ROUTINE_DUE = "its failure routine is due"
    RETRY_DUE = "the same routine is due again"
    REMOVED = "removed: no failure routine"
    GIVEN_BACK = "given back: it had not started"
    STALE = "nothing: the claim is stale"


def start_task(claim: ClaimedTask) -> RunningTask:
    """Stamps the start of a claimed task and returns it; raises ``StaleClaim`` when fenced out."""
    statement = START_AND_READ if on_postgresql() else SQLITE_START_AND_READ
    with patience(START_SECONDS):
        rows = fetch(statement, {**claim.parameters(), "now": now_parameter()})
    if not rows:
        raise StaleClaim(f"Task {claim.id} is no longer claimed under number {claim.claim_number}.")
    return RunningTask.from_row(rows[0])


def finish_task(claim: ClaimedTask) -> None:
    """Records the good end of a running task: its row is deleted. Raises ``ReportedLate`` when fenced out."""
    if not fetch(FINISH_AND_CONFIRM if on_postgresql() else SQLITE_FINISH_AND_CONFIRM, claim.parameters()):
        raise ReportedLate(f"Task {claim.id} is no longer running under claim number {claim.claim_number}.")


def fail_task(claim: ClaimedTask, error: TaskError) -> Outcome:
    """Records the bad end of a task: the one failure path. Raises ``ReportedLate`` when fenced out.

    See :func:`record_failure` for what becomes of the row.
    """
    outcome = record_failure(claim.id, claim.claim_number, error)
    if outcome is Outcome.STALE:
        raise ReportedLate(f"Task {claim.id} is no longer held under claim number {claim.claim_number}.")
    return outcome


def record_failure(task_id: UUID, claim_number: int, error: TaskError) -> Outcome:
    """Turns a held task into what follows its bad end, in one transaction.

    A main routine that is idempotent is tried again on the platform's schedule unless the error forbids it. Otherwise
    its error is stored and its failure routine is due at once, in a new session; without one the row goes. A failure
    routine is tried again, after at most 5 seconds, until it has recorded. A task that had not started is given back.
    Source: *Job queue reference, Task scheduler*, exception path.
    """
    with transaction.atomic():
        task = (
            ScheduledTask.objects.select_for_update(of=("self",))
            .filter(pk=task_id, claim_number=claim_number, state__in=(CLAIMED, RUNNING))
            .first()
        )
        if task is None:
            return Outcome.STALE
        now = database_now()
        if task.state == CLAIMED:
            return _give_back(task, now, error)
        in_failure_routine = bool(task.error_kind)
        _emit_failure(task, error)
        if error.kind in session_events.SESSION_ENDS:
            kind = session_events.SESSION_ENDS[error.kind]
            session_events.session_event(kind, task, at=now, comment=_message(task, error))
        if in_failure_routine:
            _set_due(
                task, now + timedelta(seconds=failure_retry_seconds(task.attempt)), attempt=task.attempt + 1
            )
            return Outcome.RETRY_DUE
        wait = main_retry_seconds(task.attempt) if _may_retry(task, error) else None
        if wait is not None:
            task.error_message = error.message[:MESSAGE_LENGTH]
            task.cancel_requested_at = None
            _set_due(task, now + timedelta(seconds=wait), attempt=task.attempt + 1)
            return Outcome.RETRY_DUE
        if not task.failure_routine:
            task.delete()
            return Outcome.REMOVED
        task.error_kind = error.kind
        task.error_message = _message(task, error)[:MESSAGE_LENGTH]
        task.error_call_stack = error.call_stack[-CALL_STACK_LENGTH:]
        task.non_retriable = error.non_retriable
        _set_due(task, now, attempt=0)
        return Outcome.FAILURE_ROUTINE_DUE


def until_recorded(step: Callable[[], T]) -> T:
    """Repeats a step while the database is away, reconnecting each time; inside a transaction it is tried once.

    For a finish: the work is done, so its record must not be lost to an outage. The step is fenced, so a repeat after
    a commit whose answer was lost raises ``ReportedLate`` and changes nothing.
    """
    wait = 0.05
    while True:
        try:
            with patience(RECORD_SECONDS):
                return step()
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(wait)
            wait = min(2.0, wait * 2)


def _may_retry(task: ScheduledTask, error: TaskError) -> bool:
    kinds = ScheduledTask.ErrorKind
    if error.non_retriable or error.kind in (kinds.TIMEOUT, kinds.CANCELLED, kinds.NON_RETRIABLE):
        return False
    return is_registered(task.main_routine) and get_routine(task.main_routine).idempotent


def _message(task: ScheduledTask, error: TaskError) -> str:
    if error.kind != ScheduledTask.ErrorKind.CANCELLED or task.cancel_requested_at is None:
        return error.message
    who = task.cancel_requested_by.get_username() if task.cancel_requested_by else "System"
    return f"Cancelled by {who}: {task.cancel_reason}" if task.cancel_reason else f"Cancelled by {who}."


def _give_back(task: ScheduledTask, now, error: TaskError) -> Outcome:
    # The first time at once: its worker lost the database. After that slower, should the start itself be at fault.
    wait = 0 if task.attempt == 0 else failure_retry_seconds(task.attempt)
    if wait:
        logger.warning("Task %s could not be started and is given back: %s", task.pk, error.message)
    _set_due(
        task, max(task.not_before, now + timedelta(seconds=wait)) if wait else None, attempt=task.attempt + 1
    )
    return Outcome.GIVEN_BACK


def _set_due(task: ScheduledTask, not_before, *, attempt: int) -> None:
    if not_before is not None:
        task.not_before = not_before
        task.rank = not_before + task.priority * RANK_STEP
    task.state = FREE
    task.claim_number += 1
    task.attempt = attempt
    task.cluster_id = task.worker_id = task.session_number = None
    task.claimed_at = task.started_at = None
    task.save()
    wake_clusters()


def _emit_failure(task: ScheduledTask, error: TaskError) -> None:
    interrupted = error.kind in (ScheduledTask.ErrorKind.TIMEOUT, ScheduledTask.ErrorKind.CANCELLED)
    emit(
        "LC0044" if interrupted else "LC0045",
        taskId=str(task.pk),
        codeunitObjectId=task.main_routine,
        failureCodeunitObjectId=task.failure_routine or 0,
        attemptNumber=task.attempt,
        result="Canceled" if interrupted else "Failure",
        failureReason=str(error.kind),
        message=error.message,
    )
