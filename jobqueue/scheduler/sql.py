"""The scheduler's SQL building blocks: one fenced statement per step.

A self-managed routine composes them with its own statements. On PostgreSQL each is the body of a common table
expression, so a start or a finish together with the entry and the ledger is one statement::

    WITH task AS (<START_TASK>), entry AS (UPDATE ... FROM task WHERE ... RETURNING ...) SELECT ... FROM task, entry

On SQLite (``SQLITE_*``) they are statements of their own, run inside one ``sqlite.short_transaction()``. A step that
returns no row was fenced out: raise ``StaleClaim`` and change nothing.

Parameters (``%(name)s``): ``task_id`` (``values.db_uuid``), ``claim_number``, ``worker_id`` and ``session_number`` from
the :class:`~jobqueue.scheduler.tasks.ClaimedTask`; ``now`` is ``clock.fixed_now()`` on PostgreSQL (None in real work:
the server's clock counts) and ``db_moment(database_now())`` on SQLite.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, connections

from jobqueue.scheduler import sqlite
from jobqueue.scheduler.clock import database_now, fixed_now
from jobqueue.scheduler.patience import START_SECONDS, patience
from jobqueue.scheduler.values import db_moment, on_postgresql

TASK_TABLE = "jobqueue_scheduledtask"
CHANNEL = "jobqueue_tasks"
PLANS_KEPT_SECONDS = 1.0

NOW = "COALESCE(%(now)s::timestamptz, statement_timestamp())"
SQLITE_NOW = "%(now)s"

RUNNING_COLUMNS = (
    "id, claim_number, main_routine, record, company_id, user_id, not_before, claimed_at, started_at, worker_id, "
    "session_number, owner_context, timeout_seconds, priority, attempt, error_kind, error_message, error_call_stack, "
    "non_retriable, cancel_requested_by_id, cancel_reason"
)
"""What a started task's row is read as, in the order of ``RunningTask``."""

START_TASK = f"""
UPDATE {TASK_TABLE}
   SET state = 2, worker_id = %(worker_id)s, session_number = %(session_number)s,
       started_at = COALESCE(%(now)s::timestamptz, clock_timestamp())
 WHERE id = %(task_id)s AND claim_number = %(claim_number)s AND state = 1
RETURNING *"""

FINISH_TASK = f"""
DELETE FROM {TASK_TABLE}
 WHERE id = %(task_id)s AND claim_number = %(claim_number)s AND state = 2
RETURNING *"""

SQLITE_START_TASK = f"""
UPDATE {TASK_TABLE}
   SET state = 2, worker_id = %(worker_id)s, session_number = %(session_number)s, started_at = {SQLITE_NOW}
 WHERE id = %(task_id)s AND claim_number = %(claim_number)s AND state = 1"""

SQLITE_FINISH_TASK = f"""
DELETE FROM {TASK_TABLE}
 WHERE id = %(task_id)s AND claim_number = %(claim_number)s AND state = 2"""

SQLITE_START_AND_READ = f"{SQLITE_START_TASK}\nRETURNING {RUNNING_COLUMNS}"
SQLITE_FINISH_AND_CONFIRM = f"{SQLITE_FINISH_TASK}\nRETURNING id"

# Named columns where the row is the statement's result: a prepared statement whose result a migration changes, fails.
FINISH_AND_CONFIRM = FINISH_TASK.replace("RETURNING *", "RETURNING id")
START_AND_READ = START_TASK.replace("RETURNING *", f"RETURNING {RUNNING_COLUMNS}")

INSERT_COLUMNS = (
    "id, main_routine, failure_routine, record, company_id, user_id, not_before, rank, is_ready, priority, "
    "timeout_seconds, owner_context"
)

NOTIFY_IF_DUE = f"""
CASE WHEN is_ready AND not_before <= {NOW} + %(poll_seconds)s * interval '1 second'
     THEN pg_notify('{CHANNEL}', '')::text END"""
"""For the RETURNING list of an insert or update of tasks: wakes the clusters when the task is due before their next
poll. PostgreSQL sends equal notifications of a transaction once, at its commit."""

INSERT_TASK = f"""
INSERT INTO {TASK_TABLE} ({INSERT_COLUMNS})
VALUES (%(id)s, %(main_routine)s, %(failure_routine)s, %(record)s, %(company_id)s, %(user_id)s,
        COALESCE(%(not_before)s::timestamptz, {NOW}),
        COALESCE(%(not_before)s::timestamptz, {NOW}) + %(priority)s * interval '5 minutes',
        %(is_ready)s, %(priority)s, %(timeout_seconds)s, %(owner_context)s)
RETURNING not_before, {NOTIFY_IF_DUE}"""

SQLITE_INSERT_TASK = f"""
INSERT INTO {TASK_TABLE} ({INSERT_COLUMNS})
VALUES (%(id)s, %(main_routine)s, %(failure_routine)s, %(record)s, %(company_id)s, %(user_id)s,
        %(not_before)s, %(rank)s, %(is_ready)s, %(priority)s, %(timeout_seconds)s, %(owner_context)s)
RETURNING not_before"""


def now_parameter() -> Any:
    """The ``now`` parameter of the building blocks on the database in use."""
    return fixed_now() if on_postgresql() else db_moment(database_now())


def fetch(statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """All rows of a raw statement, in the present transaction; errors are Django's.

    On PostgreSQL parameters are bound by the server, and in worker processes, where connections allow it, the statement
    is prepared: planning a fused statement costs more than running it.
    """
    if not on_postgresql():
        return sqlite.fetch(statement, parameters)
    try:
        return _fetch_prepared(statement, parameters)
    except NotSupportedError:
        # A migration changed the result of a prepared statement, which then did nothing: again, on a new connection.
        if connection.in_atomic_block:
            raise
        connection.close()
        return _fetch_prepared(statement, parameters)


def _fetch_prepared(statement: str, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    # What Django's own cursor() does before and after, without its client-side binding.
    here: Any = connections[DEFAULT_DB_ALIAS]
    here.close_if_health_check_failed()
    here.ensure_connection()
    here.validate_no_broken_transaction()
    with here.wrap_database_errors:
        cursor = _cursor_of(here.connection)
        cursor.execute(statement, parameters, prepare=True)
        return cursor.fetchall()


class _Kept(threading.local):
    """The latest connection of a thread with its cursor."""

    cursor: Any = None


_kept = _Kept()


def _cursor_of(raw: Any) -> Any:
    """The connection's one cursor for these statements: making one anew costs as much as using it.

    Nobody iterates over it: every result is fetched at once. It reads moments with psycopg's own reader instead of
    Django's slower one; both give aware moments.
    """
    cursor = _kept.cursor
    if cursor is None or cursor.connection is not raw:
        from psycopg import Cursor
        from psycopg.types.datetime import TimestamptzLoader

        cursor = _kept.cursor = Cursor(raw)
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
    return cursor


_planned_at = 0.0


def plan_anew() -> None:
    """Drops this connection's prepared plans, once a second at most; for processes that repeat the same statements.

    A plan made while a table was empty scans all of it when a burst has filled it. An error closes the connection, and
    the next statement opens a new one.
    """
    global _planned_at
    now = time.monotonic()
    if now - _planned_at < PLANS_KEPT_SECONDS or not on_postgresql() or connection.connection is None:
        return
    _planned_at = now
    try:
        with patience(START_SECONDS):
            connection.connection.execute("DISCARD PLANS", prepare=False)
    except Exception:
        connection.close()


def wake_clusters() -> None:
    """Tells every cluster, at the commit of the present transaction, that a task is due.

    On SQLite clusters watch the database's change counter; nothing needs sending.
    """
    if on_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_notify('{CHANNEL}', '')")
