"""The next planned runs of an entry, for its card, the command line and the API."""

from dataclasses import dataclass, replace
from datetime import datetime

from jobqueue.models import Entry
from jobqueue.schedule import Occurrence, load_zone, to_local
from jobqueue.schedule import preview as coming
from jobqueue.states import STARTABLE, Status
from jobqueue.validation import recurrence_of

DEFAULT_COUNT = 20

LATE = "due already; starts as soon as a worker is free"
RETRY = "retry {attempt} of {most} of the run due {due}"
AFTER_EXPIRATION = "not run: the entry expires before"
IF_RELEASED = "if the entry is set to Ready now"


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One planned run: the UTC moment, the same on the entry's clock, remarks, and whether it will really run."""

    at: datetime
    local: datetime
    notes: tuple[str, ...] = ()
    will_run: bool = True


def preview(entry: Entry, *, now: datetime, count: int = DEFAULT_COUNT) -> list[PlannedRun]:
    """At most ``count`` coming runs; one for an entry that runs once.

    An entry that is not scheduled (On Hold, Error, Finished) is shown as if it were set Ready at ``now`` (aware).
    Ends with the first run that the expiration prevents. Raises ``ScheduleError`` if no run can be computed.
    """
    scheduled = entry.status in STARTABLE and entry.earliest_start_at is not None
    planned = (
        _scheduled(entry, now=now, count=count) if scheduled else _if_released(entry, now=now, count=count)
    )
    return _until_expiration(entry, planned)[:count]


def _if_released(entry: Entry, *, now: datetime, count: int) -> list[PlannedRun]:
    found = coming(recurrence_of(entry), now=now, earliest_start=entry.earliest_start_at, count=count)
    planned = [_planned(occurrence) for occurrence in found]
    if planned:
        planned[0] = replace(planned[0], notes=(IF_RELEASED, *planned[0].notes))
    return planned


def _scheduled(entry: Entry, *, now: datetime, count: int) -> list[PlannedRun]:
    """The stored start comes first, whatever it was computed from; the schedule goes on after it."""
    start = entry.earliest_start_at
    assert start is not None
    first = PlannedRun(
        start, to_local(start, zone=load_zone(entry.time_zone)), _notes_of_start(entry, now=now)
    )
    recurrence = recurrence_of(entry)
    if not recurrence.is_recurring or count <= 1:
        return [first]
    last = max(start, now)
    later = coming(recurrence, now=last, count=count + 1)
    return [first, *(_planned(occurrence) for occurrence in later if occurrence.at > last)]


def _notes_of_start(entry: Entry, *, now: datetime) -> tuple[str, ...]:
    notes = []
    if entry.attempts > 0 and entry.due_at is not None:
        due = to_local(entry.due_at, zone=load_zone(entry.time_zone))
        notes.append(
            RETRY.format(attempt=entry.attempts, most=entry.max_attempts, due=f"{due:%Y-%m-%d %H:%M:%S}")
        )
    if entry.status == Status.WAITING:
        notes.append("waits for its turn in the category")
    elif entry.earliest_start_at is not None and entry.earliest_start_at <= now:
        notes.append("runs at present" if entry.status == Status.IN_PROCESS else LATE)
    return tuple(notes)


def _planned(occurrence: Occurrence) -> PlannedRun:
    return PlannedRun(occurrence.at, occurrence.local, occurrence.notes)


def _until_expiration(entry: Entry, planned: list[PlannedRun]) -> list[PlannedRun]:
    expires_at = entry.expires_at
    if expires_at is None:
        return planned
    for position, run in enumerate(planned):
        if run.at > expires_at:
            missed = replace(run, notes=(*run.notes, AFTER_EXPIRATION), will_run=False)
            return [*planned[:position], missed]
    return planned
