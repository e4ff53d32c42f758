"""Where a run's log lines, progress and documents go: into the database, in batches, without harming the run.

A job outside a transaction writes through its own connection, about twice a second. Inside one, lines go through a
second connection on PostgreSQL, so that they are seen while the job runs and survive its rollback; on SQLite, which has
one writer, they wait for the end of the transaction (decision on progress of atomic jobs).
"""

import contextlib
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from jobqueue.models import LogEntry, LogLine
from jobqueue.objects import Document
from jobqueue.scheduler.outcome import until_recorded
from jobqueue.scheduler.sql import on_postgresql
from jobqueue.scheduler.values import db_moment
from jobqueue.states import Level

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
MOST_WAITING = 10_000
"""Lines kept in memory where they cannot be written; more are counted only."""

_INSERT = f"INSERT INTO {LogLine._meta.db_table} (log_entry_id, at, level, text) VALUES (%s, %s, %s, %s)"
_PROGRESS = (
    f"UPDATE {LogEntry._meta.db_table} SET progress_done = %s, progress_total = %s WHERE entry_no = %s"
)


class DatabaseSink:
    """The sink of one run; ``clock`` gives the moment of a line (aware, UTC)."""

    def __init__(self, log_entry_no: int, *, clock: Callable[[], datetime]) -> None:
        self.documents: list[Document] = []
        self._log_entry_no = log_entry_no
        self._clock = clock
        self._nested = connection.in_atomic_block
        self._lines: list[tuple[Any, ...]] = []
        self._dropped = 0
        self._progress: tuple[int, int | None] | None = None
        self._written = time.monotonic()
        self._second: BaseDatabaseWrapper | None = None

    def line(self, level: Level, text: str) -> None:
        if len(self._lines) >= MOST_WAITING:
            self._dropped += 1
        else:
            text = text.replace("\x00", "�")
            self._lines.append((self._log_entry_no, db_moment(self._clock()), int(level), text))
        self._flush_sometimes()

    def progress(self, done: int, total: int | None) -> None:
        self._progress = (done, total)
        self._flush_sometimes()

    def document(self, document: Document) -> None:
        """Kept until the run has succeeded: a failed run leaves no documents."""
        self.documents.append(document)

    def flush(self, *, final: bool = False) -> None:
        """Writes what is waiting, where it can be written now. ``final``: write it here, come what may."""
        if not self._has_more():
            return
        if final or not (connection.in_atomic_block or not connection.get_autocommit()):
            self._write(connection)
        elif on_postgresql() and not self._nested:
            self._write_beside()

    def write_rest(self) -> None:
        """After the run: writes what is left, now that the job's transaction is over. Never raises."""
        if not self._has_more():
            return
        if self._nested and connection.needs_rollback:
            return
        try:
            until_recorded(lambda: self.flush(final=True))
        except Exception:
            logger.warning("Log lines of run %s could not be written.", self._log_entry_no, exc_info=True)
            with contextlib.suppress(Exception):
                connection.close()

    def close(self) -> None:
        """Closes the second connection, if one was opened."""
        second, self._second = self._second, None
        if second is not None:
            with contextlib.suppress(Exception):
                second.close()

    def _has_more(self) -> bool:
        return bool(self._lines) or self._progress is not None

    def _flush_sometimes(self) -> None:
        moment = time.monotonic()
        if moment - self._written >= FLUSH_SECONDS:
            self._written = moment
            self.flush()

    def _write_beside(self) -> None:
        try:
            # Opened by the first run that is long enough to need it, and closed with that run.
            self._second = self._second or connection.copy()
            self._write(self._second)
        except Exception:
            # The lines stay and come with the end of the run; a log must not fail its job.
            self.close()

    def _write(self, through: BaseDatabaseWrapper) -> None:
        lines = list(self._lines)
        if self._dropped:
            notice = f"… {self._dropped} more lines were not kept."
            lines.append((self._log_entry_no, db_moment(self._clock()), int(Level.WARNING), notice))
        with through.cursor() as cursor:
            if lines:
                cursor.executemany(_INSERT, lines)
            if self._progress is not None:
                cursor.execute(_PROGRESS, [*self._progress, self._log_entry_no])
        self._lines, self._dropped, self._progress = [], 0, None
        self._written = time.monotonic()
