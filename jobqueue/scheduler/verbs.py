"""The scheduler's verbs: create, set ready, cancel, ask. Each takes part in the caller's transaction."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from jobqueue.conf import settings
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.routines import get_routine
from jobqueue.scheduler.sql import (
    INSERT_TASK,
    NOTIFY_IF_DUE,
    SQLITE_INSERT_TASK,
    TASK_TABLE,
    now_parameter,
    on_postgresql,
)
from jobqueue.scheduler.telemetry import emit
from jobqueue.scheduler.values import db_moment, db_uuid, encode_context

RANK_STEP = timedelta(minutes=5)
"""How far a priority moves a task in the claim order: urgent first, nothing starves."""


def create_task(
    main_routine: str,
    *,
    failure_routine: str = "",
    record: UUID | None = None,
    company: Any = None,
    user: Any = None,
    not_before: datetime | None = None,
    is_ready: bool = True,
    priority: int = 0,
    timeout_seconds: int | None = None,
    context: Any = None,
) -> UUID:
    """Schedules a task in the caller's transaction and returns its id: commit means it will run, rollback that it
    never existed.

    ``company`` and ``user`` are rows or keys; ``not_before`` is aware and defaults to now; ``priority`` is -1 (high), 0
    or 1 (low); ``timeout_seconds`` defaults to 12 hours and is reduced to the configured maximum (LC0057); ``context``
    is any JSON value, handed to the routine. Raises ``UnknownRoutine`` for names no app registers.
    Source: *Job queue reference, Task scheduler*.
    """
    get_routine(main_routine)
    if failure_routine:
        get_routine(failure_routine)
    conf = settings()
    timeout = conf.default_timeout_seconds if timeout_seconds is None else timeout_seconds
    task_id = uuid4()
    if timeout > conf.max_timeout_seconds:
        emit("LC0057", taskId=str(task_id), timeout=timeout, maximum=conf.max_timeout_seconds)
        timeout = conf.max_timeout_seconds
    parameters = {
        "id": db_uuid(task_id),
        "main_routine": main_routine,
        "failure_routine": failure_routine,
        "record": db_uuid(record),
        "company_id": _foreign_key(company),
        "user_id": _foreign_key(user),
        "is_ready": is_ready,
        "priority": priority,
        "timeout_seconds": max(1, int(timeout)),
        "owner_context": encode_context(context),
    }
    with connection.cursor() as cursor:
        if on_postgresql():
            parameters |= {
                "not_before": not_before,
                "now": now_parameter(),
                "poll_seconds": conf.poll_seconds,
            }
            cursor.execute(INSERT_TASK, parameters)
        else:
            due = not_before or database_now()
            parameters |= {"not_before": db_moment(due), "rank": db_moment(due + priority * RANK_STEP)}
            cursor.execute(SQLITE_INSERT_TASK, parameters)
        cursor.fetchone()
    emit(
        "LC0040",
        taskId=str(task_id),
        codeunitObjectId=main_routine,
        failureCodeunitObjectId=failure_routine or 0,
        isReady=is_ready,
        notBefore=not_before,
        timeout=timeout,
    )
    return task_id


def set_task_ready(task_id: UUID, *, not_before: datetime | None = None) -> bool:
    """Lets a waiting task start, at ``not_before`` if given (aware), else at the moment it already has.

    A task that is claimed but not started is given back when it gets a new moment. False if the task is unknown or
    already running.
    """
    with connection.cursor() as cursor:
        parameters = {
            "task_id": db_uuid(task_id),
            "now": now_parameter(),
            "poll_seconds": settings().poll_seconds,
        }
        if on_postgresql():
            cursor.execute(_SET_READY, parameters | {"not_before": not_before})
        else:
            cursor.execute(_SQLITE_SET_READY, parameters | _sqlite_moments(not_before))
        found = cursor.fetchone() is not None
    if found:
        emit("LC0041", taskId=str(task_id), isReady=True, notBefore=not_before)
    return found


def cancel_task(task_id: UUID) -> bool:
    """Removes a pending task: free, or claimed but not started.

    False if it is unknown, already running, or waiting for its failure routine (a failure is always recorded).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {TASK_TABLE} WHERE id = %(task_id)s AND state < 2 AND error_kind = ''",
            {"task_id": db_uuid(task_id)},
        )
        removed = cursor.rowcount == 1
    if removed:
        emit("LC0042", taskId=str(task_id))
    return removed


def task_exists(task_id: UUID | None) -> bool:
    """Whether the task is waiting, claimed or running."""
    if task_id is None:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {TASK_TABLE} WHERE id = %(task_id)s", {"task_id": db_uuid(task_id)})
        return cursor.fetchone() is not None


def request_cancel(task_id: UUID, *, user: Any, reason: str) -> bool:
    """Asks for the end of a running main routine; the supervisor delivers it: a soft exception, then a kill.

    ``reason`` keeps at most 250 characters. False if the task is not running its main routine, or a cancel has been
    requested before.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {TASK_TABLE}
                   SET cancel_requested_at = %(at)s, cancel_requested_by_id = %(user_id)s, cancel_reason = %(reason)s
                 WHERE id = %(task_id)s AND state = 2 AND error_kind = '' AND cancel_requested_at IS NULL""",
            {
                "at": db_moment(database_now()),
                "user_id": _foreign_key(user),
                "reason": reason[:250],
                "task_id": db_uuid(task_id),
            },
        )
        return cursor.rowcount == 1


_GIVEN_BACK = """
       is_ready = TRUE,
       state = CASE WHEN {moment} IS NULL THEN state ELSE 0 END,
       claim_number = claim_number + CASE WHEN {moment} IS NULL THEN 0 ELSE 1 END"""

_SET_READY = f"""
UPDATE {TASK_TABLE}
   SET not_before = COALESCE(%(not_before)s::timestamptz, not_before),
       rank = COALESCE(%(not_before)s::timestamptz, not_before) + priority * interval '5 minutes',
       {_GIVEN_BACK.format(moment="%(not_before)s::timestamptz")}
 WHERE id = %(task_id)s AND state < 2
RETURNING {NOTIFY_IF_DUE}"""

_SQLITE_SET_READY = f"""
UPDATE {TASK_TABLE}
   SET not_before = COALESCE(%(not_before)s, not_before),
       rank = CASE priority WHEN -1 THEN COALESCE(%(high)s, rank) WHEN 1 THEN COALESCE(%(low)s, rank)
              ELSE COALESCE(%(not_before)s, rank) END,
       {_GIVEN_BACK.format(moment="%(not_before)s")}
 WHERE id = %(task_id)s AND state < 2
RETURNING 1"""


def _sqlite_moments(not_before: datetime | None) -> dict[str, Any]:
    if not_before is None:
        return {"not_before": None, "high": None, "low": None}
    return {
        "not_before": db_moment(not_before),
        "high": db_moment(not_before - RANK_STEP),
        "low": db_moment(not_before + RANK_STEP),
    }


def _foreign_key(value: Any) -> Any:
    key = getattr(value, "pk", value)
    return db_uuid(key) if isinstance(key, UUID) else key
