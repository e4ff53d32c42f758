"""The dispatcher: the main routine of every entry's task. Decides by the gates, starts the run, ends it.

The steps (*Job queue reference, Dispatcher, step by step*):

1. Read task, entry, user and category in one statement.
2. Ask the gates. All open and nothing special about the entry: the fast lane, one fused statement starts the run.
3. Otherwise the slow lane, one transaction: lock the category, read and ask again, then start or do what the first
   closed gate calls for (``jobqueue.turned_away``).
4. Run the object.
5. End the run: one fused statement where nothing special follows, else a transaction with all events
   (``jobqueue.finishing``).

Errors of the job leave through the scheduler's one failure path to ``jobqueue.error_handler``.
"""

import itertools
import logging
import time
from dataclasses import dataclass
from typing import Any

from django.db import Error, IntegrityError, connection, transaction

from jobqueue import (
    categories,
    collected,
    events,
    execution,
    facts,
    finishing,
    hotpath,
    ledger,
    telemetry,
    turned_away,
)
from jobqueue.errors import ForbiddenUser, InvalidParameters, NonRetriable, UnknownObject
from jobqueue.execution import Stopwatch
from jobqueue.facts import EntryRow, Reading
from jobqueue.finishing import Ended, OwnerObjects
from jobqueue.gates import REFUSALS, Facts, Gate, GateName, first_closed, is_late
from jobqueue.guarded import ChangedMeanwhile
from jobqueue.hotpath import Started
from jobqueue.models import Entry, LogEntry
from jobqueue.objects import EntryView, JobObject, Run
from jobqueue.schedule import Recurrence, ScheduleError
from jobqueue.scheduler import ClaimedTask, StaleClaim
from jobqueue.scheduler.outcome import until_recorded
from jobqueue.sink import DatabaseSink
from jobqueue.states import Anchor, ObjectType, Status

logger = logging.getLogger(__name__)

TRIES = 5

SLOW_SIGNALS = (
    events.before_run,
    events.is_ready_to_start,
    events.category_wait,
    events.before_execute,
    events.before_window_reschedule,
    events.before_waiting_reschedule,
)
"""With a receiver for one of these a start needs the entry as a model."""

FINISHING_SIGNALS = (
    events.before_next_run,
    events.after_next_run,
    events.before_set_status,
    events.after_set_status,
    events.before_enqueue,
    events.schedule_veto,
    events.before_schedule_task,
    events.after_enqueue,
    events.before_cleanup,
    events.after_cleanup,
    events.after_delete_entry,
    events.after_finish,
    events.after_request,
)
"""With a receiver for one of these an end needs the entry as a model."""

ERRORS: dict[GateName, type[NonRetriable]] = {
    GateName.USER_ACTIVE: ForbiddenUser,
    GateName.USER_PERMITTED: ForbiddenUser,
    GateName.OBJECT: UnknownObject,
    GateName.PARAMETERS: InvalidParameters,
}


@dataclass(slots=True)
class Work:
    """A claimed task with all that was looked up for it. ``refusal`` is why its due moment fails without a run."""

    claim: ClaimedTask
    reading: Reading
    entry: EntryRow
    job: JobObject | None
    parameters: Any
    parameter_problem: str
    user_permitted: bool
    recurrence: Recurrence | None
    started: Started | None = None
    refusal: NonRetriable | None = None

    @property
    def caption(self) -> str:
        return self.job.caption if self.job is not None else ""


def dispatch(claim: ClaimedTask) -> None:
    """Serves a claimed task. Raises what the job raised; raises ``StaleClaim`` where the claim no longer holds."""
    work = _start(claim)
    if work is None:
        return
    if telemetry.is_on("0000E25"):
        telemetry.entry_event("0000E25", work.entry)
    if work.refusal is not None:
        raise work.refusal
    _run(work)


# --- start


def _start(claim: ClaimedTask) -> Work | None:
    work = _read(claim)
    if work is not None and _is_plain_start(work):
        gate = first_closed(_facts(work))
        if gate is None or gate.name in REFUSALS:
            work.refusal = _refusal(gate)
            if _try_start(work):
                return work
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return _start_or_turn_away(claim)
        except ChangedMeanwhile:
            continue
    raise ChangedMeanwhile("The entry keeps changing; its task is given back.")


def _read(claim: ClaimedTask) -> Work | None:
    """The work of the claim; None if there is no entry any more."""
    reading = facts.read(claim)
    if reading is None:
        raise StaleClaim(f"Task {claim.id} is no longer claimed under number {claim.claim_number}.")
    entry = reading.entry
    if entry is None:
        return None
    job = facts.job_object(entry)
    parameters, problem = facts.parse_parameters(entry, job) if job is not None else (None, "")
    permitted = job is None or not reading.user_active or facts.user_may_run(reading, job)
    try:
        recurrence = facts.recurrence_if_needed(entry)
    except ScheduleError:
        recurrence = None
    return Work(claim, reading, entry, job, parameters, problem, permitted, recurrence)


def _is_plain_start(work: Work) -> bool:
    """Whether the fast lane will do: no turn to take, no owner, no listener, nothing missed to record."""
    entry = work.entry
    return not (
        entry.category_code
        or entry.owner_kind
        or entry.status == Status.IN_PROCESS
        or work.reading.is_extra
        or any(signal.receivers for signal in SLOW_SIGNALS)
        or (entry.recurring and entry.recurrence_anchor == Anchor.FIXED and is_late(_facts(work)))
    )


def _facts(work: Work, **more: Any) -> Facts:
    return facts.facts_of(
        work.reading,
        task_id=work.claim.id,
        job=work.job,
        parameter_problem=work.parameter_problem,
        user_permitted=work.user_permitted,
        recurrence=work.recurrence,
        **more,
    )


def _refusal(gate: Gate | None) -> NonRetriable | None:
    if gate is None:
        return None
    kind = ERRORS[gate.name]
    return kind(gate.reason)


def _try_start(work: Work) -> bool:
    """The fused start; False if task or entry changed meanwhile or the attempt is in the ledger already."""
    try:
        with execution.savepoint_if_nested():
            work.started = hotpath.start(work.claim, work.reading, caption=work.caption)
    except IntegrityError:
        return False
    return work.started is not None


def _start_or_turn_away(claim: ClaimedTask) -> Work | None:
    """The slow lane, in the caller's transaction. None: there is nothing to run."""
    work = _read(claim)
    if work is None:
        turned_away.drop(claim)
        return None
    category = categories.lock(work.entry.company_id, work.entry.category_code)
    if category is not None:
        work = _read(claim)  # what was read before the lock may have changed
        if work is None:
            turned_away.drop(claim)
            return None
    entry = Entry.objects.select_related("company", "user").get(pk=work.entry.entry_no)
    slots, busy = turned_away.category_facts(entry, category)
    gate = first_closed(
        _facts(work, objection=turned_away.objection(entry), category_slots=slots, category_busy=busy)
    )
    if gate is not None and gate.name not in REFUSALS:
        turned_away.turn_away(claim, work.reading, entry, gate)
        return None
    work.refusal = _refusal(gate)
    due_at = turned_away.settle_missed(entry, work.reading, work.recurrence)
    attempt = 0 if work.reading.is_extra else entry.attempts
    due_at = ledger.free_due_moment(entry.id, due_at, attempt=attempt)
    work.started = hotpath.start(claim, work.reading, caption=work.caption, due_at=due_at)
    if work.started is None:
        raise ChangedMeanwhile("The entry or its task changed while its run was being started.")
    return work


# --- run and end


@dataclass(slots=True)
class Going:
    """A run that goes on."""

    work: Work
    job: JobObject
    started: Started
    run: Run[Any]
    sink: DatabaseSink
    watch: Stopwatch


def _run(work: Work) -> None:
    assert work.started is not None
    assert work.job is not None
    going = _going(work, work.job, work.started)
    try:
        _before_execute(going)
        execution.perform(
            going.job,
            going.run,
            sink=going.sink,
            timeout_seconds=work.claim.timeout_seconds,
            finish=(lambda: _end(going)) if going.job.atomic else None,
        )
        if not going.job.atomic:
            ended = _ended(going)
    except BaseException:
        _keep_messages(going)
        raise
    if not going.job.atomic:
        until_recorded(lambda: _record(going, ended))
    if telemetry.is_on("0000E26"):
        _report_end(going)


def _going(work: Work, job: JobObject, started: Started) -> Going:
    watch = Stopwatch(started.started_at)
    sink = DatabaseSink(started.log_entry_no, clock=watch.now)
    run = Run(
        entry=_view(work, started),
        parameters=work.parameters,
        sink=sink,
        now=started.started_at,
        caption=job.caption,
        check_cancelled=execution.check_cancelled(work.claim.id),
    )
    return Going(work, job, started, run, sink, watch)


def _end(going: Going) -> None:
    """The end inside an atomic object's transaction."""
    _record(going, _ended(going))


def _ended(going: Going) -> Ended:
    """How the run ended; extensions may change what the job asked for, and what they raise is the run's failure."""
    ended = Ended(
        claim=going.work.claim,
        reading=going.work.reading,
        started=going.started,
        view=going.run.entry,
        ended_at=going.watch.end(),
        execution_ms=going.watch.milliseconds(),
        wish=going.run.requested_status,
        hold_reason=going.run.hold_reason,
        documents=going.sink.documents,
    )
    finishing.ask_after_execute(ended)
    return ended


def _record(going: Going, ended: Ended) -> None:
    """Writes the end: fused where nothing special follows, else with every event."""
    if _is_plain_end(going.work, ended) and _try_record_plain(going.work, ended):
        return
    for attempt in itertools.count():
        try:
            finishing.finish(ended)
            return
        except ChangedMeanwhile:
            if attempt >= TRIES:
                raise
        except OwnerObjects:
            # The work is done; only its owner could not take note of it yet.
            if attempt >= TRIES or connection.in_atomic_block:
                raise
            time.sleep(0.1 * 2**attempt)


def _is_plain_end(work: Work, ended: Ended) -> bool:
    entry = work.entry
    return not (
        work.reading.is_extra
        or entry.owner_kind
        or entry.manual_recurrence
        or (ended.wish is not None and entry.recurring)
        or ended.documents
        or entry.object_type == ObjectType.REPORT
        or any(signal.receivers for signal in FINISHING_SIGNALS)
    )


def _try_record_plain(work: Work, ended: Ended) -> bool:
    entry = work.entry
    coming = None
    if entry.recurring:
        try:
            coming, gap = finishing.following(entry, due_at=ended.started.due_at, ended_at=ended.ended_at)
        except ScheduleError:
            return False
        if gap is not None:
            return False
    if not entry.category_code:
        return hotpath.finish(work.claim, ended.started, entry, ended_at=ended.ended_at, following=coming)
    with transaction.atomic():
        categories.lock(entry.company_id, entry.category_code)
        if not hotpath.finish(work.claim, ended.started, entry, ended_at=ended.ended_at, following=coming):
            return False
        categories.wake(entry.company_id, entry.category_code, now=ended.ended_at)
    return True


def _before_execute(going: Going) -> None:
    if events.before_execute.receivers:
        entry = Entry.objects.filter(pk=going.work.entry.entry_no).first()
        log_entry = LogEntry.objects.filter(pk=going.started.log_entry_no).first()
        events.ask(events.before_execute, entry=entry, log_entry=log_entry)


def _keep_messages(going: Going) -> None:
    """Stores what the failed run collected, for the error handler to find on the ledger row."""
    if not going.run.messages:
        return
    try:
        collected.keep(going.run, log_entry_no=going.started.log_entry_no, now=going.watch.now())
    except Error:
        logger.warning(
            "Error messages of run %s could not be stored.", going.started.log_entry_no, exc_info=True
        )


def _report_end(going: Going) -> None:
    task_id = going.work.claim.id
    row = Entry.objects.filter(pk=going.work.entry.entry_no).values_list("system_task_id", flat=True).first()
    telemetry.entry_event("000082C", going.work.entry, JobQueueStatus="Finished", Result="Success")
    telemetry.entry_event(
        "0000E26",
        going.work.entry,
        JobQueueExecutionTimeInMs=going.watch.milliseconds(),
        JobQueueScheduledTaskId=str(task_id),
        JobQueueNextScheduledTaskId="" if row in (None, task_id) else str(row),
    )


def _view(work: Work, started: Started) -> EntryView:
    entry = work.entry
    return EntryView(
        id=entry.id,
        entry_no=entry.entry_no,
        company_id=entry.company_id,
        user_id=work.reading.user_id,
        object_type=entry.object_type,
        object_id=entry.object_id,
        description=entry.description,
        parameter_string=entry.parameter_string,
        parameters=entry.parameters,
        record_to_process=entry.record_to_process,
        report_output_type=entry.report_output_type,
        category_code=entry.category_code,
        recurring=entry.recurring,
        time_zone=entry.time_zone,
        user_language=entry.user_language,
        due_at=started.due_at,
        attempt=started.attempt,
        origin=started.origin,
        log_entry_id=started.log_entry_id,
    )
