"""The claim's statement: bounded looks into the indexes of due tasks, merged by rank or by turns; then the update.

Every look reads at most as many rows as could be claimed: one for each priority, since a single index on the rank would
have to step over every future task whose priority moved it forward; in turns one for each priority of each company.
"""

from functools import cache

from jobqueue.scheduler.sql import NOW, SQLITE_NOW, TASK_TABLE
from jobqueue.scheduler.turns import COMPANY_TABLE

CLUSTER_TABLE = "jobqueue_cluster"
PRIORITIES = (-1, 0, 1)
RETURNED = "rank, id, claim_number, main_routine, failure_routine, error_kind, timeout_seconds, company_id"
LOOKED_AT = "id, rank, user_id, company_id"
CLUSTER_IS_OPEN = (
    f"EXISTS (SELECT 1 FROM {CLUSTER_TABLE} WHERE id = %(cluster_id)s AND state IN ('live', 'draining'))"
)


@cache
def claim_statement(
    *,
    postgresql: bool,
    in_cluster: bool,
    site_limit: bool,
    user_limit: bool,
    in_turns: bool,
    strangers: bool,
) -> str:
    """The statement with parameters ``now``, ``count``, ``pool`` and ``cluster_id``, and those of what is asked for:
    ``site_limit``, ``user_limit``, ``served`` and ``system_served`` (in turns), ``strangers`` (routines left out).

    With ``in_cluster`` it claims nothing for a cluster that was declared lost or has ended: its tasks were settled, and
    what it took from then on would fail for nothing.
    """
    now = NOW if postgresql else SQLITE_NOW
    conditions = f"AND not_before <= {now}"
    tables = []
    if user_limit:
        tables.append(
            f"busy AS (SELECT user_id, count(*) AS tasks FROM {TASK_TABLE} WHERE state > 0 AND user_id IS NOT NULL"
            " GROUP BY user_id)"
        )
        at_limit = "SELECT user_id FROM busy WHERE tasks >= %(user_limit)s"
        conditions += f" AND (user_id IS NULL OR user_id NOT IN ({at_limit}))"
    if strangers:
        conditions += f" AND {known_only(postgresql=postgresql)}"
    tables += _in_turns(conditions, postgresql) if in_turns else _by_rank(conditions, postgresql)
    order = "turn, rank, id" if in_turns else "rank"
    source, wanted = "due", [CLUSTER_IS_OPEN] if in_cluster else []
    if user_limit:
        tables.append(
            "placed AS (SELECT due.*, COALESCE(busy.tasks, 0)"
            f" + row_number() OVER (PARTITION BY due.user_id ORDER BY {order if in_turns else 'rank, due.id'}) AS place"
            " FROM due LEFT JOIN busy ON busy.user_id = due.user_id)"
        )
        source, wanted = "placed", [*wanted, "(user_id IS NULL OR place <= %(user_limit)s)"]
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    picked = f"SELECT id FROM {source}{where} ORDER BY {order} LIMIT {_limit(site_limit, postgresql)}"
    if in_turns and postgresql:
        # Locked here and not where they are looked at: of a hundred companies' heads a few are taken.
        tables.append(
            f"locked AS MATERIALIZED (SELECT id FROM {TASK_TABLE}"
            f" WHERE id = ANY(ARRAY({picked})) AND state = 0 AND is_ready FOR UPDATE SKIP LOCKED)"
        )
        chosen = "= ANY(ARRAY(SELECT id FROM locked))"
    else:
        chosen = f"IN ({picked})"
    return (
        f"WITH {', '.join(tables)}"
        f" UPDATE {TASK_TABLE} SET state = 1, claim_number = claim_number + 1, cluster_id = %(cluster_id)s,"
        f" claimed_at = {now}, worker_id = NULL, session_number = NULL"
        f" WHERE id {chosen} RETURNING {RETURNED}"
    )


def known_only(*, postgresql: bool) -> str:
    """The condition that leaves out tasks whose next routine is among ``strangers``."""
    routine = "CASE WHEN error_kind = '' THEN main_routine ELSE failure_routine END"
    if postgresql:
        return f"{routine} <> ALL(%(strangers)s::text[])"
    return f"{routine} NOT IN (SELECT value FROM json_each(%(strangers)s))"


def _by_rank(conditions: str, postgresql: bool) -> list[str]:
    lock = "FOR UPDATE SKIP LOCKED" if postgresql else ""
    names = dict(zip(PRIORITIES, ("high", "normal", "low"), strict=True))
    looks = [f"{name} AS ({_look(priority, conditions, lock=lock)})" for priority, name in names.items()]
    union = " UNION ALL ".join(f"SELECT {LOOKED_AT} FROM {name}" for name in names.values())
    return [*looks, f"due AS ({union})"]


def _in_turns(conditions: str, postgresql: bool) -> list[str]:
    served = (
        "id = ANY(%(served)s::uuid[])" if postgresql else "id IN (SELECT value FROM json_each(%(served)s))"
    )
    of_company, of_none = f"company_id = company.id {conditions}", f"company_id IS NULL {conditions}"
    if postgresql:
        union = " UNION ALL ".join(f"({_look(priority, 'AND ' + of_company)})" for priority in PRIORITIES)
        heads = [f"SELECT look.*, company.served FROM company CROSS JOIN LATERAL ({union}) look"]
    else:
        columns = ", ".join(f"task.{name}" for name in LOOKED_AT.split(", "))
        heads = [
            f"SELECT {columns}, company.served FROM company CROSS JOIN {TASK_TABLE} task"
            f" ON task.id IN ({_look(priority, 'AND ' + of_company, columns='id')})"
            for priority in PRIORITIES
        ]
    system = [
        f"SELECT own.*, %(system_served)s AS served FROM ({_look(priority, 'AND ' + of_none)}) own"
        for priority in PRIORITIES
    ]
    return [
        f"company AS (SELECT id, CASE WHEN {served} THEN 1 ELSE 0 END AS served FROM {COMPANY_TABLE})",
        f"head AS ({' UNION ALL '.join([*heads, *system])})",
        f"due AS (SELECT {LOOKED_AT},"
        " served + row_number() OVER (PARTITION BY company_id ORDER BY rank, id) AS turn FROM head)",
    ]


def _look(priority: int, conditions: str, *, columns: str = LOOKED_AT, lock: str = "") -> str:
    return (
        f"SELECT {columns} FROM {TASK_TABLE} WHERE state = 0 AND is_ready AND priority = {priority} {conditions}"
        f" ORDER BY not_before LIMIT %(pool)s {lock}"
    )


def _limit(site_limit: bool, postgresql: bool) -> str:
    if not site_limit:
        return "%(count)s"
    free = f"%(site_limit)s - (SELECT count(*) FROM {TASK_TABLE} WHERE state > 0)"
    if postgresql:
        return f"GREATEST(0, LEAST(%(count)s, {free}))"
    return f"max(0, min(%(count)s, {free}))"
