"""Running a started entry's job object and recording its end (steps 4 and 5 of the dispatcher)."""

import itertools
import logging
import time
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, Error, OperationalError, connection, transaction

from jobqueue import categories, events, telemetry
from jobqueue.dispatch import collected, execution, finishing, hotpath
from jobqueue.dispatch.execution import Stopwatch
from jobqueue.dispatch.fast_lane import startable_with_end_of
from jobqueue.dispatch.finishing import Ended, OwnerObjects
from jobqueue.dispatch.hotpath import Next, Started
from jobqueue.dispatch.sink import DatabaseSink
from jobqueue.dispatch.work import Work
from jobqueue.guarded import ChangedMeanwhile
from jobqueue.models import Entry, LogEntry
from jobqueue.objects import EntryView, JobObject, Run
from jobqueue.schedule import ScheduleError
from jobqueue.scheduler.outcome import until_recorded
from jobqueue.scheduler.sqlite import flush_log
from jobqueue.states import ObjectType

logger = logging.getLogger(__name__)

TRIES = 5

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


@dataclass(slots=True)
class Going:
    """A run that goes on."""

    work: Work
    job: JobObject
    started: Started
    run: Run[Any]
    sink: DatabaseSink
    watch: Stopwatch


def run(work: Work) -> None:
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
    try:
        flush_log()
    except OperationalError as problem:
        logger.error(
            "Run %s has ended and is recorded; a power failure now could take that back: %s",
            going.started.log_entry_no,
            problem,
        )
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
        or ((entry.is_watched or entry.notify_on_success) and events.after_watched_finish.receivers)
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
        return _finish(work, ended, coming)
    with transaction.atomic():
        category = categories.lock(entry.company_id, entry.category_code)
        if not hotpath.finish(work.claim, ended.started, entry, ended_at=ended.ended_at, following=coming):
            return False
        categories.wake(entry.company_id, entry.category_code, now=ended.ended_at, category=category)
    return True


def _finish(work: Work, ended: Ended, coming: Next | None) -> bool:
    """The fused end; together with the start of the run whose turn is next, where that may be."""
    following = startable_with_end_of(work)
    if following is not None:
        try:
            finished, following.started = hotpath.finish_and_start(
                work.claim,
                ended.started,
                work.entry,
                ended_at=ended.ended_at,
                following=coming,
                start=hotpath.plan(following.claim, following.reading, caption=following.caption),
            )
        except OperationalError:
            raise
        except DatabaseError:
            logger.debug("Task %s has to start by itself.", following.claim.id, exc_info=True)
        else:
            _settle_turn(following)
            return finished
    return hotpath.finish(work.claim, ended.started, work.entry, ended_at=ended.ended_at, following=coming)


def _settle_turn(following: Work) -> None:
    """The next task must get its turn if it is started, and must be read again if it could not be."""
    turn = following.claim.turn
    assert turn is not None
    turn.started = following.started is not None
    turn.prepared = following if turn.started else None


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
