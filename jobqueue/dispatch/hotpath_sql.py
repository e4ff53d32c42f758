"""The statements of the hot path, fused from the scheduler's blocks, the entry and the ledger.

On PostgreSQL ``START[extra]`` and ``FINISH[repeats]`` are one statement each: it locks the task if the claim still
holds, then changes the entry if that is still as it was read, and everything else only if both are so. On SQLite the
same steps are statements of one immediate transaction.
"""

import re

from django.contrib.auth import get_user_model

from jobqueue.dispatch.facts import ENTRY_TABLE, LOG_TABLE
from jobqueue.scheduler.sql import (
    FINISH_TASK,
    INSERT_COLUMNS,
    NOTIFY_IF_DUE,
    NOW,
    SQLITE_NOW,
    SQLITE_START_TASK,
    START_TASK,
    TASK_TABLE,
)

# --- the blocks both databases share

START_ENTRY = f"""
UPDATE {ENTRY_TABLE}
   SET status = 1, error_message = '', error_register_id = NULL, user_session_started_at = {{now}},
       worker_id = %(worker_id)s, session_number = %(session_number)s, revision = revision + 1, modified_at = {{now}}
 WHERE entry_no = %(entry_no)s AND status = %(status)s AND revision = %(revision)s
   AND system_task_id = %(current_task)s"""

START_EXTRA = f"""
UPDATE {ENTRY_TABLE} SET revision = revision + 1
 WHERE entry_no = %(entry_no)s AND status = %(status)s AND status <> 1 AND revision = %(revision)s"""

LOG_COLUMNS = (
    "id, entry_id, company_id, user_id, status, is_final, origin, due_at, attempt, claimed_at, started_at, gap_count, "
    "object_type, object_id, object_caption, description, parameter_string, parameters, category_code, error_kind, "
    "error_message, error_call_stack, reason, system_task_id, claim_number, worker_id, session_number, modified_at"
)

LOG_VALUES = (
    "{log_id}, e.id, e.company_id, {user_id}, 1, FALSE, {origin}, {due_at}, {attempt}, t.claimed_at, t.started_at, 1, "
    "e.object_type, e.object_id, {caption}, e.description, e.parameter_string, e.parameters, e.category_code, '', '', "
    "'', '', t.id, t.claim_number, t.worker_id, t.session_number, t.started_at"
)

NEXT_ENTRY = f"""
UPDATE {ENTRY_TABLE}
   SET status = 0, attempts = 0, earliest_start_at = %(next_start_at)s, due_at = %(next_due_at)s,
       system_task_id = %(next_id)s, user_session_started_at = NULL, worker_id = NULL, session_number = NULL,
       revision = revision + 1, modified_at = %(ended_at)s
 WHERE entry_no = %(entry_no)s AND status = 1 AND revision = %(revision)s"""

DELETE_ENTRY = f"""
DELETE FROM {ENTRY_TABLE} WHERE entry_no = %(entry_no)s AND status = 1 AND revision = %(revision)s"""

FINISH_LOG = f"""
UPDATE {LOG_TABLE} SET status = 0, is_final = TRUE, ended_at = %(ended_at)s, modified_at = %(ended_at)s
 WHERE entry_no = %(log_entry_no)s AND status = 1"""

# --- PostgreSQL: one statement each


def _only_if(block: str, table: str) -> str:
    """A block of the scheduler that does its work only if the named table expression has a row."""
    return block.replace("RETURNING", f"AND EXISTS (SELECT 1 FROM {table}) RETURNING", 1)


def _held(state: int, *, also: str = "") -> str:
    """Locks the task if it is still held under the claim number: everything else depends on this row."""
    return (
        f"SELECT 1 FROM {TASK_TABLE} WHERE id = %(task_id)s AND claim_number = %(claim_number)s"
        f" AND state = {state}{also} FOR UPDATE"
    )


_LOG_IS_THERE = f" AND EXISTS (SELECT 1 FROM {LOG_TABLE} WHERE entry_no = %(log_entry_no)s AND status = 1)"


LOG_PARAMETERS = {
    "log_id": "%(log_id)s::uuid",
    "user_id": "%(user_id)s",
    "origin": "%(origin)s",
    "due_at": "%(due_at)s::timestamptz",
    "attempt": "%(attempt)s::smallint",
    "caption": "%(caption)s",
}


def _user_is_active(entry: str) -> str:
    user = get_user_model()._meta
    return (
        f"({entry}.user_id IS NULL OR EXISTS (SELECT 1 FROM {user.db_table} u"
        f" WHERE u.{user.pk.column} = {entry}.user_id AND u.is_active))"
    )


def _start_tables(held: str, update_entry: str, *, prefix: str = "") -> str:
    return f"""
{prefix}held AS MATERIALIZED ({held}),
{prefix}entry AS ({update_entry.format(now=NOW)} AND EXISTS (SELECT 1 FROM {prefix}held) RETURNING *),
{prefix}task AS ({_only_if(START_TASK, f"{prefix}entry")}),
{prefix}log AS (
    INSERT INTO {LOG_TABLE} ({LOG_COLUMNS})
    SELECT {LOG_VALUES.format(**LOG_PARAMETERS)} FROM {prefix}entry e, {prefix}task t RETURNING entry_no, started_at)"""


def _finish_tables(change_entry: str, next_task: str = "") -> str:
    return f"""
held AS MATERIALIZED ({_held(2, also=_LOG_IS_THERE)}),
entry AS ({change_entry} AND EXISTS (SELECT 1 FROM held) RETURNING entry_no),
task AS ({_only_if(FINISH_TASK, "entry")}),
log AS ({FINISH_LOG} AND EXISTS (SELECT 1 FROM task) RETURNING entry_no){next_task}"""


NEXT_TASK = f""",
next_task AS (
    INSERT INTO {TASK_TABLE} ({INSERT_COLUMNS})
    SELECT %(next_id)s::uuid, main_routine, failure_routine, record, company_id, user_id,
           %(next_start_at)s::timestamptz, %(next_rank)s::timestamptz, TRUE, priority, timeout_seconds, owner_context
      FROM task
    RETURNING not_before, {NOTIFY_IF_DUE})"""

START = {
    extra: f"WITH {_start_tables(_held(1), block)} SELECT entry_no, started_at FROM log"
    for extra, block in ((False, START_ENTRY), (True, START_EXTRA))
}
_FINISH_TABLES = {False: _finish_tables(DELETE_ENTRY), True: _finish_tables(NEXT_ENTRY, NEXT_TASK)}
FINISH = {repeat: f"WITH {tables} SELECT count(*) FROM task" for repeat, tables in _FINISH_TABLES.items()}

# Skips what anybody else has locked: to wait for it while holding the former run's rows could end in a deadlock.
_OTHER_HELD = f"""
SELECT 1 FROM {TASK_TABLE} t JOIN {ENTRY_TABLE} e ON e.entry_no = %(entry_no)s
 WHERE t.id = %(task_id)s AND t.claim_number = %(claim_number)s AND t.state = 1
   AND e.revision = %(revision)s AND {_user_is_active("e")} AND EXISTS (SELECT 1 FROM task)
   FOR UPDATE OF t, e SKIP LOCKED"""


def _for_other(block: str) -> str:
    """A block with the names of the other task's parameters; the moment is the same."""
    return re.sub(r"%\((?!now\))(\w+)\)s", r"%(other_\1)s", block)


_OTHER_START = _for_other(_start_tables(_OTHER_HELD, START_ENTRY, prefix="other_"))
FINISH_AND_START = {
    repeat: f"""WITH {tables}, {_OTHER_START}
SELECT (SELECT count(*) FROM task), (SELECT entry_no FROM other_log), (SELECT started_at FROM other_log)"""
    for repeat, tables in _FINISH_TABLES.items()
}


# --- SQLite: a few statements in one immediate transaction

SQLITE_INSERT_LOG = f"""
INSERT INTO {LOG_TABLE} ({LOG_COLUMNS})
SELECT {LOG_VALUES.format(**{name: f"%({name})s" for name in LOG_PARAMETERS})}
  FROM {ENTRY_TABLE} e, {TASK_TABLE} t WHERE e.entry_no = %(entry_no)s AND t.id = %(task_id)s
RETURNING entry_no, started_at"""

SQLITE_START = {
    False: START_ENTRY.format(now=SQLITE_NOW),
    True: START_EXTRA,
}

SQLITE_INSERT_NEXT = f"""
INSERT INTO {TASK_TABLE} ({INSERT_COLUMNS})
SELECT %(next_id)s, main_routine, failure_routine, record, company_id, user_id, %(next_start_at)s, %(next_rank)s, TRUE,
       priority, timeout_seconds, owner_context
  FROM {TASK_TABLE} WHERE id = %(task_id)s"""

# Changes nothing unless everything that follows it in the transaction will go well: so no savepoint is needed.
SQLITE_START_OTHER_TASK = f"""{SQLITE_START_TASK}
   AND EXISTS (SELECT 1 FROM {ENTRY_TABLE} e
                WHERE e.entry_no = %(entry_no)s AND e.system_task_id = %(current_task)s
                  AND e.status = %(status)s AND e.revision = %(revision)s AND {_user_is_active("e")})"""
