"""Claiming: takes due, ready tasks in claim order for one cluster, never beyond the site's and users' limits.

The order is the rank, the moment a task is due moved by its priority. In a backlog of several companies they take turns
(``scheduler.turns``), and the rank orders the tasks of each.
"""

import json
from collections.abc import Collection
from typing import Any

from django.db import transaction

from jobqueue.conf import settings
from jobqueue.scheduler.claim_sql import CLUSTER_IS_OPEN, PRIORITIES, claim_statement, known_only
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.sql import TASK_TABLE, fetch, now_parameter, on_postgresql
from jobqueue.scheduler.sqlite import write_turn
from jobqueue.scheduler.tasks import ClaimedTask
from jobqueue.scheduler.turns import Turns, in_turn
from jobqueue.scheduler.values import read_moment, read_uuid

CLAIM_LOCK = 4_715_001
"""Advisory lock of claims under limits, one for the database."""

USER_POOL = 200
"""Tasks looked at under a limit of users, so that one user's do not hide the others'."""


def claim(
    count: int, *, cluster_id: int | None, turns: Turns | None = None, strangers: Collection[str] = ()
) -> list[ClaimedTask]:
    """Claims up to ``count`` due tasks, in claim order: the moment they are due moved by the priority.

    With ``turns``, the claimant's memory, companies take turns while there is a backlog. Tasks whose next routine is
    among ``strangers`` are left to others. A cluster that was declared lost gets nothing: its supervisor stands still,
    so nobody would stand behind what it ran. Opens its own transaction where one is needed. With limits set, counting
    and claiming are exact among all clusters: the lock is taken in a first statement, so the second sees everything
    committed before it.
    Source: *Job queue reference, Limits and numbers*; *Decisions*, claim order.
    """
    if count < 1:
        return []
    conf = settings()
    in_turns = turns is not None and turns.are_needed()
    parameters = {
        "now": now_parameter(),
        "count": count,
        "pool": _pool(count, user_limit=conf.user_limit is not None, in_turns=in_turns),
        "cluster_id": cluster_id,
        "site_limit": conf.site_limit,
        "user_limit": conf.user_limit,
        **_strangers(strangers),
        **(turns.parameters() if turns is not None and in_turns else {}),
    }
    statement = claim_statement(
        postgresql=on_postgresql(),
        in_cluster=cluster_id is not None,
        site_limit=conf.site_limit is not None,
        user_limit=conf.user_limit is not None,
        in_turns=in_turns,
        strangers=bool(strangers),
    )
    if not on_postgresql() and not _any_due(parameters["now"], strangers):
        rows: Any = []
    elif is_limited() and on_postgresql():
        with transaction.atomic():
            fetch("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": CLAIM_LOCK})
            rows = fetch(statement, parameters)
    elif on_postgresql():
        rows = fetch(statement, parameters)
    else:
        # On SQLite a look costs no lock; the claim itself is a single statement of its only writer, hence exact.
        with write_turn():
            rows = fetch(statement, parameters)
    if in_turns and turns is not None:
        rows = in_turn(rows, served=turns.served)
    else:
        rows = sorted(rows, key=lambda row: row[0])
    if turns is not None:
        turns.claimed([read_uuid(row[-1]) for row in rows], asked=count)
    return [_claimed(row) for row in rows]


def is_limited() -> bool:
    """Whether the site or users have a limit."""
    conf = settings()
    return conf.site_limit is not None or conf.user_limit is not None


def is_open(cluster_id: int) -> bool:
    """Whether a cluster may claim: it has not ended and was not declared lost."""
    return bool(fetch(f"SELECT {CLUSTER_IS_OPEN}", {"cluster_id": cluster_id})[0][0])


def seconds_until_due(*, strangers: Collection[str] = ()) -> float | None:
    """Seconds until the next ready task is due, negative when one is overdue; None when there is none.

    Tasks whose next routine is among ``strangers`` do not count.
    """
    condition = f" AND {known_only(postgresql=on_postgresql())}" if strangers else ""
    earliest = ", ".join(
        f"(SELECT min(not_before) FROM {TASK_TABLE} WHERE state = 0 AND is_ready AND priority = {priority}{condition})"
        for priority in PRIORITIES
    )
    parameters = _strangers(strangers)
    if on_postgresql():
        row = fetch(f"SELECT extract(epoch FROM LEAST({earliest}) - clock_timestamp())", parameters)[0]
        return None if row[0] is None else float(row[0])
    moments = [
        read_moment(value) for value in fetch(f"SELECT {earliest}", parameters)[0] if value is not None
    ]
    return (min(moments) - database_now()).total_seconds() if moments else None


def _any_due(now: str, strangers: Collection[str]) -> bool:
    condition = f" AND {known_only(postgresql=False)}" if strangers else ""
    looks = " OR ".join(
        f"EXISTS (SELECT 1 FROM {TASK_TABLE} WHERE state = 0 AND is_ready AND priority = {priority}"
        f" AND not_before <= %(now)s{condition})"
        for priority in PRIORITIES
    )
    return bool(fetch(f"SELECT {looks}", {"now": now, **_strangers(strangers)})[0][0])


def _pool(count: int, *, user_limit: bool, in_turns: bool) -> int:
    """Rows a look reads: no more than could be claimed, or under a limit of users than gives others a chance."""
    if not user_limit:
        return count
    return 4 * count if in_turns else max(USER_POOL, 4 * count)


def _strangers(names: Collection[str]) -> dict[str, Any]:
    if not names:
        return {}
    return {"strangers": sorted(names) if on_postgresql() else json.dumps(sorted(names))}


def _claimed(row: Any) -> ClaimedTask:
    _, task_id, claim_number, main_routine, failure_routine, error_kind, timeout_seconds, _ = row
    return ClaimedTask(
        id=read_uuid(task_id),
        claim_number=claim_number,
        routine=failure_routine if error_kind else main_routine,
        is_failure=bool(error_kind),
        timeout_seconds=timeout_seconds,
    )
