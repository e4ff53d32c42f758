"""Moving a run on: what follows from the state of its lines, and from a hold or cancel asked for meanwhile.

The algorithm of *Packages reference, On Error modes*, as steps that may be taken twice: each looks at the lines as they
are stored and does what is left to do. The caller holds the package's lock.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from jobqueue import scheduler
from jobqueue.actors import Actor
from jobqueue.lifecycle import owned
from jobqueue.lifecycle.owned import MOVING
from jobqueue.models import Entry, LogEntry
from jobqueue.states import HoldKind, LogStatus, Status
from packages import telling
from packages.engine import ending
from packages.models import Package, Run, RunLine
from packages.states import FAILED, GOING, OnError, Result, Trigger

INTERRUPTIONS = frozenset({"killed", "lost"})
LOST_WITHOUT_TASK = frozenset({Status.READY, Status.WAITING})
STOPPED_BY_ERROR = "An earlier line failed and the package stops on error."
GONE = "The entry does not exist any more."
BUSY = "The entry was still running from before."
VETOED = "An extension kept the entry from being scheduled."


def advance(package: Package, run: Run, *, now: datetime) -> None:
    """Starts the next line or group, or ends the run; nothing while a line is going."""
    while run.is_open:
        lines = _lines_of(run)
        if any(line.result in GOING for line in lines):
            break
        pending = [line for line in lines if line.result == Result.PENDING]
        if not pending:
            ending.close(package, run, now=now)
            break
        if run.hold_requested_at is not None or run.cancel_requested_at is not None:
            _leave_undone(pending, result=Result.NOT_RUN, reason=_why_cut_short(run))
            continue
        ordinary = [line for line in pending if not line.always]
        if ordinary and _stopped_by_error(lines):
            _leave_undone(ordinary, result=Result.SKIPPED, reason=STOPPED_BY_ERROR)
            continue
        for line in next_group(pending, together=run.runs_groups):
            _start(package, run, line, now=now)
    Run.objects.filter(pk=run.pk).update(touched_at=now)


def next_group(pending: Sequence[RunLine], *, together: bool) -> list[RunLine]:
    """The lines to be started next: one, or all of equal order; *Always* lines come after all others."""
    first = min(pending, key=lambda line: (line.always, line.run_order, line.pk))
    if not together:
        return [first]
    return [line for line in pending if (line.always, line.run_order) == (first.always, first.run_order)]


def attempt_ended(
    package: Package,
    line: RunLine,
    entry: Entry,
    row: LogEntry,
    *,
    succeeded: bool,
    final: bool,
    now: datetime,
) -> None:
    """Takes note of the end of one attempt of a line that is going, and moves the run on."""
    run = line.run
    _note_attempt(line, row)
    if succeeded:
        settle(line, Result.SUCCESS, ended_at=row.ended_at or now)
    elif final or _retry_is_withdrawn(run, entry, row, now=now):
        fail(package, run, line, row=row, now=now)
    else:
        line.result = Result.WAITING
        line.save()
        return
    advance(package, run, now=now)


def settle(line: RunLine, result: Result, *, ended_at: datetime | None) -> None:
    """Stores the result of a line."""
    line.result, line.ended_at = result, ended_at
    line.save()


def fail(
    package: Package,
    run: Run,
    line: RunLine,
    *,
    now: datetime,
    row: LogEntry | None = None,
    message: str = "",
) -> None:
    """The line failed for good: recorded, and told at once (*On Entry Error*)."""
    interrupted = row is not None and row.error_kind in INTERRUPTIONS
    line.error_message = (message or _message_of(row))[:2048]
    line.error_call_stack = row.error_call_stack if row is not None else ""
    ended_at = row.ended_at if row is not None else None
    settle(line, Result.INTERRUPTED if interrupted else Result.ERROR, ended_at=ended_at or now)
    telling.entry_failed(package, run, line, now=now)


def request_hold(package: Package, run: Run, *, user: Any, reason: str, now: datetime) -> None:
    """Lets only the entries that are running finish; what waits does not start any more."""
    run.hold_requested_at, run.held_by, run.hold_reason = now, user, reason
    run.save(update_fields=["hold_requested_at", "held_by", "hold_reason"])
    for line, entry in _going(run):
        _withdraw(package, run, line, entry, now=now)
    advance(package, run, now=now)


def request_cancel(package: Package, run: Run, *, actor: Actor, reason: str, now: datetime) -> None:
    """What waits does not start any more; :func:`interrupt` then asks the entries that are running to stop."""
    run.cancel_requested_at, run.cancelled_by, run.cancel_reason = now, actor.user, reason
    run.save(update_fields=["cancel_requested_at", "cancelled_by", "cancel_reason"])
    for line, entry in _going(run):
        _withdraw(package, run, line, entry, now=now)
    advance(package, run, now=now)


def interrupt(run: Run) -> None:
    """Asks the running entries of a cancelled run to stop; asking again does no harm.

    Outside the transaction that holds the package: a worker that ends such an entry holds its task and waits for the
    package.
    """
    if run.cancel_requested_at is None:
        return
    words = run.cancel_reason or f"Run {run.number} of the package was cancelled"
    for _, entry in _going(run):
        if entry is not None and entry.system_task_id is not None:
            scheduler.request_cancel(entry.system_task_id, user=run.cancelled_by, reason=words)


def reconcile(package: Package, run: Run, *, now: datetime) -> None:
    """Takes note of ends nobody reported, and moves a run on that stands still.

    An entry without a run and without a task, a missing one, or one a person has set to Error stands behind no line.
    """
    for line, entry in _going(run):
        if entry is None:
            fail(package, run, line, now=now, message=GONE)
        elif entry.status in MOVING:
            if entry.status in LOST_WITHOUT_TASK and not scheduler.task_exists(entry.system_task_id):
                _start_again(line, entry, run, now=now)
        else:
            _settle_from_ledger(package, run, line, entry, now=now)
    advance(package, run, now=now)


def _lines_of(run: Run) -> list[RunLine]:
    return list(RunLine.objects.filter(run=run).order_by("always", "run_order", "pk"))


def _going(run: Run) -> list[tuple[RunLine, Entry | None]]:
    lines = [line for line in _lines_of(run) if line.result in GOING]
    entries = {
        entry.id: entry
        for entry in Entry.objects.select_related("company", "user").filter(
            id__in=[line.entry_id for line in lines]
        )
    }
    return [(line, entries.get(line.entry_id)) for line in lines]


def _start(package: Package, run: Run, line: RunLine, *, now: datetime) -> None:
    entry = Entry.objects.select_related("company", "user").filter(id=line.entry_id).first()
    if entry is None or entry.status in MOVING:
        fail(package, run, line, now=now, message=GONE if entry is None else BUSY)
        return
    if entry.hold_kind == HoldKind.POISON and run.trigger != Trigger.MANUAL:
        # Nobody has answered for it since: the schedule alone must not let it kill one more worker.
        fail(package, run, line, now=now, message=entry.hold_reason)
        return
    started = owned.start_owned(entry, user=run.identity, owner_run=f"{run.number}/{line.pk}", now=now)
    if not started:
        fail(package, run, line, now=now, message=entry.hold_reason or VETOED)
        return
    line.result, line.released_at, line.entry_due_at = Result.IN_PROCESS, now, entry.due_at
    line.save()


def _start_again(line: RunLine, entry: Entry, run: Run, *, now: datetime) -> None:
    """An entry that is to start lost its task: it gets a new one for the same run line."""
    owned.rest(entry, now=now)
    if owned.start_owned(entry, user=run.identity, owner_run=f"{run.number}/{line.pk}", now=now):
        line.entry_due_at = entry.due_at
        line.save()


def _withdraw(package: Package, run: Run, line: RunLine, entry: Entry | None, *, now: datetime) -> bool:
    """Takes back a line that is not running: Not Run, or failed for good if an attempt of it had failed."""
    if entry is None or entry.status not in MOVING:
        return True  # its end is being recorded, or the reconciler sees to it
    tried = _attempts_of(line).last()
    message = _message_of(tried) if tried is not None else ""
    if not owned.withdraw_owned(entry, reason=_why_cut_short(run), now=now, error_message=message):
        return False
    if tried is not None:
        _note_attempt(line, tried)
        fail(package, run, line, row=tried, now=now)
    else:
        line.reason = _why_cut_short(run)[:500]
        settle(line, Result.NOT_RUN, ended_at=None)
    return True


def _settle_from_ledger(package: Package, run: Run, line: RunLine, entry: Entry, *, now: datetime) -> None:
    row = _attempts_of(line).last()
    if row is not None and row.status == LogStatus.IN_PROCESS:
        return
    if row is not None:
        _note_attempt(line, row)
    if row is None and _is_cut_short(run):
        line.reason = _why_cut_short(run)[:500]
        settle(line, Result.NOT_RUN, ended_at=None)
    elif row is not None and row.status == LogStatus.SUCCESS:
        settle(line, Result.SUCCESS, ended_at=row.ended_at or now)
    else:
        message = (
            "" if row is not None else entry.error_message or entry.hold_reason or "The entry did not run."
        )
        fail(package, run, line, row=row, now=now, message=message)


def _attempts_of(line: RunLine) -> Any:
    if line.entry_due_at is None:
        return LogEntry.objects.none()
    rows = LogEntry.objects.filter(entry_id=line.entry_id, due_at__gte=line.entry_due_at)
    return rows.exclude(status__in=(LogStatus.SKIPPED, LogStatus.MISSED)).order_by("due_at", "attempt")


def _note_attempt(line: RunLine, row: LogEntry) -> None:
    line.attempts = row.attempt + 1
    line.entry_due_at = row.due_at
    line.started_at = line.started_at or row.started_at
    line.worker = "" if row.worker_id is None else f"{row.worker_id}/{row.session_number}"


def _leave_undone(lines: Iterable[RunLine], *, result: Result, reason: str) -> None:
    RunLine.objects.filter(pk__in=[line.pk for line in lines]).update(result=result, reason=reason[:500])


def _stopped_by_error(lines: Iterable[RunLine]) -> bool:
    return any(line.result in FAILED and line.on_error == OnError.STOP for line in lines)


def _retry_is_withdrawn(run: Run, entry: Entry, row: LogEntry, *, now: datetime) -> bool:
    """After a hold or cancel there is no further attempt."""
    if not _is_cut_short(run):
        return False
    reason = _why_cut_short(run)
    return owned.withdraw_owned(entry, reason=reason, now=now, error_message=row.error_message)


def _is_cut_short(run: Run) -> bool:
    return run.hold_requested_at is not None or run.cancel_requested_at is not None


def _why_cut_short(run: Run) -> str:
    who = run.cancelled_by if run.cancel_requested_at is not None else run.held_by
    by = f" by {who.get_username()}" if who is not None else ""
    if run.cancel_requested_at is not None:
        why, words = run.cancel_reason, f"The run was cancelled{by}"
    else:
        why, words = run.hold_reason, f"The package was set On Hold{by}"
    return f"{words}: {why}" if why else f"{words}."


def _message_of(row: LogEntry | None) -> str:
    if row is None:
        return ""
    if row.status == LogStatus.CANCELLED:
        by = f" by {row.ended_by.get_username()}" if row.ended_by is not None else ""
        return f"Cancelled{by}: {row.reason}" if row.reason else f"Cancelled{by}."
    return row.error_message
