"""Short ways to write schedules and moments in the tests of the schedule arithmetic."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from jobqueue.schedule import Anchor, DateFormula, Recurrence

MON_FRI = frozenset({1, 2, 3, 4, 5})
ALL_DAYS = frozenset(range(1, 8))
MON = frozenset({1})
SUN = frozenset({7})
NO_DAY: frozenset[int] = frozenset()

# Different sorts of clock changes: an hour, half an hour, two hours, at midnight, below zero, a day left out, none.
ZONES = [
    "UTC",
    "Europe/Copenhagen",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
]


def clock(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def span(text: str) -> dict[str, time | None]:
    """``"08:00-17:00"``, ``"08:00-"``, ``"-06:00"`` or ``"-"`` as starting and ending time."""
    start, _, end = text.partition("-")
    return {"starting_time": clock(start), "ending_time": clock(end)}


def moment(text: str, zone: str = "UTC") -> datetime:
    """A wall-clock text in *zone*, or one with its own offset, in UTC."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        value = value.replace(tzinfo=ZoneInfo(zone))
    return value.astimezone(UTC)


def schedule(
    days: frozenset[int] = NO_DAY, minutes: int = 0, window: str = "-", formula: str = "", **more: Any
) -> Recurrence:
    return Recurrence(
        weekdays=days,
        minutes=minutes,
        formula=DateFormula.parse(formula) if formula else None,
        **span(window),
        **more,
    )


def fixed(days: frozenset[int] = NO_DAY, minutes: int = 0, window: str = "-", **more: Any) -> Recurrence:
    return schedule(days, minutes, window, anchor=Anchor.FIXED, **more)
