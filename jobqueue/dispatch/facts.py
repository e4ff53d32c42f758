"""Reading what the gates look at, in one cheap statement: task, entry, running user and a run in process.

The dispatcher reads by claim; nothing here writes or locks. The ORM is left out on purpose: this is read once for
every run.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model

from jobqueue import permissions
from jobqueue.errors import InvalidParameters
from jobqueue.gates import Busy, Facts
from jobqueue.models import CompanyMember, Entry, LogEntry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.objects import JobObject, registry
from jobqueue.schedule import Recurrence
from jobqueue.scheduler import ClaimedTask
from jobqueue.scheduler.sql import NOW, SQLITE_NOW, TASK_TABLE, fetch, now_parameter, on_postgresql
from jobqueue.scheduler.values import db_uuid, decode_context, read_moment, read_uuid
from jobqueue.states import ObjectType
from jobqueue.validation import recurrence_of

ENTRY_TABLE = Entry._meta.db_table
LOG_TABLE = LogEntry._meta.db_table
MEMBER_TABLE = CompanyMember._meta.db_table


class EntryRow(NamedTuple):
    """The entry as read: the model's field names, values converted, without the model."""

    entry_no: int
    id: UUID
    company_id: UUID
    user_id: Any
    revision: int
    status: int
    object_type: int
    object_id: int
    description: str
    parameter_string: str
    parameters: dict[str, Any]
    record_to_process: str
    report_output_type: int
    user_language: str
    earliest_start_at: datetime | None
    expires_at: datetime | None
    due_at: datetime | None
    recurring: bool
    run_on_mondays: bool
    run_on_tuesdays: bool
    run_on_wednesdays: bool
    run_on_thursdays: bool
    run_on_fridays: bool
    run_on_saturdays: bool
    run_on_sundays: bool
    minutes_between_runs: int
    starting_time: time | None
    ending_time: time | None
    next_run_date_formula: str
    time_zone: str
    recurrence_anchor: str
    anchor_date: date | None
    missed_runs: str
    max_attempts: int
    attempts: int
    inactivity_timeout_minutes: int
    timeout_seconds: int
    category_code: str
    priority: int
    manual_recurrence: bool
    hold_kind: str
    hold_reason: str
    held_until: datetime | None
    error_message: str
    system_task_id: UUID | None
    owner_kind: str
    owner_reference: str
    notify_on_success: bool
    is_watched: bool

    @property
    def weekdays(self) -> frozenset[int]:
        """Weekdays the entry runs on, Monday = 1 … Sunday = 7."""
        first = _PLACE["run_on_mondays"]
        return frozenset(day for day in range(1, 8) if self[first + day - 1])


class Reading(NamedTuple):
    """A claimed task with its entry (None if that is gone) as they were at ``now``.

    ``user_id`` is who the run would run as, ``user_enters`` whether that user may work in the entry's company.
    ``context`` is the task's. ``running_since`` is the start of another run of the entry that is in process.
    """

    now: datetime
    not_before: datetime
    context: dict[str, Any]
    user_id: Any
    user_name: str
    user_active: bool
    user_superuser: bool
    user_enters: bool
    running_since: datetime | None
    entry: EntryRow | None

    @property
    def is_extra(self) -> bool:
        """Whether a person asked for this run beside the schedule (*Run Now*)."""
        return "extra" in self.context


_PLACE = {name: place for place, name in enumerate(EntryRow._fields)}
_HEAD = 9
_FLAGS = ("recurring", "manual_recurrence", "notify_on_success", "is_watched")
_TASK_ID, _CLAIM_NUMBER = _HEAD + len(EntryRow._fields), _HEAD + len(EntryRow._fields) + 1
_WEEKDAY_PLACES = tuple(_HEAD + _PLACE[name] for name in WEEKDAY_FIELDS)
# Django's SQLite connections read columns declared as time or date themselves; datetimes come as text.
_SQLITE_READERS: tuple[tuple[int, Callable[[Any], Any]], ...] = (
    *((place, read_moment) for place in (0, 1, 8)),
    *((_HEAD + _PLACE[name], read_uuid) for name in ("id", "company_id", "system_task_id")),
    *(
        (_HEAD + _PLACE[name], read_moment)
        for name in ("earliest_start_at", "expires_at", "due_at", "held_until")
    ),
    *((place, bool) for place in (5, 6, *_WEEKDAY_PLACES)),
    *((_HEAD + _PLACE[name], bool) for name in _FLAGS),
    *(
        (_HEAD + _PLACE[name], lambda found: time.fromisoformat(found) if isinstance(found, str) else found)
        for name in ("starting_time", "ending_time")
    ),
    (
        _HEAD + _PLACE["anchor_date"],
        lambda found: date.fromisoformat(found) if isinstance(found, str) else found,
    ),
)


def read(claim: ClaimedTask) -> Reading | None:
    """What the claimed, not yet started task is about; None when the claim is stale."""
    rows = fetch(
        _statement(postgresql=on_postgresql()), {"task_id": db_uuid(claim.id), "now": now_parameter()}
    )
    return _reading(rows[0]) if rows and rows[0][_CLAIM_NUMBER] == claim.claim_number else None


def read_many(claims: Sequence[ClaimedTask]) -> Iterator[tuple[ClaimedTask, Reading]]:
    """The same for several claims, in one statement; stale ones are left out."""
    ids = [db_uuid(claim.id) for claim in claims]
    rows = fetch(
        _statement(postgresql=on_postgresql(), many=True),
        {"task_ids": ids if on_postgresql() else json.dumps(ids), "now": now_parameter()},
    )
    found = {(read_uuid(row[_TASK_ID]), row[_CLAIM_NUMBER]): row for row in rows}
    for claim in claims:
        row = found.get((claim.id, claim.claim_number))
        if row is not None:
            yield claim, _reading(row)


def job_object(entry: EntryRow | Entry | LogEntry) -> JobObject | None:
    """The job object the entry names, if an installed app registers it."""
    return registry.find(entry.object_type, entry.object_id)


def user_may_run(reading: Reading, job: JobObject) -> bool:
    """Whether the run's user may run the object. Looks permissions up only where that decides."""
    if reading.user_id is None or job.permission is None or (reading.user_active and reading.user_superuser):
        return reading.user_active
    user = get_user_model()._default_manager.filter(pk=reading.user_id).first()
    return user is not None and permissions.may_run(user, job)


def facts_of(
    reading: Reading,
    *,
    task_id: UUID,
    job: JobObject | None,
    parameter_problem: str = "",
    user_permitted: bool = True,
    objection: str = "",
    category_slots: int | None = None,
    category_busy: tuple[Busy, ...] = (),
    recurrence: Recurrence | None = None,
) -> Facts:
    """The facts of a claimed task, as the dispatcher sees them."""
    entry = reading.entry
    if entry is None:
        return Facts(now=reading.now, exists=False)
    return Facts(
        now=reading.now,
        is_extra=reading.is_extra,
        is_current=reading.is_extra or entry.system_task_id == task_id,
        status=entry.status,
        error_message=entry.error_message,
        due_since=reading.not_before,
        expires_at=entry.expires_at,
        recurrence=recurrence,
        attempts=entry.attempts,
        max_attempts=entry.max_attempts,
        missed_runs=entry.missed_runs,
        hold_kind=entry.hold_kind,
        hold_reason=entry.hold_reason,
        held_until=entry.held_until,
        owner_kind=entry.owner_kind,
        owner_reference=entry.owner_reference,
        owner_line=str(reading.context.get("owner_run", "")),
        objection=objection,
        running=None if reading.running_since is None else Busy(entry.description, reading.running_since),
        category_code=entry.category_code,
        category_slots=category_slots,
        category_busy=category_busy,
        user_name=reading.user_name or "System",
        user_active=reading.user_active,
        user_enters=reading.user_enters,
        user_permitted=user_permitted,
        permission=(job.permission or "") if job is not None else "",
        object_name=object_name(entry, job),
        object_known=job is not None,
        parameter_problem=parameter_problem,
    )


def parse_parameters(entry: EntryRow | Entry, job: JobObject) -> tuple[Any, str]:
    """The typed parameters, or what is wrong with them."""
    try:
        return job.parse(entry.parameter_string, entry.parameters), ""
    except InvalidParameters as problem:
        return None, problem.message


def object_name(entry: EntryRow | Entry, job: JobObject | None) -> str:
    """How messages name what the entry runs, also if nobody registers it."""
    if job is not None:
        return job.name
    known = [kind.label for kind in ObjectType if kind == entry.object_type]
    return f"{known[0] if known else 'Object'} {entry.object_id}"


def recurrence_if_needed(entry: EntryRow) -> Recurrence | None:
    """The entry's recurrence; None for an entry that runs once, at any time of day."""
    if entry.recurring or entry.starting_time is not None or entry.ending_time is not None:
        return recurrence_of(entry)
    return None


def _reading(row: Sequence[Any]) -> Reading:
    values = list(row)
    if not on_postgresql():
        for place, reader in _SQLITE_READERS:
            if values[place] is not None:
                values[place] = reader(values[place])
    entry = None
    if values[_HEAD] is not None:
        place = _HEAD + _PLACE["parameters"]
        text = values[place]
        values[place] = {} if text == "{}" else json.loads(text) if isinstance(text, str) else text
        entry = EntryRow(*values[_HEAD:_TASK_ID])
    now, not_before, context, user_id, user_name, user_active, user_superuser, user_enters, running_since = (
        values[:_HEAD]
    )
    return Reading(
        now=now,
        not_before=not_before,
        context=decode_context(context) or {},
        user_id=user_id,
        user_name=user_name or "",
        user_active=user_id is None or bool(user_active),
        user_superuser=bool(user_superuser),
        user_enters=user_id is None or bool(user_superuser) or bool(user_enters),
        running_since=running_since,
        entry=entry,
    )


@cache
def _statement(*, postgresql: bool, many: bool = False) -> str:
    if many:
        one_of = "= ANY(%(task_ids)s)" if postgresql else "IN (SELECT value FROM json_each(%(task_ids)s))"
    else:
        one_of = "= %(task_id)s"
    user = get_user_model()
    options: Any = user._meta
    table, key, name = options.db_table, options.pk.column, options.get_field(user.USERNAME_FIELD).column
    runs_as = "CASE WHEN t.owner_context LIKE '%%\"extra\"%%' THEN t.user_id ELSE e.user_id END"
    columns = ", ".join(f"e.{column}" for column in EntryRow._fields)
    return f"""
SELECT {NOW if postgresql else SQLITE_NOW}, t.not_before, t.owner_context, {runs_as},
       u.{name}, u.is_active, u.is_superuser,
       (EXISTS (SELECT 1 FROM {MEMBER_TABLE} m WHERE m.user_id = u.{key} AND m.company_id = e.company_id)
        OR NOT EXISTS (SELECT 1 FROM {MEMBER_TABLE} m WHERE m.user_id = u.{key})),
       (SELECT min(l.started_at) FROM {LOG_TABLE} l
         WHERE l.entry_id = e.id AND l.status = 1
           AND EXISTS (SELECT 1 FROM {TASK_TABLE} r WHERE r.id = l.system_task_id AND r.id <> t.id)),
       {columns}, t.id, t.claim_number
  FROM {TASK_TABLE} t
  LEFT JOIN {ENTRY_TABLE} e ON e.id = t.record
  LEFT JOIN {table} u ON u.{key} = {runs_as}
 WHERE t.id {one_of} AND t.state = 1"""
