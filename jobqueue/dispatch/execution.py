"""The start routine: runs a job object in its session and says how it went.

Language and time zone of the entry, the time limit, the run's log lines, progress and documents, and whatever a job may
do to its process: leave transactions open or broken, end the program, lose the connection.
Source: *Job queue reference, Dispatcher*, step 7c, *No-UI rule*; decision on atomic jobs on SQLite.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone, translation

from jobqueue.conf import settings
from jobqueue.dispatch.sink import DatabaseSink
from jobqueue.objects import JobObject, Run
from jobqueue.scheduler import (
    SessionCancelled,
    SessionInterrupted,
    SoftTimeout,
    database_now,
    fixed_now,
    time_limit,
)
from jobqueue.scheduler.execute import savepoint_if_nested
from jobqueue.scheduler.models import ScheduledTask
from jobqueue.scheduler.sql import on_postgresql

LOOK_FOR_CANCEL_SECONDS = 1.0
LONG_RUN_SECONDS = 1.0
"""After this time the end is read from the database's clock instead of being counted from the start."""


class JobFailed(Exception):
    """The job ended in a way that is no ordinary exception; the message says which."""


class Stopwatch:
    """The database's time during a run, without asking the database for every line."""

    def __init__(self, started_at: datetime) -> None:
        self.started_at = started_at
        self._started = time.monotonic()

    def now(self) -> datetime:
        """The moment by the start of the run and this process's steady clock; stopped with a fixed clock."""
        return fixed_now() or self.started_at + timedelta(seconds=time.monotonic() - self._started)

    def end(self) -> datetime:
        """The moment of the end, never before the start."""
        if time.monotonic() - self._started < LONG_RUN_SECONDS:
            return self.now()
        return max(self.started_at, database_now())

    def milliseconds(self) -> int:
        return int((time.monotonic() - self._started) * 1000)


def perform(
    job: JobObject,
    run: Run[Any],
    *,
    sink: DatabaseSink,
    timeout_seconds: int,
    finish: Callable[[], None] | None = None,
) -> None:
    """Runs the object; with ``finish`` (atomic objects) that and the work commit in one transaction.

    Raises what the job raised, ``JobFailed`` for what is no ordinary exception, ``SessionInterrupted`` for timeout and
    cancel. Log lines survive a failure.
    """
    seconds = _limit(job, timeout_seconds)
    try:
        language, zone = translation.override(run.entry.user_language), timezone.override(run.time_zone)
        with language, zone, time_limit(seconds):
            if job.atomic:
                with transaction.atomic():
                    _call(job, run)
                    if finish is not None:
                        finish()
            else:
                with savepoint_if_nested(), _no_open_work():
                    _call(job, run)
        sink.write_rest()
    except SoftTimeout as timeout:
        sink.write_rest()
        raise _explained(timeout, job, seconds, timeout_seconds) from timeout
    except BaseException:
        sink.write_rest()
        raise
    finally:
        sink.close()


def check_cancelled(task_id: Any) -> Callable[[], None]:
    """A function that raises ``SessionCancelled`` once the task's cancel was requested; looks at most once a second."""
    looked = time.monotonic()

    def check() -> None:
        nonlocal looked
        if time.monotonic() - looked < LOOK_FOR_CANCEL_SECONDS or connection.needs_rollback:
            return
        looked = time.monotonic()
        if ScheduledTask.objects.filter(pk=task_id, cancel_requested_at__isnull=False).exists():
            raise SessionCancelled("The run was cancelled.")

    return check


def _call(job: JobObject, run: Run[Any]) -> None:
    """A job may not take the worker along: what ends programs ends only the run."""
    try:
        job.execute(run)
    except (Exception, SessionInterrupted):
        raise
    except SystemExit as error:
        raise JobFailed(f"The job tried to end the program (exit code {error.code}).") from error
    except KeyboardInterrupt as error:
        raise JobFailed(
            "The job was interrupted from the keyboard, or raised what a keyboard would."
        ) from error
    except BaseException as error:
        raise JobFailed(f"The job ended with {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _no_open_work() -> Iterator[None]:
    """Commits what a job left open; what cannot be committed is the job's failure.

    Whatever happens, the connection is usable and in autocommit afterwards.
    """
    depth = _depth(connections[DEFAULT_DB_ALIAS])
    try:
        yield
        here = connections[DEFAULT_DB_ALIAS]
        _require_open(here)
        if _depth(here) != depth:
            raise JobFailed("The job left a transaction open that it had begun with atomic().")
        if depth is None and not here.autocommit:
            _commit_open_work()
    except BaseException:
        _reset_connection(depth)
        raise


def _depth(here: BaseDatabaseWrapper) -> int | None:
    """How deep in transactions a connection is; None outside them."""
    return len(here.savepoint_ids) if here.in_atomic_block else None


def _require_open(here: BaseDatabaseWrapper) -> None:
    """Closing through Django is fine: the next statement connects again. A connection closed behind its back is not."""
    if here.connection is not None and _is_closed(here.connection):
        raise JobFailed("The job closed or lost the database connection it shares with the product.")


def _is_closed(raw: Any) -> bool:
    if on_postgresql():
        return bool(raw.closed)
    try:
        return raw.total_changes < 0
    except Exception:
        return True


def _commit_open_work() -> None:
    raw = connection.connection
    if on_postgresql() and raw.info.transaction_status.name == "INERROR":
        raise JobFailed("The job left a broken transaction: one of its statements failed and it went on.")
    connection.commit()
    connection.set_autocommit(True)


def _reset_connection(depth: int | None) -> None:
    if depth is not None:
        return  # inside somebody else's transaction: its savepoint is rolled back around us
    if connection.in_atomic_block or connection.needs_rollback:
        connection.in_atomic_block, connection.needs_rollback, connection.savepoint_ids = False, False, []
        connection.close()
    elif connection.connection is not None and (
        not connection.autocommit or _is_closed(connection.connection)
    ):
        with contextlib.suppress(Exception):
            connection.rollback()
        connection.close()


def _limit(job: JobObject, timeout_seconds: int) -> float:
    if job.atomic and not on_postgresql():
        return min(timeout_seconds, settings().sqlite_atomic_limit_seconds)
    return timeout_seconds


def _explained(timeout: SoftTimeout, job: JobObject, seconds: float, allowed: int) -> SoftTimeout:
    if seconds < allowed:
        return SoftTimeout(
            f"{job.name} is atomic and held the SQLite database for {seconds:g} seconds, the most allowed, because "
            "nobody else can write meanwhile. Make it faster, make it non-atomic, or use PostgreSQL."
        )
    return SoftTimeout(f"The run took longer than its timeout of {_duration(allowed)}.")


def _duration(seconds: int) -> str:
    if seconds >= 60:
        return str(timedelta(seconds=seconds))
    return "1 second" if seconds == 1 else f"{seconds} seconds"
