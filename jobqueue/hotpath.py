"""The hot path: one fused statement starts a run, one ends it, each fenced by the task's claim number.

On PostgreSQL each is a single statement (common table expressions); on SQLite a few in one immediate transaction. All
or nothing: where the task is no longer held, or the entry is no longer as it was read, nothing changes and None or
False comes back; the caller then reads again and takes the slow way. The task is touched before its entry, the order
every verb keeps. No ORM, no events: what has listeners goes the slow way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from jobqueue.conf import settings
from jobqueue.facts import ENTRY_TABLE, LOG_TABLE, EntryRow, Reading
from jobqueue.scheduler import ClaimedTask
from jobqueue.scheduler.sql import (
    FINISH_TASK,
    INSERT_COLUMNS,
    NOTIFY_IF_DUE,
    NOW,
    SQLITE_FINISH_TASK,
    SQLITE_NOW,
    SQLITE_START_TASK,
    START_TASK,
    TASK_TABLE,
    fetch,
    now_parameter,
    on_postgresql,
)
from jobqueue.scheduler.values import db_moment, db_uuid, read_moment
from jobqueue.states import Origin

RANK_STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Started:
    """A started run: its ledger row, the due moment it serves, and the revision its entry has now."""

    log_entry_no: int
    log_entry_id: UUID
    started_at: datetime
    due_at: datetime
    attempt: int
    origin: str
    revision: int


@dataclass(frozen=True, slots=True)
class Next:
    """The next run of a recurring entry: its due moment, and when its task may start (the same or a little later)."""

    due_at: datetime
    earliest_start_at: datetime


class _Fenced(Exception):
    """Rolls a SQLite transaction back."""


def start(
    claim: ClaimedTask,
    reading: Reading,
    *,
    caption: str,
    due_at: datetime | None = None,
    attempt: int | None = None,
) -> Started | None:
    """Starts the task, sets the entry In Process and inserts its ledger row; None if either changed meanwhile.

    An extra run leaves the entry's status alone and only raises its revision, so that it and a scheduled run never
    start side by side. ``due_at`` and ``attempt`` replace what the entry says. Raises ``IntegrityError`` if that
    attempt of that due moment is in the ledger already.
    """
    entry = reading.entry
    assert entry is not None
    extra = reading.is_extra
    if due_at is None:
        due_at = (
            reading.not_before if extra else entry.due_at or entry.earliest_start_at or reading.not_before
        )
    if attempt is None:
        attempt = 0 if extra else entry.attempts
    origin = str(reading.context.get("origin", Origin.ADMIN)) if extra else _origin(attempt)
    log_id = UUID(reading.context["extra"]) if extra else uuid4()
    parameters = {
        **claim.parameters(),
        "now": now_parameter(),
        "entry_no": entry.entry_no,
        "status": entry.status,
        "revision": entry.revision,
        "log_id": db_uuid(log_id),
        "user_id": reading.user_id,
        "origin": origin,
        "due_at": db_moment(due_at),
        "attempt": attempt,
        "caption": caption[:250],
        "current_task": None if extra else db_uuid(claim.id),
    }
    row = _start_postgresql(parameters, extra) if on_postgresql() else _start_sqlite(parameters, extra)
    if row is None:
        return None
    return Started(
        log_entry_no=row[0],
        log_entry_id=log_id,
        started_at=read_moment(row[1]),
        due_at=due_at,
        attempt=attempt,
        origin=origin,
        revision=entry.revision + 1,
    )


def finish(
    claim: ClaimedTask, started: Started, entry: EntryRow, *, ended_at: datetime, following: Next | None
) -> bool:
    """Ends a successful run: the task goes, the ledger row becomes its final Success, and the entry is deleted or, with
    ``following``, Ready for its next run with a task of its own.

    False if the claim is stale or the entry is no longer as the run's start left it. Nothing has changed then.
    """
    parameters = {
        **claim.parameters(),
        "now": now_parameter(),
        "entry_no": entry.entry_no,
        "revision": started.revision,
        "log_entry_no": started.log_entry_no,
        "ended_at": db_moment(ended_at),
    }
    if following is not None:
        parameters |= _next_parameters(entry, following)
    repeat = following is not None
    return _finish_postgresql(parameters, repeat) if on_postgresql() else _finish_sqlite(parameters, repeat)


def _origin(attempt: int) -> str:
    return str(Origin.RETRY if attempt else Origin.SCHEDULE)


def _next_parameters(entry: EntryRow, following: Next) -> dict[str, Any]:
    start_at = following.earliest_start_at
    return {
        "next_id": db_uuid(uuid4()),
        "next_due_at": db_moment(following.due_at),
        "next_start_at": db_moment(start_at),
        "next_rank": db_moment(start_at + entry.priority * RANK_STEP),
        "poll_seconds": settings().poll_seconds,
    }


# --- the blocks both databases share

_START_ENTRY = f"""
UPDATE {ENTRY_TABLE}
   SET status = 1, error_message = '', error_register_id = NULL, user_session_started_at = {{now}},
       worker_id = %(worker_id)s, session_number = %(session_number)s, revision = revision + 1, modified_at = {{now}}
 WHERE entry_no = %(entry_no)s AND status = %(status)s AND revision = %(revision)s
   AND system_task_id = %(current_task)s"""

_START_EXTRA = f"""
UPDATE {ENTRY_TABLE} SET revision = revision + 1
 WHERE entry_no = %(entry_no)s AND status = %(status)s AND status <> 1 AND revision = %(revision)s"""

_LOG_COLUMNS = (
    "id, entry_id, company_id, user_id, status, is_final, origin, due_at, attempt, claimed_at, started_at, gap_count, "
    "object_type, object_id, object_caption, description, parameter_string, parameters, category_code, error_kind, "
    "error_message, error_call_stack, reason, system_task_id, claim_number, worker_id, session_number, modified_at"
)

_LOG_VALUES = (
    "{log_id}, e.id, e.company_id, {user_id}, 1, FALSE, {origin}, {due_at}, {attempt}, t.claimed_at, t.started_at, 1, "
    "e.object_type, e.object_id, {caption}, e.description, e.parameter_string, e.parameters, e.category_code, '', '', "
    "'', '', t.id, t.claim_number, t.worker_id, t.session_number, t.started_at"
)

_NEXT_ENTRY = f"""
UPDATE {ENTRY_TABLE}
   SET status = 0, attempts = 0, earliest_start_at = %(next_start_at)s, due_at = %(next_due_at)s,
       system_task_id = %(next_id)s, user_session_started_at = NULL, worker_id = NULL, session_number = NULL,
       revision = revision + 1, modified_at = %(ended_at)s
 WHERE entry_no = %(entry_no)s AND status = 1 AND revision = %(revision)s"""

_DELETE_ENTRY = f"""
DELETE FROM {ENTRY_TABLE} WHERE entry_no = %(entry_no)s AND status = 1 AND revision = %(revision)s"""

_FINISH_LOG = f"""
UPDATE {LOG_TABLE} SET status = 0, is_final = TRUE, ended_at = %(ended_at)s, modified_at = %(ended_at)s
 WHERE entry_no = %(log_entry_no)s AND status = 1"""

# --- PostgreSQL: one statement each


def _only_if(block: str, table: str) -> str:
    """A block of the scheduler that does its work only if the named table expression has a row."""
    return block.replace("RETURNING", f"AND EXISTS (SELECT 1 FROM {table}) RETURNING", 1)


def _held(state: int) -> str:
    return (
        f"SELECT 1 FROM {TASK_TABLE} WHERE id = %(task_id)s AND claim_number = %(claim_number)s"
        f" AND state = {state} FOR UPDATE"
    )


_LOG_PARAMETERS = {
    "log_id": "%(log_id)s::uuid",
    "user_id": "%(user_id)s",
    "origin": "%(origin)s",
    "due_at": "%(due_at)s::timestamptz",
    "attempt": "%(attempt)s::smallint",
    "caption": "%(caption)s",
}


def _start_statement(update_entry: str) -> str:
    return f"""
WITH held AS MATERIALIZED ({_held(1)}),
entry AS ({update_entry.format(now=NOW)} AND EXISTS (SELECT 1 FROM held) RETURNING *),
task AS ({_only_if(START_TASK, "entry")}),
log AS (INSERT INTO {LOG_TABLE} ({_LOG_COLUMNS})
        SELECT {_LOG_VALUES.format(**_LOG_PARAMETERS)} FROM entry e, task t RETURNING entry_no, started_at)
SELECT entry_no, started_at FROM log"""


def _finish_statement(change_entry: str, next_task: str) -> str:
    return f"""
WITH held AS MATERIALIZED ({_held(2)}),
entry AS ({change_entry} AND EXISTS (SELECT 1 FROM held) RETURNING entry_no),
task AS ({_only_if(FINISH_TASK, "entry")}),
log AS ({_FINISH_LOG} AND EXISTS (SELECT 1 FROM task) RETURNING entry_no){next_task}
SELECT count(*) FROM task"""


_NEXT_TASK = f""",
next_task AS (
    INSERT INTO {TASK_TABLE} ({INSERT_COLUMNS})
    SELECT %(next_id)s::uuid, main_routine, failure_routine, record, company_id, user_id,
           %(next_start_at)s::timestamptz, %(next_rank)s::timestamptz, TRUE, priority, timeout_seconds, owner_context
      FROM task
    RETURNING not_before, {NOTIFY_IF_DUE})"""

_START = {False: _start_statement(_START_ENTRY), True: _start_statement(_START_EXTRA)}
_FINISH = {False: _finish_statement(_DELETE_ENTRY, ""), True: _finish_statement(_NEXT_ENTRY, _NEXT_TASK)}


def _start_postgresql(parameters: dict[str, Any], extra: bool) -> Any:
    rows = fetch(_START[extra], parameters)
    return rows[0] if rows else None


def _finish_postgresql(parameters: dict[str, Any], repeat: bool) -> bool:
    return fetch(_FINISH[repeat], parameters)[0][0] == 1


# --- SQLite: a few statements in one immediate transaction

_SQLITE_INSERT_LOG = f"""
INSERT INTO {LOG_TABLE} ({_LOG_COLUMNS})
SELECT {_LOG_VALUES.format(**{name: f"%({name})s" for name in _LOG_PARAMETERS})}
  FROM {ENTRY_TABLE} e, {TASK_TABLE} t WHERE e.entry_no = %(entry_no)s AND t.id = %(task_id)s
RETURNING entry_no, started_at"""

_SQLITE_START = {
    False: _START_ENTRY.format(now=SQLITE_NOW),
    True: _START_EXTRA,
}

_SQLITE_INSERT_NEXT = f"""
INSERT INTO {TASK_TABLE} ({INSERT_COLUMNS})
SELECT %(next_id)s, main_routine, failure_routine, record, company_id, user_id, %(next_start_at)s, %(next_rank)s, TRUE,
       priority, timeout_seconds, owner_context
  FROM {TASK_TABLE} WHERE id = %(task_id)s"""


def _start_sqlite(parameters: dict[str, Any], extra: bool) -> Any:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            _require_row(cursor, SQLITE_START_TASK, parameters)
            _require_change(cursor, _SQLITE_START[extra], parameters)
            cursor.execute(_SQLITE_INSERT_LOG, parameters)
            return cursor.fetchone()
    except _Fenced:
        return None


def _finish_sqlite(parameters: dict[str, Any], repeat: bool) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if repeat:
                cursor.execute(_SQLITE_INSERT_NEXT, parameters)
            _require_row(cursor, SQLITE_FINISH_TASK, parameters)
            _require_change(cursor, _NEXT_ENTRY if repeat else _DELETE_ENTRY, parameters)
            cursor.execute(_FINISH_LOG, parameters)
            return True
    except _Fenced:
        return False


def _require_row(cursor: Any, statement: str, parameters: dict[str, Any]) -> None:
    cursor.execute(statement, parameters)
    if cursor.fetchone() is None:
        raise _Fenced


def _require_change(cursor: Any, statement: str, parameters: dict[str, Any]) -> None:
    cursor.execute(statement, parameters)
    if cursor.rowcount != 1:
        raise _Fenced
