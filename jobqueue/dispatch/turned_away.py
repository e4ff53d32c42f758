"""What becomes of a due moment when a gate is closed: skipped, missed, moved, parked, or the entry's end.

Everything here runs in the dispatcher's transaction, consumes the claimed task, and settles or moves the due moment, so
that the ledger has no hole. Source: *Job queue reference, Dispatcher, step by step*, 0 to 6, and *Job timeout and
expiry*; the decisions on the ledger, holds and owners.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from jobqueue import categories, ledger, registers, telemetry
from jobqueue.actors import SYSTEM
from jobqueue.dispatch import finishing
from jobqueue.dispatch.facts import Reading
from jobqueue.enqueue import KEEP, SESSION_FIELDS, clear_session, dispatch_task, enqueue
from jobqueue.events import (
    Draft,
    after_delete_entry,
    announce,
    ask,
    before_run,
    before_waiting_reschedule,
    before_window_reschedule,
    category_wait,
    is_ready_to_start,
)
from jobqueue.gates import MISSED_AFTER, Busy, Gate, GateName
from jobqueue.guarded import ChangedMeanwhile, remove, store
from jobqueue.models import Category, Entry, LogEntry
from jobqueue.schedule import Anchor, Gap, Recurrence, ScheduleError, gap_between, window_reschedule
from jobqueue.scheduler import ClaimedTask, StaleClaim
from jobqueue.scheduler.sql import TASK_TABLE
from jobqueue.scheduler.values import db_uuid
from jobqueue.states import HoldKind, LogStatus, Status
from jobqueue.validation import recurrence_of

NOBODY_SERVED = "Nothing could run at the time."
RUNS_AGAIN = "The run was lost; the job runs again."


class Closed(NamedTuple):
    """A due moment before a closed gate."""

    entry: Entry
    reading: Reading
    gate: Gate


def turn_away(claim: ClaimedTask, reading: Reading, entry: Entry, gate: Gate) -> None:
    """Does what the first closed gate calls for. After ``StaleClaim`` or ``ChangedMeanwhile`` nothing has happened."""
    drop(claim)
    closed = Closed(entry, reading, gate)
    if reading.is_extra:
        _turn_extra_run_away(closed)
    else:
        _BRANCHES[gate.name](closed)
    if gate.name is not GateName.CATEGORY:
        # The entry may have been given a turn it does not take: the next one has it.
        categories.wake(entry.company_id, entry.category_code, now=reading.now)


def drop(claim: ClaimedTask) -> None:
    """Consumes a claimed task that is not going to start; ``StaleClaim`` if it is no longer held."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {TASK_TABLE} WHERE id = %s AND claim_number = %s AND state = 1",
            [db_uuid(claim.id), claim.claim_number],
        )
        if cursor.rowcount != 1:
            raise StaleClaim(f"Task {claim.id} is no longer claimed under number {claim.claim_number}.")


def objection(entry: Entry) -> str:
    """Why an extension does not want the entry to start now; empty if none objects."""
    if ask(before_run, entry=entry):
        telemetry.entry_event("0000P8K", entry)
        return "An extension skipped the run."
    if ask(is_ready_to_start, entry=entry) is False:
        telemetry.entry_event("0000P8L", entry)
        return "An extension says that the entry is not ready to start."
    return ""


def category_facts(entry: Entry, category: Category | None) -> tuple[int | None, tuple[Busy, ...]]:
    """Slots and who occupies them; an extension may decide otherwise."""
    decided = ask(category_wait, entry=entry) if entry.category_code else None
    if decided is True:
        return 0, (Busy("an extension"),)
    if decided is False or category is None:
        return None, ()
    return category.slots, categories.busy(entry.company_id, entry.category_code)


def settle_missed(entry: Entry, reading: Reading, recurrence: Recurrence | None) -> datetime:
    """The due moment to serve now.

    Of several fixed times nobody could serve, the last one runs, late; the others become one *Missed* row. Also settles
    the rows of a run that the scheduler forgot.
    """
    if reading.is_extra:
        return reading.not_before
    if entry.status == Status.IN_PROCESS:
        _settle_lost_runs(entry, reading)
    due_at = entry.due_at or entry.earliest_start_at or reading.not_before
    fixed = recurrence is not None and recurrence.is_recurring and recurrence.anchor == Anchor.FIXED
    late = reading.now - reading.not_before > MISSED_AFTER
    if recurrence is None or not fixed or entry.attempts or entry.owner_kind or not late:
        return due_at
    passed = gap_between(recurrence, last_due=due_at, now=reading.now)
    if passed is None:
        return due_at
    before = gap_between(recurrence, last_due=due_at, now=passed.last_due - timedelta(microseconds=1))
    gap = Gap(count=passed.count, first_due=due_at, last_due=before.last_due if before else due_at)
    ledger.record_gap(entry, gap, status=LogStatus.MISSED, reason=NOBODY_SERVED, now=reading.now)
    return passed.last_due


def _turn_extra_run_away(closed: Closed) -> None:
    """An extra run waits its turn in the category; otherwise it is skipped, and the ledger says why."""
    entry, reading, gate = closed
    if gate.name is GateName.CATEGORY:
        dispatch_task(
            entry,
            user=reading.user_id,
            not_before=reading.not_before,
            is_ready=False,
            context=reading.context,
        )
        _guard_category(entry, reading)
        telemetry.entry_event("0000P9F", entry)
        return
    entry.user_id = reading.user_id
    ledger.record_skip(
        entry,
        due_at=ledger.free_due_moment(entry.id, reading.not_before),
        reason=gate.reason,
        now=reading.now,
        id=reading.context["extra"],
        origin=reading.context.get("origin", ""),
    )


def _not_startable(closed: Closed) -> None:
    telemetry.entry_event("0000P8L", closed.entry)
    if closed.entry.status == Status.ON_HOLD:
        ledger.close_due_moment(closed.entry, reason=closed.gate.reason, now=closed.reading.now)


def _expired(closed: Closed) -> None:
    entry, reading, _gate = closed
    reason = f"Expired at {entry.expires_at:%Y-%m-%d %H:%M:%S} UTC."
    ledger.close_due_moment(entry, reason=reason, now=reading.now)
    telemetry.entry_event("0000P9E", entry)
    remove(entry)
    registers.release([entry.error_register_id])
    announce(after_delete_entry, entry=entry, actor=SYSTEM)


def _not_by_owner(closed: Closed) -> None:
    entry, reading, gate = closed
    ledger.close_due_moment(entry, reason=gate.reason, now=reading.now)
    finishing.hold(entry, kind=HoldKind.OWNER, reason=gate.reason, now=reading.now)


def _missed(closed: Closed) -> None:
    _lose_due_moment(closed, status=LogStatus.MISSED, reason=NOBODY_SERVED)


def _objected(closed: Closed) -> None:
    entry, reading, gate = closed
    if entry.recurring:
        _lose_due_moment(closed, status=LogStatus.SKIPPED, reason=gate.reason)
        return
    ledger.close_due_moment(entry, reason=gate.reason, now=reading.now)
    finishing.hold(entry, kind=HoldKind.PROGRAM, reason=gate.reason, now=reading.now)


def _outside_window(closed: Closed) -> None:
    """A fixed due moment is skipped for the next one; any other is served later, when the window opens."""
    entry, reading, gate = closed
    telemetry.entry_event("0000P9D", entry)
    if entry.recurring and entry.recurrence_anchor == Anchor.FIXED and not entry.attempts:
        _lose_due_moment(closed, status=LogStatus.SKIPPED, reason=gate.reason)
        return
    try:
        moment = window_reschedule(recurrence_of(entry), now=reading.now)
    except ScheduleError as error:
        finishing.stop_for_good(entry, f"The daily window never opens. {error.message}", now=reading.now)
        return
    draft = Draft(moment=moment)
    ask(before_window_reschedule, entry=entry, draft=draft)
    entry.earliest_start_at = draft.moment
    old, entry.status = entry.status, Status.READY
    enqueue(entry, now=reading.now, due_at=KEEP if entry.due_at else reading.not_before)
    telemetry.status_changed(entry, old=old)


def _wait(closed: Closed) -> None:
    """Waiting, with a task that is not ready: whoever ends the run in front sets it ready."""
    entry, reading, _gate = closed
    draft = Draft(not_before=entry.earliest_start_at or reading.not_before)
    ask(before_waiting_reschedule, entry=entry, draft=draft)
    old, entry.status = entry.status, Status.WAITING
    entry.system_task_id = dispatch_task(
        entry,
        user=entry.user_id,
        not_before=draft.not_before,
        is_ready=False,
        context=reading.context or None,
    )
    clear_session(entry)
    store(entry, ["status", "system_task_id", *SESSION_FIELDS], now=reading.now)
    _guard_category(entry, reading)
    telemetry.entry_event("0000P9F", entry)
    telemetry.status_changed(entry, old=old)


def _not_due(closed: Closed) -> None:
    raise ChangedMeanwhile("The task was claimed before its moment; it is given back.")


def _lose_due_moment(closed: Closed, *, status: LogStatus, reason: str) -> None:
    entry, reading, _gate = closed
    due_at = entry.due_at or entry.earliest_start_at or reading.not_before
    old = entry.status
    finishing.schedule_next(entry, due_at=due_at, now=reading.now, lost=status, reason=reason)
    telemetry.status_changed(entry, old=old)


def _guard_category(entry: Entry, reading: Reading) -> None:
    category = categories.lock(entry.company_id, entry.category_code)
    if category is not None:
        categories.ensure_recovery(category, now=reading.now)


def _settle_lost_runs(entry: Entry, reading: Reading) -> None:
    """The platform runs a started task again (a restored database): its old row ends here (0000PCR)."""
    for row in LogEntry.objects.filter(entry_id=entry.id, status=LogStatus.IN_PROCESS):
        ledger.settle(
            row.entry_no,
            status=LogStatus.ERROR,
            ended_at=reading.now,
            error_kind="lost",
            error_message=RUNS_AGAIN,
        )
        telemetry.log_event("0000PCR", row)


_BRANCHES: dict[GateName, Callable[[Closed], None]] = {
    GateName.STARTABLE: _not_startable,
    GateName.EXPIRED: _expired,
    GateName.HELD: _not_startable,
    GateName.OWNER: _not_by_owner,
    GateName.DUE: _not_due,
    GateName.MISSED: _missed,
    GateName.HOOK: _objected,
    GateName.WINDOW: _outside_window,
    GateName.PARALLEL: _wait,
    GateName.CATEGORY: _wait,
}
