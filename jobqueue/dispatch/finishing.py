"""What follows a run that ended well: the next run, a sleep, a hold, or the end of the entry.

Source: *Job queue reference, Dispatcher, step by step* (7d to 7i), *Next-run time* and *Inactivity timeout*; the
decisions on holds, owners and the ledger. A finish is fenced by the task's claim number and commits as one: ledger row,
entry, next task, documents, and the next of the category.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from jobqueue import categories, inbox, ledger, registers, telemetry
from jobqueue.actors import SYSTEM
from jobqueue.dispatch.facts import EntryRow, Reading
from jobqueue.dispatch.hotpath import Next, Started
from jobqueue.enqueue import HOLD_FIELDS, LEAD, SESSION_FIELDS, clear_session, enqueue
from jobqueue.events import (
    Draft,
    after_cleanup,
    after_delete_entry,
    after_execute,
    after_next_run,
    after_request,
    after_set_status,
    announce,
    announce_finish,
    ask,
    before_cleanup,
    before_next_run,
    before_set_status,
    finished_owned,
    stopped_by_schedule,
)
from jobqueue.guarded import remove, store
from jobqueue.models import Entry, LogEntry
from jobqueue.objects import Document, EntryView
from jobqueue.schedule import (
    Anchor,
    Gap,
    ScheduleError,
    gap_between,
    inactivity_run,
    next_after_completion,
    next_fixed,
)
from jobqueue.scheduler import ClaimedTask
from jobqueue.scheduler.outcome import finish_task
from jobqueue.states import HoldKind, LogStatus, ObjectType, OutputType, Status
from jobqueue.validation import recurrence_of

DELETED = "The entry was deleted while it ran."


class OwnerObjects(Exception):
    """An owner hook failed; the finish was rolled back and may be tried again."""


@dataclass(slots=True)
class Ended:
    """A run whose job returned. ``wish`` is the status the job asked for, None for the usual course."""

    claim: ClaimedTask
    reading: Reading
    started: Started
    view: EntryView
    ended_at: datetime
    execution_ms: int
    wish: Status | None = None
    hold_reason: str = ""
    documents: Sequence[Document] = field(default_factory=list)


def following(entry: Entry | EntryRow, *, due_at: datetime, ended_at: datetime) -> tuple[Next, Gap | None]:
    """The next run after one for ``due_at`` that ended at ``ended_at``, and the due moments passed meanwhile.

    Fixed times step on from the due moment, after completion counts from the end. A start less than a second away is
    put a second off, as enqueueing does. Raises ``ScheduleError`` if the schedule leads no further.
    """
    recurrence = recurrence_of(entry)
    gap = None
    if recurrence.anchor == Anchor.FIXED:
        at = next_fixed(recurrence, due=due_at, now=ended_at)
        gap = gap_between(recurrence, last_due=due_at, now=ended_at)
    else:
        at = next_after_completion(recurrence, finished_at=ended_at, earliest_start=entry.earliest_start_at)
    start_at = max(at, ended_at + LEAD)
    return Next(due_at=at if recurrence.anchor == Anchor.FIXED else start_at, earliest_start_at=start_at), gap


def finish(ended: Ended) -> Entry | None:
    """Ends the run with every event, in one transaction; returns the entry, None if it is gone.

    Raises ``StaleClaim`` if the claim no longer holds, ``ChangedMeanwhile`` if the entry was changed at this very
    moment (try again), and what an owner hook raises: then nothing is recorded.
    """
    row = ended.reading.entry
    assert row is not None
    now = ended.ended_at
    with transaction.atomic():
        code = _category_of(ended)
        categories.lock(row.company_id, code)
        finish_task(ended.claim)
        entry = Entry.objects.select_related("company", "user").filter(pk=row.entry_no).first()
        log_entry = _settle(ended, entry, row)
        _store_documents(ended)
        old = None if entry is None else entry.status
        if entry is None:
            telemetry.entry_event("0000HAK", row)
        elif not ended.reading.is_extra:
            _follow(entry, ended, log_entry)
        if log_entry is not None:
            announce_finish(entry=entry, log_entry=log_entry)
        if entry is not None and old is not None:
            telemetry.status_changed(entry, old=old)
        categories.after_run(company_id=row.company_id, code=code, entry_id=row.id, now=now)
    return entry


def _category_of(ended: Ended) -> str:
    """Whose slot the run occupies: its row's category, which follows a renaming."""
    codes = LogEntry.objects.filter(pk=ended.started.log_entry_no).values_list("category_code", flat=True)
    return codes.first() or ended.view.category_code


def ask_after_execute(ended: Ended) -> None:
    """Lets extensions change what the job asked for; what they raise is a failure of the run."""
    if not after_execute.has_listeners(Entry):
        return
    row = ended.reading.entry
    assert row is not None
    draft = Draft(status=ended.wish)
    entry = Entry.objects.filter(pk=row.entry_no).first()
    log_entry = LogEntry.objects.filter(pk=ended.started.log_entry_no).first()
    ask(after_execute, entry=entry, log_entry=log_entry, draft=draft)
    ended.wish = draft.status


def hold(entry: Entry, *, kind: HoldKind, reason: str, now: datetime, held_by: Any = None) -> None:
    """Stores a hold at the end of a run."""
    entry.status, entry.system_task_id = Status.ON_HOLD, None
    entry.hold_kind, entry.hold_reason = kind, reason[:250]
    entry.held_by, entry.held_at, entry.held_until = held_by, now, None
    clear_session(entry)
    store(entry, ["status", "system_task_id", *SESSION_FIELDS, *HOLD_FIELDS], now=now)


def schedule_next(
    entry: Entry,
    *,
    due_at: datetime,
    now: datetime,
    lost: LogStatus | None = None,
    reason: str = ledger.OVERLAPPED,
) -> bool:
    """Enqueues a recurring entry for its next due moment; due moments passed meanwhile become one *Skipped* row.

    ``lost``: ``due_at`` itself was not served either and counts to that row, which gets this status. False if there is
    no next run: the entry is in Error then and says why.
    """
    try:
        draft = Draft(moment=None)
        ask(before_next_run, entry=entry, base=now, draft=draft)
        if draft.moment is None:
            coming, gap = following(entry, due_at=due_at, ended_at=now)
        else:
            coming, gap = Next(draft.moment, max(draft.moment, now + LEAD)), None
    except ScheduleError as error:
        if lost is not None:
            ledger.record_gap(entry, Gap(1, due_at, due_at), status=lost, reason=reason, now=now)
        stop_for_good(entry, f"There is no next run. {error.message}", now=now)
        return False
    if lost is not None:
        gap = Gap(
            count=1 + (gap.count if gap else 0), first_due=due_at, last_due=gap.last_due if gap else due_at
        )
    if gap is not None:
        ledger.record_gap(entry, gap, status=lost or LogStatus.SKIPPED, reason=reason, now=now)
    draft = Draft(moment=coming.due_at)
    ask(after_next_run, entry=entry, base=now, draft=draft)
    if draft.moment != coming.due_at:
        coming = Next(draft.moment, max(draft.moment, now + LEAD))
    entry.earliest_start_at = coming.earliest_start_at
    entry.status, entry.attempts = Status.READY, 0
    enqueue(entry, now=now, due_at=coming.due_at, keep_attempts=False)
    return True


def stop_for_good(entry: Entry, message: str, *, now: datetime) -> None:
    """Status Error with a message, outside a failed run: nothing else would say that the entry has stopped."""
    entry.status, entry.error_message, entry.system_task_id = Status.ERROR, message[:2048], None
    clear_session(entry)
    store(entry, ["status", "error_message", "system_task_id", *SESSION_FIELDS], now=now)
    announce(stopped_by_schedule, entry=entry, now=now)


def _settle(ended: Ended, entry: Entry | None, row: EntryRow) -> LogEntry | None:
    """Success, or Error for a row whose entry was deleted; a row a person has set to Error stays so."""
    values: dict[str, Any] = {"status": LogStatus.SUCCESS, "ended_at": ended.ended_at}
    if entry is None:
        values |= {"status": LogStatus.ERROR, "error_kind": "deleted", "error_message": DELETED}
    if not ledger.settle(ended.started.log_entry_no, **values):
        found = LogEntry.objects.filter(pk=ended.started.log_entry_no).first()
        if found is not None or entry is None:
            return None
        ledger.insert_run(
            entry,
            due_at=ended.started.due_at,
            attempt=ended.started.attempt,
            started_at=ended.started.started_at,
            entry_no=ended.started.log_entry_no,
            id=ended.started.log_entry_id,
            is_final=True,
            **{**values, "system_task_id": ended.claim.id},
        )
    return LogEntry.objects.filter(pk=ended.started.log_entry_no).first()


def _follow(entry: Entry, ended: Ended, log_entry: LogEntry | None) -> None:
    """Steps 7e and 7g: what the stored status, the job's wish and the kind of entry lead to."""
    now = ended.ended_at
    if entry.system_task_id != ended.claim.id or log_entry is None:
        return  # scheduled anew, or set to Error by a person: the entry goes its own way
    if entry.status == Status.ON_HOLD:
        held_at = min(entry.held_at or now, now)
        ledger.account_for_overlap(entry, due_at=ended.started.due_at, until=held_at, now=now)
        entry.system_task_id = None
        entry.attempts = 0
        clear_session(entry)
        store(entry, ["system_task_id", "attempts", *SESSION_FIELDS], now=now)
        _tell_owner(entry, log_entry)
        return
    if entry.status != Status.IN_PROCESS:
        return
    if ended.reading.entry is not None and _is_processing_only_report(entry):
        entry.notify_on_success = True
        store(entry, ["notify_on_success"], now=now)
    draft = Draft(status=_outcome(entry, ended))
    ask(before_set_status, entry=entry, old=Status.IN_PROCESS, draft=draft)
    if not draft.handled and not ask(before_cleanup, entry=entry):
        _apply(entry, ended, log_entry, Status(draft.status))
    announce(after_cleanup, entry=entry)
    if entry.pk is not None:
        announce(after_set_status, entry=entry, old=Status.IN_PROCESS, new=entry.status)
    announce(after_request, entry=entry, execution_ms=ended.execution_ms, previous_task_id=ended.claim.id)


def _outcome(entry: Entry, ended: Ended) -> Status:
    asked = ended.wish in (Status.ON_HOLD, Status.INACTIVITY)
    if entry.manual_recurrence:
        return ended.wish if asked and ended.wish is not None else Status.IN_PROCESS
    if entry.recurring and asked and ended.wish is not None:
        return ended.wish
    return Status.FINISHED


def _apply(entry: Entry, ended: Ended, log_entry: LogEntry, outcome: Status) -> None:
    now = ended.ended_at
    entry.attempts = 0
    if outcome in (Status.ON_HOLD, Status.INACTIVITY):
        ledger.account_for_overlap(entry, due_at=ended.started.due_at, until=now, now=now)
    if outcome == Status.ON_HOLD:
        hold(entry, kind=HoldKind.PROGRAM, reason=ended.hold_reason or "Set by the job itself.", now=now)
        _tell_owner(entry, log_entry)
    elif entry.owner_kind:
        hold(entry, kind=HoldKind.OWNER, reason="", now=now)
        _tell_owner(entry, log_entry)
    elif outcome == Status.IN_PROCESS:
        pass  # manual recurrence: the program that drives the entry decides
    elif outcome == Status.INACTIVITY:
        _sleep(entry, now=now)
    elif entry.recurring:
        schedule_next(entry, due_at=ended.started.due_at, now=now)
    else:
        _delete(entry)


def _sleep(entry: Entry, *, now: datetime) -> None:
    try:
        wake_up = inactivity_run(recurrence_of(entry), now=now, minutes=entry.inactivity_timeout_minutes)
    except ScheduleError as error:
        stop_for_good(entry, f"There is no next run. {error.message}", now=now)
        return
    entry.status, entry.earliest_start_at = Status.INACTIVITY, wake_up
    enqueue(entry, now=now, keep_attempts=False)


def _delete(entry: Entry) -> None:
    register_id = entry.error_register_id
    entry.status = Status.FINISHED
    remove(entry)
    registers.release([register_id])
    announce(after_delete_entry, entry=entry, actor=SYSTEM)


def _tell_owner(entry: Entry, log_entry: LogEntry) -> None:
    """Owner hooks belong to the finish: what they raise rolls it back."""
    if not entry.owner_kind:
        return
    try:
        finished_owned.send(sender=Entry, entry=entry, log_entry=log_entry, succeeded=True, final=True)
    except Exception as error:
        raise OwnerObjects(
            f"The run succeeded, but its {entry.owner_kind} could not take note of it: {error}"
        ) from error


def _is_processing_only_report(entry: Entry) -> bool:
    is_report = entry.object_type == ObjectType.REPORT and entry.report_output_type == OutputType.NONE
    return is_report and not entry.notify_on_success


def _store_documents(ended: Ended) -> None:
    """Documents reach the inbox with the success of their run, or not at all."""
    for document in ended.documents:
        inbox.store(document, entry=ended.view, now=ended.ended_at, log_entry_no=ended.started.log_entry_no)
