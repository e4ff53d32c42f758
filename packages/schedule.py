"""The due times of a package: several recurrences on one fixed grid. Pure: no database, no clock.

Source: *Packages reference, Occurrences*, *Time zone and clock changes* and *Missed runs*; decisions on time. Due times
depend on the clock and on ``anchor``, the moment the package was set Active: a date formula is first counted from that
day and then from each due date to the next, never from the end of a run.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby

from jobqueue.schedule import (
    Anchor,
    DateFormula,
    InvalidField,
    Recurrence,
    ScheduleError,
    load_zone,
    to_local,
)
from jobqueue.schedule.grid import GridWindow, grid_windows
from jobqueue.schedule.zones import MIDNIGHT, as_utc, to_utc

MINUTES_PER_DAY = 1440
NOW_INCLUDED = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One enabled recurrence: the grid and the first and last day (both included) on which a window may start."""

    recurrence: Recurrence
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def is_grid(self) -> bool:
        """Whether its windows hold a grid, which is never started after the window has ended."""
        return 0 < self.recurrence.minutes < MINUTES_PER_DAY

    def in_words(self) -> str:
        """“Mon–Fri at 22:00 (Europe/Amsterdam), until 31 Dec 2026”."""
        words = self.recurrence.explain()
        if self.valid_from:
            words += f", from {_day_in_words(self.valid_from)}"
        if self.valid_to:
            words += f", until {_day_in_words(self.valid_to)}"
        return words


@dataclass(frozen=True, slots=True)
class DueTime:
    """One occurrence. ``closes``: after this moment it must not be started any more; None means it may be, always."""

    at: datetime
    rule: Rule
    window_date: date
    closes: datetime | None = None

    def may_start(self, now: datetime) -> bool:
        return self.closes is None or now <= self.closes


@dataclass(frozen=True, slots=True)
class Passed:
    """Due times that came and were not served, as the log keeps them: one row."""

    count: int
    first_due: datetime
    last_due: datetime


def rule_of(
    *,
    weekdays: frozenset[int],
    minutes: int,
    starting_time: time | None,
    ending_time: time | None,
    formula: str,
    time_zone: str,
    valid_from: date | None,
    valid_to: date | None,
) -> Rule:
    """A stored recurrence as a rule; raises ``ScheduleError`` for a formula that cannot be read."""
    recurrence = Recurrence(
        weekdays=weekdays,
        minutes=minutes,
        starting_time=starting_time or MIDNIGHT,
        ending_time=ending_time if minutes else None,
        formula=DateFormula.parse(formula) if formula else None,
        time_zone=time_zone,
        anchor=Anchor.FIXED,
    )
    return Rule(recurrence, valid_from, valid_to)


def problems_of_rule(rule: Rule, *, ending_time: time | None) -> list[ScheduleError]:
    """Everything wrong with a recurrence, each with its sentence; an empty list means it may be stored."""
    found: list[ScheduleError] = []
    recurrence = rule.recurrence
    if not recurrence.is_recurring:
        found.append(
            InvalidField(
                "The recurrence has neither a weekday nor a date formula. Tick its days, or enter a formula.",
                code="no_weekday",
            )
        )
    if ending_time is not None and not recurrence.minutes:
        found.append(
            InvalidField(
                "Ending Time is only for a grid. Enter No. of Minutes between Runs, or clear it.",
                code="ending_without_minutes",
            )
        )
    if ending_time is not None and ending_time == recurrence.starting_time:
        found.append(
            InvalidField(
                "Ending Time equals Starting Time. Enter a later one, or clear it to run until the end of the day.",
                code="ending_equals_starting",
            )
        )
    if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
        found.append(
            InvalidField(
                "Valid To lies before Valid From, so the recurrence would never run. Correct one of them.",
                code="never_valid",
            )
        )
    found += [
        problem for problem in recurrence.validate() if problem.code not in ("no_weekday", "not_recurring")
    ]
    return found


def due_times(rules: Sequence[Rule], *, after: datetime, anchor: datetime) -> Iterator[DueTime]:
    """Yields the due times later than ``after``, ascending; several recurrences on one moment give it once.

    Ends when no occurrence is left. ``anchor`` is the moment of activation; it only matters to date formulas and to
    grids of several days.
    """
    streams = [_of_rule(rule, after=as_utc(after), anchor=as_utc(anchor)) for rule in rules]
    merged = heapq.merge(*streams, key=lambda due: due.at)
    for _, same in groupby(merged, key=lambda due: due.at):
        yield _most_lenient(same)


def next_due(rules: Sequence[Rule], *, after: datetime, anchor: datetime) -> DueTime | None:
    """The first due time later than ``after``; None if none is left."""
    return next(due_times(rules, after=after, anchor=anchor), None)


def passed_between(
    rules: Sequence[Rule], *, first: datetime, until: datetime, anchor: datetime
) -> list[DueTime]:
    """The due times from ``first`` (included) to ``until`` (included)."""
    found = []
    for due in due_times(rules, after=first - NOW_INCLUDED, anchor=anchor):
        if due.at > until:
            break
        found.append(due)
    return found


def summed_up(due: Sequence[DueTime]) -> Passed | None:
    """Count, first and last of due times in ascending order; None for none."""
    return Passed(len(due), due[0].at, due[-1].at) if due else None


def _of_rule(rule: Rule, *, after: datetime, anchor: datetime) -> Iterator[DueTime]:
    zone = load_zone(rule.recurrence.time_zone)
    recurrence = rule.recurrence.anchored(to_local(anchor, zone=zone).date())
    start = anchor if recurrence.formula is not None else after
    if rule.valid_from is not None and recurrence.formula is None:
        start = max(start, to_utc(rule.valid_from, MIDNIGHT, zone=zone) - NOW_INCLUDED)
    last = after
    try:
        for window in grid_windows(recurrence, after=start, is_due_time=False):
            if rule.valid_to is not None and window.day > rule.valid_to:
                return
            if rule.valid_from is not None and window.day < rule.valid_from:
                continue
            closes = _closes(rule, window)
            while (at := window.first_after(last)) is not None:
                yield DueTime(at, rule, window.day, closes)
                last = at
    except ScheduleError:
        return  # the formula, or the calendar, leads no further: no occurrence is left


def _closes(rule: Rule, window: GridWindow) -> datetime | None:
    if not rule.is_grid:
        return None
    zone = load_zone(rule.recurrence.time_zone)
    closes = rule.recurrence.window.bounds(window.day, zone=zone)[1]
    if rule.recurrence.ending_time is None:
        closes -= NOW_INCLUDED
    return max(closes, window.last)


def _most_lenient(same: Iterable[DueTime]) -> DueTime:
    """Of due times on one moment the one that may be started longest."""
    found = list(same)
    return next((due for due in found if due.closes is None), None) or max(
        found, key=lambda due: due.closes or due.at
    )


def _day_in_words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
