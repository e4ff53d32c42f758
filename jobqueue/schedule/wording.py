"""Schedules in plain words, short enough for a list column."""

from __future__ import annotations

from datetime import date, time
from itertools import groupby

from jobqueue.schedule.formulas import DateFormula
from jobqueue.schedule.windows import DailyWindow

_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUTES_PER_DAY = 1440


def recurrence_in_words(
    *,
    weekdays: frozenset[int],
    minutes: int,
    window: DailyWindow,
    formula: DateFormula | None,
    counts_from_completion: bool,
    anchor_date: date | None,
    time_zone: str,
) -> str:
    """Return one phrase for a schedule; it never fails, also not for fields that are refused elsewhere."""
    if formula is None and not weekdays:
        return f"Runs once ({time_zone})"
    days = (
        f"By date formula {formula} ({formula.explain()})" if formula is not None else days_in_words(weekdays)
    )
    if counts_from_completion:
        rhythm = _after_completion(
            minutes=0 if formula else minutes, window=window, by_formula=formula is not None
        )
    else:
        rhythm = _at_fixed_times(minutes=minutes, window=window, anchor_date=anchor_date)
    return f"{days}{rhythm} ({time_zone})"


def days_in_words(weekdays: frozenset[int]) -> str:
    """Return "Every day", "Mon–Fri", "Sat and Sun" or "Mon, Wed and Fri"; "No day" for none."""
    days = sorted(weekdays & frozenset(range(1, 8)))
    if len(days) == 7:
        return "Every day"
    parts: list[str] = []
    # Consecutive days share the difference between value and position.
    for _, group in groupby(enumerate(days), key=lambda pair: pair[1] - pair[0]):
        names = [_DAY_NAMES[day - 1] for _, day in group]
        parts.extend([f"{names[0]}–{names[-1]}"] if len(names) > 2 else names)
    if len(parts) < 2:
        return parts[0] if parts else "No day"
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def time_in_words(at: time) -> str:
    """Return 08:00, or 08:00:30 if there are seconds."""
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")


def duration_in_words(minutes: int) -> str:
    """Return the largest unit that fits: "15 minutes", "2 hours", "3 days"."""
    for size, unit in ((_MINUTES_PER_DAY, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size and minutes % size == 0:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{minutes} minutes"


def _at_fixed_times(*, minutes: int, window: DailyWindow, anchor_date: date | None) -> str:
    opening = time_in_words(window.opens_at)
    if minutes in (0, _MINUTES_PER_DAY):
        return f" at {opening}"
    if minutes > _MINUTES_PER_DAY:
        since = f", counted from {anchor_date.isoformat()}" if anchor_date else ""
        return f" every {duration_in_words(minutes)} at {opening}{since}"
    if window.is_a_point:
        return f" at {opening}"
    return f" every {duration_in_words(minutes).removeprefix('1 ')}{_span(window)}"


def _after_completion(*, minutes: int, window: DailyWindow, by_formula: bool) -> str:
    if by_formula:
        return f" at {time_in_words(window.opens_at)}"
    if minutes == 0:
        return f" once a day{_span(window)}"
    return f", {duration_in_words(minutes)} after each run ends{_span(window, comma=True)}"


def _span(window: DailyWindow, *, comma: bool = False) -> str:
    start, end = window.starting_time, window.ending_time
    words = ""
    if start is not None:
        words += f" from {time_in_words(start)}"
    if end is not None:
        words += f" {'to' if start is not None else 'until'} {time_in_words(end)}"
    if window.crosses_midnight:
        words += " the next day"
    return f",{words}" if words and comma else words
