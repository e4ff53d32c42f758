"""Raw statements on SQLite, past Django's cursor, and turns at its one write lock.

Who finds SQLite's write lock taken sleeps for a millisecond before it looks again, then for two, five, ten: among busy
workers that is a third of their time. So the scheduler's own writers queue up for a lock on a file beside the database,
which hands over at once and in order, and is let go of with the process that held it. It is a courtesy and protects
nothing: whoever takes no part (web server, commands, a job's own statements) waits as SQLite always does.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from django.db.backends.signals import connection_created

TURN_SUFFIX = "-turn"
WORKER_CACHE_KIB = 1_000
"""Half of SQLite's usual page cache: another process's commit empties it, so that more only makes workers grow."""

_by_hand = False


class Statements:
    """The statements of one short transaction."""

    __slots__ = ("_execute",)

    def __init__(self, execute: Callable[[str, Mapping[str, Any]], Any]) -> None:
        self._execute = execute

    def fetch(self, statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """All rows of a raw statement."""
        rows: Sequence[Sequence[Any]] = self._execute(statement, parameters).fetchall()
        return rows

    def change(self, statement: str, parameters: Mapping[str, Any]) -> int:
        """How many rows a raw statement without a result changed."""
        return int(self._execute(statement, parameters).rowcount)


def fetch(statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """All rows of a raw statement, in the present transaction; errors are Django's."""
    here: Any = connections[DEFAULT_DB_ALIAS]
    if _is_watched(here):
        with here.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows: Sequence[Sequence[Any]] = cursor.fetchall()
            return rows
    here.ensure_connection()
    here.validate_no_broken_transaction()
    with here.wrap_database_errors:
        return Statements(_runner(here.connection)).fetch(statement, parameters)


@contextlib.contextmanager
def short_transaction() -> Iterator[Statements]:
    """An immediate transaction of raw statements only; inside another one a savepoint of it. Errors are Django's.

    Not for code of others: Django does not know of the transaction, which saves a tenth of a run.
    """
    here: Any = connections[DEFAULT_DB_ALIAS]
    if here.in_atomic_block or _is_watched(here):
        with transaction.atomic(), here.cursor() as cursor:
            yield Statements(cursor.execute)
        return
    here.ensure_connection()
    raw = here.connection
    with here.wrap_database_errors, write_turn():
        try:
            raw.execute("BEGIN IMMEDIATE")
            yield Statements(_runner(raw))
            raw.commit()
        except BaseException:
            raw.rollback()
            raise


def flush_log() -> None:
    """Has everything committed so far on the disk, where ``flush_by_hand`` keeps commits from waiting for that.

    Outside the write lock, so that others write meanwhile, and for all of their commits as well. Raises
    ``OperationalError`` when the disk does not take it.
    """
    here: Any = connections[DEFAULT_DB_ALIAS]
    if not _by_hand or here.in_atomic_block:
        return
    path = f"{here.settings_dict['NAME']}-wal"
    try:
        # Opened anew each time: the log is another file once all connections were closed meanwhile.
        log = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(log)
        finally:
            os.close(log)
    except FileNotFoundError:
        return  # without a write-ahead log commits wait for the disk themselves
    except OSError as error:
        problem = f"{path} cannot be written to the disk: {error}. Check the disk and the space left on it."
        raise OperationalError(problem) from error


def flush_by_hand() -> None:
    """From now on, connections of this process and its descendants commit without waiting for the disk.

    What a worker must not forget in a power failure are the starts and ends of runs, for which it calls ``flush_log``;
    between them a job's many commits need not wait. Only with a write-ahead log: without one the file would be at risk.
    Their page cache is small, too.
    """
    global _by_hand
    _by_hand = True
    connection_created.connect(_no_wait_for_disk, dispatch_uid="jobqueue.sqlite.flush")


def _no_wait_for_disk(connection: Any, **_: Any) -> None:
    if connection.vendor != "sqlite" or connection.alias != DEFAULT_DB_ALIAS:
        return
    raw = connection.connection
    if raw.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        raw.execute("PRAGMA synchronous = NORMAL")
        raw.execute(f"PRAGMA cache_size = -{WORKER_CACHE_KIB}")


@contextlib.contextmanager
def write_turn() -> Iterator[None]:
    """Waits for this process's turn to write. Where there is no file for it, there are no turns.

    Nor inside a transaction: it holds SQLite's lock, which whoever has the turn may be waiting for. Whoever keeps the
    others waiting for long holds that lock as well, so the wait has no limit of its own: the caller's ``patience`` is
    one.
    """
    here = connections[DEFAULT_DB_ALIAS]
    turnstile = None if here.in_atomic_block else _turnstile.opened(str(here.settings_dict["NAME"]))
    if turnstile is None:
        yield
        return
    try:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(turnstile, fcntl.LOCK_UN)


class _Turnstile:
    """This process's descriptor of the file. A child opens its own: an inherited one would share the parent's turn."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._descriptor: int | None = None

    def opened(self, path: str) -> int | None:
        if path != self._path:
            self.close()
            self._path = path
            with contextlib.suppress(OSError):
                if os.path.isfile(path):
                    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                    self._descriptor = os.open(path + TURN_SUFFIX, flags, os.stat(path).st_mode & 0o666)
        return self._descriptor

    def close(self) -> None:
        descriptor, self._descriptor, self._path = self._descriptor, None, None
        if descriptor is not None:
            os.close(descriptor)


_turnstile = _Turnstile()
os.register_at_fork(after_in_child=_turnstile.close)


def _is_watched(here: Any) -> bool:
    """Whether somebody counts or wraps statements, which only Django's cursor shows them."""
    return bool(here.queries_logged or here.execute_wrappers)


def _runner(raw: Any) -> Callable[[str, Mapping[str, Any]], Any]:
    return lambda statement, parameters: raw.execute(_in_words_of_sqlite(statement), parameters)


class _Placeholders(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f":{name}"


@cache
def _in_words_of_sqlite(statement: str) -> str:
    return statement % _Placeholders()
