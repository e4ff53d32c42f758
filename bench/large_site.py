"""Makes the tables of a large site on PostgreSQL: entries, their tasks, and a ledger of millions of rows.

One row of each table is made through the product's verbs; the server multiplies it (``generate_series``), so that
columns this module does not know keep the values the product gave them. Secondary indexes are dropped while the ledger
is filled, and made anew from their own definitions.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

COMPANIES = 5
USERS = 50
CATEGORIES = 20
OBJECTS = 40
ERROR_EVERY = 25
"""One ledger row in so many is an error, with a register and its message."""
LINES_EVERY = 10
SESSION_EVENTS_PER_LOG_ROW = 50
BUSY_SHARE = 100
"""One entry in so many is busy; together these have half of the ledger."""

# Minutes between runs, and how many of a hundred recurring entries have them.
INTERVALS = ((5, 5), (15, 15), (30, 20), (60, 40), (1440, 20))


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows; ``recurring_percent`` of the entries are recurring."""

    entries: int
    log_rows: int = 0
    recurring_percent: int = 70


def make(size: Size, *, first_due_at: datetime, say: Any = lambda _line: None) -> None:
    """Fills the empty, migrated database of the present settings; every task is due between ``first_due_at`` and a
    day later, spread like the entries' intervals."""
    from django.db import connection

    template = _Template(first_due_at)
    with connection.cursor() as cursor:
        for part in (_people, _entries, _tasks):
            began = time.monotonic()
            part(cursor, template, size)
            say(f"  {part.__name__.strip('_')}: {time.monotonic() - began:.1f} s")
        if size.log_rows:
            for part in (_ledger, _messages, _lines, _session_events):
                began = time.monotonic()
                part(cursor, template, size)
                say(f"  {part.__name__.strip('_')}: {time.monotonic() - began:.1f} s")
        template.remove()
        cursor.execute("DROP TABLE bench_company, bench_user")
        cursor.execute("VACUUM ANALYZE")


class _Template:
    """One row of each kind, made by the product."""

    def __init__(self, first_due_at: datetime) -> None:
        from bench.filling import actor, make_ready
        from jobqueue import companies
        from jobqueue.models import LogEntry, ScheduledTask
        from jobqueue.states import LogStatus

        self.first_due_at = first_due_at
        self.company = companies.default()
        self.entry = make_ready(due_at=first_due_at)
        self.user = actor().user
        self.task = ScheduledTask.objects.get(pk=self.entry.system_task_id)
        self.log_entry = LogEntry.objects.create(
            entry_id=self.entry.id,
            company=self.company,
            user=self.user,
            status=LogStatus.SUCCESS,
            is_final=True,
            due_at=first_due_at - timedelta(days=400),
            object_type=self.entry.object_type,
            object_id=self.entry.object_id,
            object_caption="Do nothing",
        )

    def remove(self) -> None:
        self.log_entry.delete()
        self.task.delete()
        type(self.entry).objects.filter(pk=self.entry.pk).delete()


def _people(cursor: Any, template: _Template, size: Size) -> None:
    """Companies, users and categories; kept small, so the ORM makes them."""
    from django.contrib.auth import get_user_model

    from jobqueue.models import Category, Company

    users = get_user_model().objects
    users.bulk_create(
        users.model(username=f"bench{n}", is_staff=True, is_superuser=True) for n in range(USERS)
    )
    found = [template.company] + [
        Company.objects.create(code=f"bench{n}", name=f"Branch {n}", time_zone=template.company.time_zone)
        for n in range(1, COMPANIES)
    ]
    for company in found:
        Category.objects.bulk_create(Category(company=company, code=f"CAT{n}") for n in range(CATEGORIES))
    users_table = users.model._meta.db_table
    cursor.execute(
        "CREATE TEMP TABLE bench_company AS SELECT row_number() OVER (ORDER BY NOT is_default, code) - 1 AS n, id "
        "FROM jobqueue_company"
    )
    cursor.execute(
        f"CREATE TEMP TABLE bench_user AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM {users_table} "
        "WHERE username ~ '^bench[0-9]+$'"
    )


# Six of ten rows are of the first company. Entries are numbered from 0; all of an entry's rows agree on these.
_COMPANY = "(SELECT id FROM bench_company WHERE n = CASE WHEN {e} %% 10 < 6 THEN 0 ELSE 1 + {e} %% 4 END)"
_USER = f"(SELECT id FROM bench_user WHERE n = {{e}} %% {USERS})"
_CATEGORY = f"CASE WHEN {{e}} %% 7 = 3 THEN 'CAT' || (({{e}} / 7) %% {CATEGORIES}) ELSE '' END"
_OBJECT = f"CASE WHEN {{e}} %% 2 = 0 THEN {{object_id}} ELSE 70000 + {{e}} %% {OBJECTS} END"
_ENTRY_ID = "md5('entry' || {e})::uuid"
_TASK_ID = "md5('task' || {e})::uuid"


def _minutes() -> str:
    """Minutes between the runs of recurring entry ``e``, as SQL."""
    cases, below = [], 0
    for minutes, percent in INTERVALS:
        below += percent
        cases.append(f"WHEN ({{e}} * 7919) %% 100 < {below} THEN {minutes}")
    return f"CASE {' '.join(cases)} END"


def _start() -> str:
    """When entry ``e`` is first due, as SQL: anywhere in its interval; every second one on a full minute."""
    seconds = f"(({{e}}::bigint * 104729) %% (60 * ({_minutes()})))"
    fixed = (
        f"date_trunc('minute', %(first)s::timestamptz) + (60 + ({seconds} / 60) * 60) * interval '1 second'"
    )
    spread = f"%(first)s::timestamptz + {seconds} * interval '1 second'"
    return f"CASE WHEN {{e}} %% 2 = 0 THEN {fixed} ELSE {spread} END"


def _entries(cursor: Any, template: _Template, size: Size) -> None:
    recurring = f"({{e}} %% 100 < {size.recurring_percent})"
    # Ready, but eight of a hundred on hold and two in error.
    status = "CASE WHEN {e} %% 100 >= 98 THEN 2 WHEN {e} %% 100 >= 90 THEN 3 ELSE 0 END"
    values = {
        "id": _ENTRY_ID,
        "company_id": _COMPANY,
        "user_id": _USER,
        "category_code": _CATEGORY,
        "description": "'Sample job ' || {e}",
        "status": status,
        "hold_kind": f"CASE WHEN ({status}) = 3 THEN 'manual' ELSE '' END",
        "error_message": f"CASE WHEN ({status}) = 2 THEN 'The bank did not answer.' ELSE '' END",
        "recurring": recurring,
        "minutes_between_runs": f"CASE WHEN {recurring} THEN {_minutes()} ELSE 0 END",
        "recurrence_anchor": "CASE WHEN {e} %% 2 = 0 THEN 'fixed' ELSE 'completion' END",
        "starting_time": "NULL::time",
        "earliest_start_at": _start(),
        "due_at": _start(),
        "system_task_id": f"CASE WHEN ({status}) = 0 THEN {_TASK_ID} END",
        "modified_at": "%(first)s::timestamptz - ({e} %% 10000) * interval '1 minute'",
        **{f"run_on_{day}s": recurring for day in _DAYS},
    }
    _multiply(
        cursor,
        template.entry,
        values,
        numbers=f"SELECT g AS e FROM generate_series(0, {size.entries - 1}) AS g",
        skip=("entry_no",),
        parameters={"first": template.first_due_at},
    )


_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _tasks(cursor: Any, template: _Template, size: Size) -> None:
    values = {
        "id": "x.system_task_id",
        "record": "x.id",
        "company_id": "x.company_id",
        "user_id": "x.user_id",
        "not_before": "x.earliest_start_at",
        "rank": "x.earliest_start_at",
    }
    _multiply(
        cursor,
        template.task,
        values,
        numbers="SELECT id, company_id, user_id, earliest_start_at, system_task_id FROM jobqueue_entry "
        "WHERE status = 0 AND description LIKE 'Sample job %%'",
        alias="x",
    )


def _ledger(cursor: Any, template: _Template, size: Size) -> None:
    """The last year. Odd rows are of busy entries, even ones of all others in turn; every due moment is another."""
    busy = max(1, size.entries // BUSY_SHARE)
    entry = f"CASE WHEN g %% 2 = 1 THEN (g / 2) %% {busy} ELSE ((g / 2) * 7919) %% {size.entries} END"
    step = timedelta(days=365) / size.log_rows
    due = "(%(since)s::timestamptz + {g} * %(step)s::interval)"
    # A hash, else every failure would be of the same entries.
    chance = "(hashint8({g}) & 65535)"
    failed = f"{chance} %% {ERROR_EVERY} = 7"
    status = f"CASE WHEN {failed} THEN 2 WHEN {chance} %% 500 = 1 THEN 4 WHEN {chance} %% 1000 = 3 THEN 5 ELSE 0 END"
    values = {
        "id": "md5('log' || {g})::uuid",
        "entry_id": _ENTRY_ID,
        "company_id": _COMPANY,
        "user_id": _USER,
        "category_code": _CATEGORY,
        "object_id": _OBJECT,
        "object_caption": "'Sample object'",
        "description": "'Sample job ' || {e}",
        "status": status,
        "due_at": due,
        "claimed_at": due,
        "started_at": f"{due} + interval '5 milliseconds'",
        "ended_at": f"{due} + interval '1 second' * (1 + {{g}} %% 60)",
        "modified_at": due,
        "error_message": f"CASE WHEN {failed} THEN 'The bank did not answer in 30 seconds.' ELSE '' END",
        "error_kind": f"CASE WHEN {failed} THEN 'exception' ELSE '' END",
        "system_task_id": "md5('past' || {g})::uuid",
        "claim_number": "1",
        "worker_id": "1 + {g} %% 8",
        "session_number": "{g} %% 500",
    }
    with _without_indexes(cursor, "jobqueue_logentry"):
        _multiply(
            cursor,
            template.log_entry,
            values,
            numbers=f"SELECT g, ({entry})::int AS e FROM generate_series(1::bigint, {size.log_rows}) AS g",
            skip=("entry_no",),
            parameters={
                "since": template.first_due_at - timedelta(days=366),
                "step": step,
                "object_id": template.entry.object_id,
            },
        )


def _messages(cursor: Any, template: _Template, size: Size) -> None:
    """A register with one message for every failed run."""
    failed = "FROM jobqueue_logentry WHERE status = 2 AND error_register_id IS NULL"
    cursor.execute(
        "INSERT INTO jobqueue_errormessageregister (id, company_id, user_id, created_at, message) "
        f"SELECT id, company_id, user_id, ended_at, error_message {failed}"
    )
    cursor.execute(
        "INSERT INTO jobqueue_errormessage (register_id, level, message, record, field_name, context_record, "
        "context_field_name, additional_information, support_url, created_at, call_stack, is_duplicate, is_context) "
        f"SELECT id, 2, error_message, '', '', '', '', '', '', ended_at, '', FALSE, FALSE {failed}"
    )
    cursor.execute(
        "UPDATE jobqueue_logentry SET error_register_id = id WHERE status = 2 AND error_register_id IS NULL"
    )


def _lines(cursor: Any, template: _Template, size: Size) -> None:
    cursor.execute(
        "INSERT INTO jobqueue_logline (log_entry_id, at, level, text) "
        "SELECT entry_no, due_at, 0, 'Posted 12 of 12 orders.' FROM jobqueue_logentry "
        f"WHERE entry_no %% {LINES_EVERY} = 0",
        {},
    )


def _session_events(cursor: Any, template: _Template, size: Size) -> None:
    """Worker processes that came and went, and some runs that were killed."""
    cursor.execute(
        "INSERT INTO jobqueue_sessionevent (at, kind, worker_id, session_number, company_id, host, pid, task_id,"
        " record, comment) SELECT due_at,"
        " CASE entry_no %% 3 WHEN 0 THEN 'logon' WHEN 1 THEN 'logoff' ELSE 'killed' END,"
        " worker_id, session_number, CASE WHEN entry_no %% 3 = 2 THEN company_id END, 'host', 4000 + entry_no %% 500,"
        " CASE WHEN entry_no %% 3 = 2 THEN system_task_id END, CASE WHEN entry_no %% 3 = 2 THEN entry_id END, ''"
        f" FROM jobqueue_logentry WHERE entry_no %% {SESSION_EVENTS_PER_LOG_ROW} = 0",
        {},
    )


def _multiply(
    cursor: Any,
    template: Any,
    values: Mapping[str, str],
    *,
    numbers: str,
    alias: str = "x",
    skip: tuple[str, ...] = (),
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Stores a copy of the template for each row of ``numbers``, with ``values`` (SQL, ``{e}`` and ``{g}`` are that
    row's columns) in place of the template's."""
    meta = template._meta
    columns = [field.column for field in meta.concrete_fields if field.column not in skip]
    known = {field.column for field in meta.concrete_fields}
    unknown = values.keys() - known
    if unknown:
        raise RuntimeError(f"{meta.label} has no columns {', '.join(sorted(unknown))} any more.")
    places = {"e": f"{alias}.e", "g": f"{alias}.g", "object_id": "%(object_id)s"}
    chosen = [values[name].format(**places) if name in values else f't."{name}"' for name in columns]
    names = ", ".join(f'"{name}"' for name in columns)
    cursor.execute(
        f"INSERT INTO {meta.db_table} ({names}) SELECT {', '.join(chosen)} FROM ({numbers}) AS {alias},"
        f' {meta.db_table} t WHERE t."{meta.pk.column}" = %(template)s',
        {**(parameters or {}), "template": template.pk},
    )


@contextmanager
def _without_indexes(cursor: Any, table: str) -> Iterator[None]:
    """Drops the table's indexes but the primary key for the block; makes them again as they were."""
    cursor.execute(
        "SELECT c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
        " WHERE c.conrelid = %s::regclass AND c.contype IN ('u', 'f')",
        [table],
    )
    constraints = cursor.fetchall()
    cursor.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " WHERE i.indrelid = %s::regclass AND NOT i.indisprimary"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _ in constraints:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("SET maintenance_work_mem = '512MB'")
    yield
    for name, definition in constraints:
        cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for _, definition in indexes:
        cursor.execute(definition)
