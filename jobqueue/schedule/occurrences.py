"""The coming and the missed due times: for previews, calendars and the ledger's gap rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from jobqueue.schedule.errors import ScheduleError
from jobqueue.schedule.grid import grid_windows, slots
from jobqueue.schedule.next_run import initial_run, next_after_completion
from jobqueue.schedule.recurrence import Anchor, Recurrence
from jobqueue.schedule.wording import time_in_words
from jobqueue.schedule.zones import WallClock, add_days, as_utc, to_local, to_utc, wall_clock

DEFAULT_PREVIEW = 20


@dataclass(frozen=True, slots=True)
class Gap:
    """Due times nobody served, written to the ledger as one row; both moments are UTC."""

    count: int
    first_due: datetime
    last_due: datetime


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One coming run: the UTC moment, the same on the job's wall clock, and remarks on clock changes."""

    at: datetime
    local: datetime
    notes: tuple[str, ...] = ()


def occurrences(
    recurrence: Recurrence, *, after: datetime, limit: int | None = None, until: datetime | None = None
) -> Iterator[datetime]:
    """Yield the UTC due times of the fixed grid later than *after*, at most *limit*, none later than *until*.

    *after* counts as a due time itself: a date formula steps on from it. Without *limit* and *until* the iterator goes
    on to the end of the calendar. Raises *NotRecurring*, *NoWeekday* or *PastResult*.
    """
    moments = (slot.at for slot in slots(_on_grid(recurrence, after=after), after=after))
    if until is not None:
        end = as_utc(until)
        moments = (at for at in takewhile(lambda at: at <= end, moments))
    return islice(moments, limit)


def gap_between(recurrence: Recurrence, *, last_due: datetime, now: datetime) -> Gap | None:
    """Return the due times of the fixed grid later than *last_due* and not later than *now*; None if there are none.

    Counts whole windows, so a year of one-minute due times costs about as much as a year of daily ones. ``next_fixed``
    with the same moments returns the due time that follows the gap.
    """
    now, reached = as_utc(now), as_utc(last_due)
    first: datetime | None = None
    count = 0
    for window in grid_windows(_on_grid(recurrence, after=last_due), after=last_due):
        if window.opens > now:
            break
        missed = window.count_between(reached, now)
        if missed:
            first = first or window.first_after(reached)
            reached = window.last_through(now) or reached
            count += missed
    return None if first is None else Gap(count=count, first_due=first, last_due=reached)


def preview(
    recurrence: Recurrence,
    *,
    now: datetime,
    earliest_start: datetime | None = None,
    count: int = DEFAULT_PREVIEW,
) -> list[Occurrence]:
    """Return the next *count* runs if the job were set ready at *now*, fewer if the schedule ends.

    Counted from completion, runs are taken to last no time. A job that runs once has one. Raises *ScheduleError* if
    not even the first run can be computed.
    """
    result: list[Occurrence] = []
    previous: datetime | None = None
    for at in islice(_coming(recurrence, now=now, earliest_start=earliest_start), max(0, count)):
        local = to_local(at, zone=recurrence.zone)
        result.append(Occurrence(at, local, tuple(_notes(recurrence, at=at, previous=previous))))
        previous = at
    return result


def _on_grid(recurrence: Recurrence, *, after: datetime) -> Recurrence:
    return recurrence.anchored(to_local(as_utc(after), zone=recurrence.zone).date())


def _coming(recurrence: Recurrence, *, now: datetime, earliest_start: datetime | None) -> Iterator[datetime]:
    at = initial_run(recurrence, now=now, earliest_start=earliest_start)
    yield at
    if not recurrence.is_recurring:
        return
    if recurrence.anchor == Anchor.FIXED:
        yield from occurrences(recurrence, after=at)
        return
    while True:
        try:
            at = next_after_completion(recurrence, finished_at=at, earliest_start=at)
        except ScheduleError:
            return
        yield at


def _notes(recurrence: Recurrence, *, at: datetime, previous: datetime | None) -> Iterator[str]:
    zone = recurrence.zone
    local = to_local(at, zone=zone)
    yield from _moved_forward(recurrence, at=at, local=local)
    if wall_clock(local.date(), local.time(), zone=zone) is WallClock.TWICE:
        passing = "second" if local.fold else "first"
        yield f"clock goes back: {time_in_words(local.time())} comes twice, runs at the {passing} passing"
    if previous is not None:
        before = to_local(previous, zone=zone).utcoffset()
        if before != local.utcoffset():
            yield f"clock changed since the run before: now UTC{local.strftime('%z')[:3]}:{local.strftime('%z')[3:5]}"


def _moved_forward(recurrence: Recurrence, *, at: datetime, local: datetime) -> Iterator[str]:
    """Remark on an opening that a gap has moved to *at*; the day named may be one the zone left out."""
    opens_at = recurrence.window.opens_at
    for back in (0, 1):
        day = add_days(local.date(), -back)
        if wall_clock(day, opens_at, zone=recurrence.zone) is not WallClock.SKIPPED:
            continue
        if to_utc(day, opens_at, zone=recurrence.zone) == at:
            which = (
                time_in_words(opens_at) if back == 0 else f"{time_in_words(opens_at)} on {day.isoformat()}"
            )
            yield f"clock goes forward: {which} does not exist, runs at {time_in_words(local.time())}"
            return
