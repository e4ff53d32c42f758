"""One SELECT on a connection of its own that cannot write, whatever the statement says.

The guard is the connection, not the reading of the text: SQLite's authoriser lets nothing but reading pass; PostgreSQL
runs the statement alone (no second one can follow a semicolon), as a cursor (which takes only SELECT), in a READ ONLY
transaction that is rolled back. Source: the decision on SQL objects.
"""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from jobqueue.errors import JobQueueError

_BEGINNING = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(\w+)", re.DOTALL)
_READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_STEPS_BETWEEN_LOOKS = 10_000


class QueryFailed(JobQueueError):
    """The database refused the query or did not finish it in time; the message carries its words."""

    code = "query_failed"


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query found; ``cut_off`` says that there is more than the row limit."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    cut_off: bool


def require_select(query: str) -> None:
    """Raises ``ValueError`` for what does not even begin like a query; a friendly word, not the guard."""
    found = _BEGINNING.match(query)
    if found is None or found[1].upper() not in ("SELECT", "WITH", "VALUES"):
        raise ValueError("the SQL query must be one SELECT statement. Begin it with SELECT or WITH.")


def select(query: str, *, alias: str, row_limit: int, timeout_seconds: int) -> Rows:
    """The first ``row_limit`` rows of the query on the connection ``alias``.

    Opens and closes a connection of its own. Raises ``QueryFailed``.
    """
    with _own_connection(alias) as connection:
        if connection.vendor == "sqlite":
            return _on_sqlite(connection, query, row_limit=row_limit, timeout_seconds=timeout_seconds)
        if connection.vendor == "postgresql":
            return _on_postgresql(connection, query, row_limit=row_limit, timeout_seconds=timeout_seconds)
    raise QueryFailed(f"SQL reports cannot read from {connection.display_name}. Use SQLite or PostgreSQL.")


@contextmanager
def _own_connection(alias: str) -> Iterator[BaseDatabaseWrapper]:
    connection = connections.create_connection(alias)
    try:
        connection.connect()
        yield connection
    except DatabaseError as error:
        raise QueryFailed(f"The connection “{alias}” cannot be opened: {str(error).strip()}") from error
    finally:
        connection.close()


def _on_sqlite(connection: Any, query: str, *, row_limit: int, timeout_seconds: int) -> Rows:
    raw: sqlite3.Connection = connection.connection
    until = time.monotonic() + timeout_seconds
    raw.execute("PRAGMA query_only = ON")
    raw.set_authorizer(
        lambda action, *_names: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
    )
    raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_LOOKS)
    try:
        cursor = raw.execute(query)
        rows = cursor.fetchmany(row_limit + 1)
        return _rows([item[0] for item in cursor.description or ()], rows, row_limit=row_limit)
    except (sqlite3.Error, sqlite3.Warning) as error:
        if "interrupted" in str(error):
            raise QueryFailed(_too_slow(timeout_seconds)) from None
        if "not authorized" in str(error) or "prohibited" in str(error):
            raise QueryFailed("The query tries to do more than read. Only SELECT is possible here.") from None
        raise QueryFailed(f"The database refused the query: {error}.") from None


def _on_postgresql(connection: Any, query: str, *, row_limit: int, timeout_seconds: int) -> Rows:
    import psycopg

    raw: psycopg.Connection[Any] = connection.connection
    raw.read_only = True
    try:
        raw.execute("SET default_transaction_read_only = on")
        with raw.transaction(force_rollback=True), psycopg.Cursor(raw) as cursor:
            # This query takes the snapshot, after which PostgreSQL refuses to make the transaction READ WRITE.
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{timeout_seconds}s"])
            # binary=True chooses the extended protocol, which accepts no second statement after a semicolon (Django
            # switches prepared statements off, so prepare=True would not); a cursor takes only SELECT and VALUES.
            cursor.execute(f"DECLARE report NO SCROLL CURSOR FOR {query}".encode(), binary=True)
            cursor.execute(f"FETCH {row_limit + 1} FROM report".encode())
            columns = [item.name for item in cursor.description or ()]
            return _rows(columns, cursor.fetchall(), row_limit=row_limit)
    except psycopg.errors.QueryCanceled:
        raise QueryFailed(_too_slow(timeout_seconds)) from None
    except psycopg.errors.ReadOnlySqlTransaction:
        raise QueryFailed("The query tries to do more than read. Only SELECT is possible here.") from None
    except psycopg.Error as error:
        words = error.diag.message_primary or str(error).strip()
        raise QueryFailed(f"The database refused the query: {words}.") from None


def _rows(columns: list[str], rows: list[Any], *, row_limit: int) -> Rows:
    cells = [tuple(_cell(value) for value in row) for row in rows[:row_limit]]
    return Rows(columns=columns, rows=cells, cut_off=len(rows) > row_limit)


def _cell(value: Any) -> Any:
    return f"({len(value):,} bytes)" if isinstance(value, (bytes, memoryview, bytearray)) else value


def _too_slow(timeout_seconds: int) -> str:
    return f"The query did not finish within {timeout_seconds:,} s. Narrow it, or raise the timeout."
