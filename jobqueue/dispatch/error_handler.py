"""The error handler: the failure routine of every entry's task, in a new session after a run ended badly.

What it does and the end of its task commit together (the scheduler sees to that), so it may be killed at any point and
run again: nothing is recorded twice. The steps (*Job queue reference, Errors, attempts, rerun*):

1. Lock category and entry; find the run's ledger row, or make one.
2. The messages: those the run collected, else the error that ended it.
3. Whose entry is it still? A hold set during the run survives it, an extra run leaves the entry alone.
4. Retry, next run or end: non-retriable errors use up all attempts, a cancelled run is no failure, an entry whose runs
   keep killing their worker is held.
5. Settle the ledger row, then tell owner and listeners.
6. Hand the category's slot over, and have the object's own failure routine run in a session of its own.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.dispatch import Signal

from jobqueue import categories, ledger, scheduler, telemetry
from jobqueue.dispatch import collected, facts, finishing, poison
from jobqueue.enqueue import KEEP, SESSION_FIELDS, clear_session, enqueue
from jobqueue.events import (
    Draft,
    after_log_error,
    after_set_status,
    announce,
    announce_finish,
    ask,
    before_log_error,
    before_notify,
    failed_for_good,
    finished_owned,
    handle_execution_error,
)
from jobqueue.guarded import store
from jobqueue.models import Entry, LogEntry
from jobqueue.schedule import retry_decision
from jobqueue.scheduler import RunningTask
from jobqueue.states import HoldKind, LogStatus, Status

logger = logging.getLogger(__name__)

OBJECT_FAILURE_ROUTINE = "jobqueue.object_failure"
KILLED = "The worker process was killed while the job ran."
LOST = "Contact with the worker was lost while the job ran."


@dataclass(slots=True)
class Failure:
    """A run that ended badly. ``retry_at`` None: no further attempt. ``is_ours``: the entry waits for its end."""

    task: RunningTask
    row: LogEntry
    entry: Entry | None
    now: datetime
    message: str = ""
    retry_at: datetime | None = None
    attempt: int = 0
    is_ours: bool = False
    is_poison: bool = False

    @property
    def was_cancelled(self) -> bool:
        return self.task.error_kind == "cancelled"

    @property
    def is_extra(self) -> bool:
        return bool(self.task.context and "extra" in self.task.context)

    def look_whose(self) -> None:
        """Finds out whether the entry still waits for the end of this very run."""
        entry = self.entry
        self.is_ours = entry is not None and not self.is_extra and entry.system_task_id == self.task.id


def handle_error(task: RunningTask, *, now: datetime) -> None:
    """Records the failed run and decides what follows. In the scheduler's transaction."""
    failure = _find(task, now=now)
    if failure is None:
        return
    failure.look_whose()
    _collect(failure)
    if _is_running(failure):
        _decide(failure)
        _report(failure)
    _follow(failure)
    _tell(failure)
    row = failure.row
    categories.after_run(
        company_id=row.company_id, code=row.category_code, entry_id=row.entry_id, now=failure.now
    )
    _run_own_routine(failure)


def _is_running(failure: Failure) -> bool:
    return failure.is_ours and failure.entry is not None and failure.entry.status == Status.IN_PROCESS


def _find(task: RunningTask, *, now: datetime) -> Failure | None:
    """Locks what will be written. None if entry and ledger row are both gone."""
    entry = Entry.objects.filter(id=task.record).first()
    row = _row_of(task, entry)
    known = row or entry
    if known is None:
        return None
    categories.lock(known.company_id, known.category_code)
    if entry is not None:
        # The user may be null, so the lock is for the entry alone.
        entry = (
            Entry.objects.select_for_update(of=("self",))
            .select_related("company", "user")
            .filter(pk=entry.pk)
            .first()
        )
    if row is None:
        if entry is None:
            return None
        row = _make_row(task, entry)
    return Failure(task=task, row=row, entry=entry, now=now)


def _row_of(task: RunningTask, entry: Entry | None) -> LogEntry | None:
    rows = LogEntry.objects.filter(entry_id=task.record)
    running = rows.filter(status=LogStatus.IN_PROCESS, system_task_id=task.id).first()
    if running is not None or entry is None or entry.due_at is None:
        return running
    return rows.filter(due_at=entry.due_at, system_task_id=task.id).order_by("-attempt").first()


def _make_row(task: RunningTask, entry: Entry) -> LogEntry:
    """The run has no row (it was deleted): a failed attempt is never without one."""
    due_at = entry.due_at or task.not_before
    return ledger.insert_run(
        entry,
        due_at=due_at,
        attempt=ledger.next_attempt(entry.id, due_at),
        started_at=task.started_at,
        system_task_id=task.id,
        claim_number=task.claim_number,
    )


def _collect(failure: Failure) -> None:
    """Step 2: register and message of the row."""
    task, row = failure.task, failure.row
    text = _words(task)
    if failure.was_cancelled:
        failure.message = text
        return
    _consult(before_log_error, entry=failure.entry, log_entry=row, error=text)
    register = collected.add_error(row, message=text, call_stack=task.error_call_stack, now=failure.now)
    row.error_register = register
    failure.message = collected.first_message(register.pk) or text


def _consult(signal: Signal, **named: Any) -> Any:
    """The answer of extensions; one that fails is logged and not heard, or the failure would never be recorded."""
    try:
        with transaction.atomic():
            return ask(signal, **named)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("An extension failed while a failed run was being recorded.")
    return None


def _words(task: RunningTask) -> str:
    text = task.error_message.strip()
    if task.error_kind == "killed":
        return f"{KILLED} {text}".strip()
    if task.error_kind == "lost":
        return f"{LOST} {text}".strip()
    return text or "The run failed without a message."


def _decide(failure: Failure) -> None:
    """Step 4: is there a further attempt, and when? Decisions on attempts and non-retriable errors."""
    entry, task = failure.entry, failure.task
    assert entry is not None
    if failure.was_cancelled:
        return
    failure.is_poison = poison.is_poison(failure.row, error_kind=task.error_kind, now=failure.now)
    if failure.is_poison:
        return
    retry = None
    if not task.non_retriable:
        retry = retry_decision(
            entry.max_attempts,
            attempts_done=entry.attempts,
            rerun_delay_seconds=entry.rerun_delay_seconds,
            now=failure.now,
        )
    draft = Draft(retry_at=retry.at if retry is not None else None)
    _consult(handle_execution_error, entry=entry, draft=draft)
    if draft.retry_at is not None:
        failure.retry_at, failure.attempt = (
            draft.retry_at,
            retry.attempt if retry is not None else entry.attempts + 1,
        )


def _report(failure: Failure) -> None:
    """*Errored* fires for every failed attempt, with the entry in Error as it stands at this moment."""
    entry = failure.entry
    if entry is None or failure.was_cancelled:
        return
    entry.error_message, entry.error_register = failure.message[:2048], failure.row.error_register
    telemetry.entry_event(
        "0000HE7", entry, JobQueueStatus="Error", alJobQueueStacktrace=failure.task.error_call_stack
    )


def _follow(failure: Failure) -> None:
    """Steps 3 and 4: what becomes of the entry, and with it of the ledger row."""
    entry, now = failure.entry, failure.now
    if entry is None or not failure.is_ours:
        _settle(failure, is_final=True)
        return
    if entry.status == Status.ON_HOLD:
        _settle(failure, is_final=True)
        held_at = min(entry.held_at or now, now)
        ledger.account_for_overlap(entry, due_at=failure.row.due_at, until=held_at, now=now)
        entry.system_task_id = None
        clear_session(entry)
        store(entry, ["system_task_id", *SESSION_FIELDS], now=now)
        return
    if entry.status != Status.IN_PROCESS:
        _settle(failure, is_final=True)
        return
    if failure.was_cancelled:
        _settle(failure, is_final=True)
        _follow_cancel(failure)
    elif failure.retry_at is not None:
        _retry(failure)
    else:
        _settle(failure, is_final=True)
        _stop(failure)
        if failure.is_poison:
            finishing.hold(entry, kind=HoldKind.POISON, reason=poison.reason(entry), now=now)
    announce(after_set_status, entry=entry, old=Status.IN_PROCESS, new=entry.status)
    telemetry.status_changed(entry, old=Status.IN_PROCESS)


def _settle(failure: Failure, *, is_final: bool) -> None:
    task, row = failure.task, failure.row
    cancelled = failure.was_cancelled
    values: dict[str, Any] = {
        "status": LogStatus.CANCELLED if cancelled else LogStatus.ERROR,
        "is_final": is_final,
        "ended_at": failure.now,
        "error_kind": task.error_kind,
        "error_message": "" if cancelled else failure.message,
        "error_call_stack": "" if cancelled else task.error_call_stack,
        "reason": task.cancel_reason if cancelled else "",
        "ended_by_id": task.cancel_requested_by_id if cancelled else None,
        "error_register_id": row.error_register_id,
    }
    if ledger.settle(row.entry_no, **values):
        for name, value in values.items():
            setattr(row, name, value)


def _retry(failure: Failure) -> None:
    entry = failure.entry
    assert entry is not None
    _settle(failure, is_final=False)  # first: its row keeps the error messages the entry lets go of
    entry.attempts = failure.attempt
    entry.earliest_start_at = failure.retry_at
    entry.status = Status.READY
    try:
        with transaction.atomic():
            scheduled = enqueue(entry, now=failure.now, due_at=KEEP, context=failure.task.context)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("%s could not be enqueued for its retry; it stays in Error.", entry)
        entry.refresh_from_db()
        _stop(failure)
        scheduled = False
    if not scheduled:
        failure.retry_at, failure.row.is_final = None, True
        LogEntry.objects.filter(pk=failure.row.pk).update(is_final=True)


def _stop(failure: Failure) -> None:
    """Error, until a person acts. Fixed times passed during the run are accounted for."""
    entry, now = failure.entry, failure.now
    assert entry is not None
    message, register = failure.message, failure.row.error_register
    ledger.account_for_overlap(entry, due_at=failure.row.due_at, until=now, now=now)
    entry.status, entry.system_task_id = Status.ERROR, None
    entry.error_message, entry.error_register = message[:2048], register
    clear_session(entry)
    store(entry, ["status", "system_task_id", "error_message", "error_register", *SESSION_FIELDS], now=now)


def _follow_cancel(failure: Failure) -> None:
    """A cancelled recurring entry goes on at its next due time; one that runs once waits On Hold; an owner decides."""
    entry, task = failure.entry, failure.task
    assert entry is not None
    entry.attempts = 0
    if entry.owner_kind:
        finishing.hold(entry, kind=HoldKind.OWNER, reason="The run was cancelled.", now=failure.now)
    elif entry.recurring:
        finishing.schedule_next(entry, due_at=failure.row.due_at, now=failure.now)
    else:
        why = f": {task.cancel_reason}" if task.cancel_reason else "."
        finishing.hold(
            entry,
            kind=HoldKind.MANUAL,
            reason=f"The run was cancelled{why}",
            now=failure.now,
            held_by=failure.row.ended_by,
        )


def _tell(failure: Failure) -> None:
    """Step 5: owner hooks first (they may undo all this), then listeners, who cannot."""
    entry, row = failure.entry, failure.row
    final = failure.retry_at is None
    if entry is not None and entry.owner_kind and failure.is_ours:
        finished_owned.send(sender=Entry, entry=entry, log_entry=row, succeeded=False, final=final)
    if not failure.was_cancelled:
        announce(after_log_error, entry=entry, log_entry=row, final=final)
    if row.is_final:
        announce_finish(entry=entry, log_entry=row)
    stopped = entry is not None and (entry.status == Status.ERROR or failure.is_poison)
    if final and entry is not None and stopped and not failure.is_extra:
        telemetry.entry_event("0000JRG", entry, alJobQueueStacktrace=failure.task.error_call_stack)
        if _consult(before_notify, entry=entry, log_entry=row) is not True:
            announce(failed_for_good, entry=entry, log_entry=row)


def _run_own_routine(failure: Failure) -> None:
    """The object's own failure routine, as a task of its own: whatever it does harms neither record nor retry."""
    job = facts.job_object(failure.row)
    if job is None or job.failure_routine is None or failure.was_cancelled:
        return
    row = failure.row
    scheduler.create_task(
        OBJECT_FAILURE_ROUTINE,
        record=row.entry_id,
        company=row.company_id,
        user=row.user_id,
        timeout_seconds=failure.task.timeout_seconds,
        context={"log_entry_no": row.entry_no, "kind": failure.task.error_kind, "final": row.is_final},
    )
