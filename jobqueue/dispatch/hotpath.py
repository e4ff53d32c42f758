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

from jobqueue.conf import settings
from jobqueue.dispatch.facts import EntryRow, Reading
from jobqueue.dispatch.hotpath_sql import (
    DELETE_ENTRY,
    FINISH,
    FINISH_AND_START,
    FINISH_LOG,
    NEXT_ENTRY,
    SQLITE_INSERT_LOG,
    SQLITE_INSERT_NEXT,
    SQLITE_START,
    SQLITE_START_OTHER_TASK,
    START,
)
from jobqueue.scheduler import ClaimedTask
from jobqueue.scheduler.sql import (
    SQLITE_FINISH_TASK,
    SQLITE_START_TASK,
    fetch,
    now_parameter,
    on_postgresql,
)
from jobqueue.scheduler.sqlite import Statements, short_transaction
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


@dataclass(frozen=True, slots=True)
class Start:
    """A start about to be stored: what it will be, and the parameters of its statement."""

    log_entry_id: UUID
    due_at: datetime
    attempt: int
    origin: str
    revision: int
    is_extra: bool
    parameters: dict[str, Any]

    def stored(self, row: Any) -> Started:
        """The run, from number and start of its ledger row."""
        return Started(
            log_entry_no=row[0],
            log_entry_id=self.log_entry_id,
            started_at=read_moment(row[1]),
            due_at=self.due_at,
            attempt=self.attempt,
            origin=self.origin,
            revision=self.revision,
        )


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
    start = plan(claim, reading, caption=caption, due_at=due_at, attempt=attempt)
    row = (_start_postgresql if on_postgresql() else _start_sqlite)(start.parameters, start.is_extra)
    return None if row is None else start.stored(row)


def plan(
    claim: ClaimedTask,
    reading: Reading,
    *,
    caption: str,
    due_at: datetime | None = None,
    attempt: int | None = None,
) -> Start:
    """What :func:`start` stores."""
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
    return Start(log_id, due_at, attempt, origin, entry.revision + 1, extra, parameters)


def finish(
    claim: ClaimedTask, started: Started, entry: EntryRow, *, ended_at: datetime, following: Next | None
) -> bool:
    """Ends a successful run: the task goes, the ledger row becomes its final Success, and the entry is deleted or, with
    ``following``, Ready for its next run with a task of its own.

    False if the claim is stale or the entry is no longer as the run's start left it. Nothing has changed then.
    """
    parameters = _finish_parameters(claim, started, entry, ended_at=ended_at, following=following)
    repeat = following is not None
    return _finish_postgresql(parameters, repeat) if on_postgresql() else _finish_sqlite(parameters, repeat)


def finish_and_start(
    claim: ClaimedTask,
    started: Started,
    entry: EntryRow,
    *,
    ended_at: datetime,
    following: Next | None,
    start: Start,
) -> tuple[bool, Started | None]:
    """Ends a run as :func:`finish` does and starts that of another entry, in one commit.

    There is no start without the end, but an end without the start: where anybody holds or has changed the other task
    or entry, or its user is no longer active. It never waits for them, as it holds what it ends. Raises
    ``IntegrityError`` as :func:`start` does; nothing has changed then.
    """
    parameters = _finish_parameters(claim, started, entry, ended_at=ended_at, following=following)
    repeat = following is not None
    if on_postgresql():
        parameters |= {f"other_{name}": value for name, value in start.parameters.items()}
        finished, *row = fetch(FINISH_AND_START[repeat], parameters)[0]
        return finished == 1, None if row[0] is None else start.stored(row)
    finished, row = _finish_and_start_sqlite(parameters, repeat, start.parameters)
    return finished, None if row is None else start.stored(row)


def _finish_parameters(
    claim: ClaimedTask, started: Started, entry: EntryRow, *, ended_at: datetime, following: Next | None
) -> dict[str, Any]:
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
    return parameters


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


def _start_postgresql(parameters: dict[str, Any], extra: bool) -> Any:
    rows = fetch(START[extra], parameters)
    return rows[0] if rows else None


def _finish_postgresql(parameters: dict[str, Any], repeat: bool) -> bool:
    return fetch(FINISH[repeat], parameters)[0][0] == 1


def _start_sqlite(parameters: dict[str, Any], extra: bool) -> Any:
    try:
        with short_transaction() as statements:
            return _start_steps(statements, parameters, extra)
    except _Fenced:
        return None


def _finish_sqlite(parameters: dict[str, Any], repeat: bool) -> bool:
    try:
        with short_transaction() as statements:
            _finish_steps(statements, parameters, repeat)
            return True
    except _Fenced:
        return False


def _finish_and_start_sqlite(
    parameters: dict[str, Any], repeat: bool, start_parameters: dict[str, Any]
) -> tuple[bool, Any]:
    try:
        with short_transaction() as statements:
            _finish_steps(statements, parameters, repeat)
            if not statements.change(SQLITE_START_OTHER_TASK, start_parameters):
                return True, None
            return True, _start_entry(statements, start_parameters, extra=False)
    except _Fenced:
        return False, None


def _start_steps(statements: Statements, parameters: dict[str, Any], extra: bool) -> Any:
    _require(statements.change(SQLITE_START_TASK, parameters))
    return _start_entry(statements, parameters, extra)


def _start_entry(statements: Statements, parameters: dict[str, Any], extra: bool) -> Any:
    _require(statements.change(SQLITE_START[extra], parameters))
    return statements.fetch(SQLITE_INSERT_LOG, parameters)[0]


def _finish_steps(statements: Statements, parameters: dict[str, Any], repeat: bool) -> None:
    if repeat:
        statements.change(SQLITE_INSERT_NEXT, parameters)
    _require(statements.change(SQLITE_FINISH_TASK, parameters))
    _require(statements.change(NEXT_ENTRY if repeat else DELETE_ENTRY, parameters))
    _require(statements.change(FINISH_LOG, parameters))


def _require(found: object) -> None:
    """A step that found or changed nothing was fenced out, and takes the others back."""
    if not found:
        raise _Fenced
