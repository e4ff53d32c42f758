"""Claiming: takes due, ready tasks in rank order for one cluster, never beyond the site's and users' limits."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import transaction

from jobqueue.conf import settings
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.sql import NOW, SQLITE_NOW, TASK_TABLE, fetch, now_parameter, on_postgresql
from jobqueue.scheduler.tasks import ClaimedTask
from jobqueue.scheduler.values import read_moment, read_uuid

CLAIM_LOCK = 4_715_001
"""Advisory lock of claims under limits, one for the database."""

PRIORITIES = (-1, 0, 1)


def claim(count: int, *, cluster_id: int | None) -> list[ClaimedTask]:
    """Claims up to ``count`` due tasks, in claim order: the moment they are due moved by the priority.

    Opens its own transaction where one is needed. With limits set, counting and claiming are exact among all clusters:
    the lock is taken in a first statement, so the second sees everything committed before it.
    Source: *Job queue reference, Limits and numbers*; *Decisions*, claim order.
    """
    if count < 1:
        return []
    conf = settings()
    limited = conf.site_limit is not None or conf.user_limit is not None
    parameters = {
        "now": now_parameter(),
        "count": count,
        "pool": max(200, 4 * count) if conf.user_limit is not None else count,
        "cluster_id": cluster_id,
        "site_limit": conf.site_limit,
        "user_limit": conf.user_limit,
    }
    statement = _claim_statement(
        postgresql=on_postgresql(),
        site_limit=conf.site_limit is not None,
        user_limit=conf.user_limit is not None,
    )
    if not on_postgresql():
        # A look costs no lock; the claim itself is a single statement of SQLite's only writer, hence exact.
        return _claimed(fetch(statement, parameters)) if _any_due(parameters["now"]) else []
    if not limited:
        return _claimed(fetch(statement, parameters))
    with transaction.atomic():
        fetch("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": CLAIM_LOCK})
        return _claimed(fetch(statement, parameters))


def seconds_until_due() -> float | None:
    """Seconds until the next ready task is due, negative when one is overdue; None when there is none."""
    earliest = ", ".join(
        f"(SELECT min(not_before) FROM {TASK_TABLE} WHERE state = 0 AND is_ready AND priority = {priority})"
        for priority in PRIORITIES
    )
    if on_postgresql():
        row = fetch(f"SELECT extract(epoch FROM LEAST({earliest}) - clock_timestamp())", {})[0]
        return None if row[0] is None else float(row[0])
    moments = [read_moment(value) for value in fetch(f"SELECT {earliest}", {})[0] if value is not None]
    return (min(moments) - database_now()).total_seconds() if moments else None


def _any_due(now: str) -> bool:
    looks = " OR ".join(
        f"EXISTS (SELECT 1 FROM {TASK_TABLE} WHERE state = 0 AND is_ready AND priority = {priority}"
        f" AND not_before <= %(now)s)"
        for priority in PRIORITIES
    )
    return bool(fetch(f"SELECT {looks}", {"now": now})[0][0])


def _claimed(rows: Sequence[Sequence[Any]]) -> list[ClaimedTask]:
    ordered = sorted(rows, key=lambda row: row[0])
    return [
        ClaimedTask(
            id=read_uuid(task_id),
            claim_number=claim_number,
            routine=failure_routine if error_kind else main_routine,
            is_failure=bool(error_kind),
            timeout_seconds=timeout_seconds,
        )
        for _, task_id, claim_number, main_routine, failure_routine, error_kind, timeout_seconds in ordered
    ]


@cache
def _claim_statement(*, postgresql: bool, site_limit: bool, user_limit: bool) -> str:
    """One bounded look per priority into the index of due tasks, merged by rank; then the update.

    A single index on the rank would have to step over every future task whose priority moved it forward.
    """
    now = NOW if postgresql else SQLITE_NOW
    lock = "FOR UPDATE SKIP LOCKED" if postgresql else ""
    tables = []
    below_limit = ""
    if user_limit:
        tables.append(
            f"busy AS (SELECT user_id, count(*) AS tasks FROM {TASK_TABLE} WHERE state > 0 AND user_id IS NOT NULL"
            " GROUP BY user_id)"
        )
        below_limit = (
            "AND (user_id IS NULL OR user_id NOT IN (SELECT user_id FROM busy WHERE tasks >= %(user_limit)s))"
        )
    names = ("high", "normal", "low")
    for name, priority in zip(names, PRIORITIES, strict=True):
        tables.append(
            f"{name} AS (SELECT id, rank, user_id FROM {TASK_TABLE}"
            f" WHERE state = 0 AND is_ready AND priority = {priority} AND not_before <= {now} {below_limit}"
            f" ORDER BY not_before LIMIT %(pool)s {lock})"
        )
    union = " UNION ALL ".join(f"SELECT id, rank, user_id FROM {name}" for name in names)
    tables.append(f"due AS ({union})")
    source = "due"
    if user_limit:
        tables.append(
            "placed AS (SELECT due.id, due.rank, due.user_id, COALESCE(busy.tasks, 0)"
            " + row_number() OVER (PARTITION BY due.user_id ORDER BY due.rank, due.id) AS place"
            " FROM due LEFT JOIN busy ON busy.user_id = due.user_id)"
        )
        source = "placed WHERE user_id IS NULL OR place <= %(user_limit)s"
    limit = "%(count)s"
    if site_limit:
        held = f"(SELECT count(*) FROM {TASK_TABLE} WHERE state > 0)"
        free = f"%(site_limit)s - {held}"
        limit = f"GREATEST(0, LEAST(%(count)s, {free}))" if postgresql else f"max(0, min(%(count)s, {free}))"
    return (
        f"WITH {', '.join(tables)}"
        f" UPDATE {TASK_TABLE} SET state = 1, claim_number = claim_number + 1, cluster_id = %(cluster_id)s,"
        f" claimed_at = {now}, worker_id = NULL, session_number = NULL"
        f" WHERE id IN (SELECT id FROM {source} ORDER BY rank LIMIT {limit})"
        " RETURNING rank, id, claim_number, main_routine, failure_routine, error_kind, timeout_seconds"
    )
