"""The failure routine a job object brings itself: called after the error handler recorded a failed attempt.

In a session of its own, so it may fail, hang or kill its worker without touching record or retry.
"""

import logging

from jobqueue.dispatch.execution import Stopwatch
from jobqueue.dispatch.sink import DatabaseSink
from jobqueue.models import Entry, LogEntry
from jobqueue.objects import EntryView, Run, RunFailure, registry
from jobqueue.scheduler import RunningTask
from jobqueue.states import Level

logger = logging.getLogger(__name__)


def call(task: RunningTask) -> None:
    """Calls the routine for the failed attempt the task names; what it raises becomes a line of that attempt's log."""
    row = LogEntry.objects.filter(pk=task.context["log_entry_no"]).first()
    job = registry.find(row.object_type, row.object_id) if row is not None else None
    if row is None or job is None:
        return
    sink = DatabaseSink(row.entry_no, clock=Stopwatch(task.started_at).now)
    failure = RunFailure(
        kind=task.context["kind"],
        message=row.error_message,
        call_stack=row.error_call_stack,
        attempt=row.attempt,
        final=task.context["final"],
    )
    run = Run(entry=_view(row), parameters=None, sink=sink, now=task.started_at, caption=job.caption)
    try:
        run.parameters = job.parse(row.parameter_string, row.parameters)
        job.call_failure(run, failure)
    except Exception as error:
        logger.warning("The failure routine of %s failed.", job.name, exc_info=True)
        run.log(f"The failure routine of {job.name} failed: {error}", level=Level.ERROR)
    finally:
        sink.write_rest()
        sink.close()


def _view(row: LogEntry) -> EntryView:
    entry = Entry.objects.filter(id=row.entry_id).first()
    if entry is not None:
        return EntryView.of(
            entry,
            user_id=row.user_id,
            parameter_string=row.parameter_string,
            parameters=row.parameters,
            due_at=row.due_at,
            attempt=row.attempt,
            origin=row.origin,
            log_entry_id=row.id,
        )
    return EntryView(
        id=row.entry_id,
        company_id=row.company_id,
        user_id=row.user_id,
        object_type=row.object_type,
        object_id=row.object_id,
        description=row.description,
        parameter_string=row.parameter_string,
        parameters=row.parameters,
        category_code=row.category_code,
        due_at=row.due_at,
        attempt=row.attempt,
        origin=row.origin,
        log_entry_id=row.id,
    )
