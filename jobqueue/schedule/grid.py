"""The fixed grid: due times that depend on the clock only, never on when a run started or ended.

Source: *Job queue packages reference, Occurrences*, and *Time zone and clock changes*. The grid of a day starts when
its window opens and steps in elapsed minutes until the window ends; the weekday is the one on which it opens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jobqueue.schedule.errors import DateOutOfRange, NeverRuns, PastResult
from jobqueue.schedule.recurrence import MINUTES_PER_DAY, Recurrence
from jobqueue.schedule.zones import add_days, as_utc, to_local

# A window opens at most one day late (a zone that left out a day) and lasts at most until the following day.
_DAYS_A_WINDOW_REACHES = 2
_ONE_SLOT = timedelta(days=1)
PAST_RESULT_TRIES = 366


@dataclass(frozen=True, slots=True)
class Slot:
    """One due time: the UTC moment, and the date on which its window starts."""

    at: datetime
    window_date: date


@dataclass(frozen=True, slots=True)
class GridWindow:
    """The due times of one window: ``count`` of them (at least 1), ``step`` apart, the first at ``opens``."""

    day: date
    opens: datetime
    step: timedelta
    count: int

    @property
    def last(self) -> datetime:
        """The last due time."""
        return self.opens + (self.count - 1) * self.step

    def first_after(self, moment: datetime) -> datetime | None:
        """Return the first due time later than *moment*, or None."""
        index = self._count_through(moment)
        return self.opens + index * self.step if index < self.count else None

    def last_through(self, moment: datetime) -> datetime | None:
        """Return the last due time not later than *moment*, or None."""
        index = self._count_through(moment)
        return self.opens + (index - 1) * self.step if index else None

    def count_between(self, after: datetime, through: datetime) -> int:
        """Return how many due times are later than *after* and not later than *through*."""
        return max(0, self._count_through(through) - self._count_through(after))

    def holds(self, moment: datetime) -> bool:
        """Tell whether *moment* is one of the due times."""
        return self.last_through(moment) == moment

    def _count_through(self, moment: datetime) -> int:
        if moment < self.opens:
            return 0
        return min(self.count, (moment - self.opens) // self.step + 1)


def grid_window(recurrence: Recurrence, *, day: date) -> GridWindow:
    """Return the due times of the window that starts on *day*, whether or not the schedule allows that day.

    At least the opening is due, also if a clock change has moved it behind the window's end.
    """
    window = recurrence.window
    opens, closes = window.bounds(day, zone=recurrence.zone)
    if not 0 < recurrence.minutes < MINUTES_PER_DAY or window.is_a_point:
        return GridWindow(day, opens, _ONE_SLOT, 1)
    step = timedelta(minutes=recurrence.minutes)
    if recurrence.ending_time is None:
        count = -((opens - closes) // step)
    else:
        count = (closes - opens) // step + 1
    return GridWindow(day, opens, step, max(1, count))


def slots(recurrence: Recurrence, *, after: datetime, is_due_time: bool = True) -> Iterator[Slot]:
    """Yield the due times later than *after*, ascending and each once, until the calendar ends.

    *is_due_time*: *after* is itself a due time of the schedule, so a date formula goes on from the window it belongs
    to; otherwise *after* is only the moment one looks from. Raises *NotRecurring* or *NoWeekday*, and *PastResult*
    where a date formula leads no further.
    """
    last = as_utc(after)
    for window in grid_windows(recurrence, after=last, is_due_time=is_due_time):
        # Windows overlap only where a clock change pushed one into the next; the earlier one goes first.
        while (at := window.first_after(last)) is not None:
            yield Slot(at, window.day)
            last = at


def first_slot(
    recurrence: Recurrence, *, after: datetime, beyond: datetime | None = None, is_due_time: bool = True
) -> Slot:
    """Return the first due time later than *after* and than *beyond*.

    A date formula is followed from *after* step by step, weekdays are looked up directly. Raises *NeverRuns* if the
    calendar ends first.
    """
    limit = as_utc(after) if beyond is None else max(as_utc(after), as_utc(beyond))
    start = as_utc(after) if recurrence.formula is not None else limit
    for window in grid_windows(recurrence, after=start, is_due_time=is_due_time):
        at = window.first_after(limit)
        if at is not None:
            return Slot(at, window.day)
    raise never_runs()


def first_formula_slot_from(recurrence: Recurrence, *, start: datetime) -> Slot:
    """Return the first due time at or after *start* on a date the formula can lead to from any day.

    With the formula CM and *start* on 15 Dec that is 31 Dec; with 2W it is the first opening from *start* on, because
    every day is two weeks after another one. Raises *PastResult* if there is none within about a year.
    """
    formula = recurrence.formula
    if formula is None:
        raise ValueError("first_formula_slot_from needs a recurrence with a date formula")
    start = as_utc(start)
    just_before = start - timedelta(microseconds=1)
    day = add_days(to_local(start, zone=recurrence.zone).date(), -_DAYS_A_WINDOW_REACHES)
    while (result := formula.first_result_from(day)) is not None:
        at = grid_window(recurrence, day=result).first_after(just_before)
        if at is not None:
            return Slot(at, result)
        day = add_days(result, 1)
    raise past_result(recurrence)


def grid_windows(
    recurrence: Recurrence, *, after: datetime, is_due_time: bool = True
) -> Iterator[GridWindow]:
    """Yield the windows that may hold due times later than *after*, by ascending start date (see ``slots``)."""
    recurrence.require_recurring()
    if recurrence.formula is not None:
        return _formula_windows(recurrence, after=as_utc(after), is_due_time=is_due_time)
    return _weekday_windows(recurrence, after=as_utc(after))


def _weekday_windows(recurrence: Recurrence, *, after: datetime) -> Iterator[GridWindow]:
    day = to_local(after, zone=recurrence.zone).date()
    recurrence = recurrence.anchored(day)
    ordinal = max(date.min.toordinal(), day.toordinal() - _DAYS_A_WINDOW_REACHES)
    step = recurrence.days_between if recurrence.needs_anchor_date else 1
    if recurrence.needs_anchor_date and recurrence.anchor_date is not None:
        anchor = recurrence.anchor_date.toordinal()
        ordinal = anchor + max(0, -((anchor - ordinal) // step)) * step
    while ordinal <= date.max.toordinal():
        day = date.fromordinal(ordinal)
        if recurrence.allows(day):
            try:
                yield grid_window(recurrence, day=day)
            except DateOutOfRange:  # only on the first and the last day of the calendar
                pass
        ordinal += step


def _formula_windows(recurrence: Recurrence, *, after: datetime, is_due_time: bool) -> Iterator[GridWindow]:
    day = to_local(after, zone=recurrence.zone).date()
    moment = after
    current = _window_holding(recurrence, due=after, day=day) if is_due_time else None
    if current is not None:
        yield current
        day, moment = current.day, max(after, current.last)
    while True:
        try:
            window = _next_formula_window(recurrence, day=day, moment=moment)
        except DateOutOfRange:
            return
        yield window
        day, moment = window.day, window.last


def _window_holding(recurrence: Recurrence, *, due: datetime, day: date) -> GridWindow | None:
    """Return the window *due* belongs to, if the formula can lead to its date at all."""
    assert recurrence.formula is not None
    for back in range(_DAYS_A_WINDOW_REACHES + 1):
        window = grid_window(recurrence, day=add_days(day, -back))
        if window.holds(due) and recurrence.formula.first_result_from(window.day) == window.day:
            return window
    return None


def _next_formula_window(recurrence: Recurrence, *, day: date, moment: datetime) -> GridWindow:
    """Apply the formula to *day*, and to the days after it while the result is not later than *moment*."""
    assert recurrence.formula is not None
    for extra in range(PAST_RESULT_TRIES + 1):
        window = grid_window(recurrence, day=recurrence.formula.apply(add_days(day, extra)))
        if window.last > moment:
            return window
    raise past_result(recurrence)


def past_result(recurrence: Recurrence) -> PastResult:
    """Return the error for a date formula that leads to no later moment."""
    return PastResult(
        f"The date formula {recurrence.formula} leads to no later moment, although it was tried from each day of a "
        "whole year. Enter one that moves forward, such as 1D, WD1 or CM+1D."
    )


def never_runs() -> NeverRuns:
    """Return the error for a schedule without a further due time."""
    return NeverRuns("The schedule has no further due time. Change its days, its interval or its dates.")
