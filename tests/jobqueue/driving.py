"""Driving the job queue in tests: literal moments in, what the database then says out."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.dispatch import Signal

from jobqueue import lifecycle
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import LogStatus, Status
from tests.builders import NOW, actor_of, make_entry, make_superuser

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def ready_entry(*, now: datetime = NOW, **fields) -> Entry:
    """An entry set Ready by a superuser at ``now``; one without a later start is due a second after that."""
    entry = make_entry(**fields)
    return lifecycle.set_ready(entry, actor=actor_of(entry.user or make_superuser()), now=now)


def run(now: datetime = NOW + SECOND, *, until_idle: bool = True) -> int:
    """Executes what is due at ``now`` and what that makes due."""
    return run_due_tasks(now=now, until_idle=until_idle)


def run_once(now: datetime = NOW + SECOND) -> int:
    """Executes only what is due at the beginning: a failing run without its error handler."""
    return run_due_tasks(now=now)


def reload(entry: Entry) -> Entry | None:
    return Entry.objects.filter(pk=entry.pk).first()


def status_of(entry: Entry) -> Status | None:
    found = reload(entry)
    return None if found is None else Status(found.status)


def rows_of(entry: Entry) -> list[LogEntry]:
    return list(LogEntry.objects.filter(entry_id=entry.id).order_by("entry_no"))


def outcomes_of(entry: Entry) -> list[tuple[str, bool]]:
    """Status and finality of the entry's ledger rows, oldest first."""
    return [(LogStatus(row.status).label, row.is_final) for row in rows_of(entry)]


def task_of(entry: Entry) -> ScheduledTask | None:
    found = reload(entry)
    return None if found is None else ScheduledTask.objects.filter(pk=found.system_task_id).first()


@contextlib.contextmanager
def connected(signal: Signal, receiver: Callable) -> Iterator[None]:
    """Connects a receiver to an extension point for the body."""
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)
