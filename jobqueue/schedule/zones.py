"""Wall clocks and moments: IANA zones, and what happens when a clock is put forward or back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from jobqueue.schedule.errors import DateOutOfRange, NaiveMoment, UnknownTimeZone

MIDNIGHT = time(0)

# Present in many zone directories, but they describe the machine or count leap seconds.
_MACHINE_NAMES = frozenset({"localtime", "posixrules", "Factory"})
_OTHER_COLLECTIONS = ("posix/", "right/")


class WallClock(StrEnum):
    """How often a wall-clock time exists on a day."""

    ONCE = "once"
    SKIPPED = "skipped"
    TWICE = "twice"


def load_zone(name: str) -> ZoneInfo:
    """Return the IANA time zone called *name*, for example ``Europe/Copenhagen``.

    Raises *UnknownTimeZone* for anything else, also for names that depend on the machine.
    """
    if not isinstance(name, str) or not name or name in _MACHINE_NAMES or name.startswith(_OTHER_COLLECTIONS):
        raise _unknown(name)
    return _load(name)


@lru_cache(maxsize=1024)
def _load(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise _unknown(name) from error


def _unknown(name: object) -> UnknownTimeZone:
    return UnknownTimeZone(
        f"There is no time zone called {ascii(name)[:60]}. Use an IANA name such as Europe/Copenhagen or UTC."
    )


def as_utc(moment: datetime) -> datetime:
    """Return *moment* in UTC; refuse one without an offset (*NaiveMoment*), which could mean anything."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NaiveMoment(f"The moment {moment.isoformat()} has no UTC offset. Give it a time zone first.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise _outside_the_calendar() from error


def to_local(moment: datetime, *, zone: ZoneInfo) -> datetime:
    """Return *moment* on the wall clock of *zone*. Raises *DateOutOfRange* at the ends of the calendar."""
    try:
        return moment.astimezone(zone)
    except OverflowError as error:
        raise _outside_the_calendar() from error


def to_utc(day: date, at: time, *, zone: ZoneInfo) -> datetime:
    """Return the moment at which the clock of *zone* shows *at* on *day*, in UTC.

    A time the clock jumps over moves forward by the length of the jump, one it shows twice means the first
    passing (*Job queue reference, Time zones and daylight saving*). Europe/Copenhagen: 02:30 on 29 Mar 2026 is
    01:30 UTC (03:30 on the clock); 02:30 on 25 Oct 2026 is 00:30 UTC. A day the zone left out altogether counts
    as a jump of 24 hours.
    """
    # An offset read with fold 0 is the one in force before a change: exactly both rules.
    try:
        return datetime.combine(day, at.replace(fold=0), tzinfo=zone).astimezone(UTC)
    except OverflowError as error:
        raise _outside_the_calendar() from error


def wall_clock(day: date, at: time, *, zone: ZoneInfo) -> WallClock:
    """Say whether the clock of *zone* shows *at* on *day* once, not at all or twice."""
    local = datetime.combine(day, at, tzinfo=zone)
    before, after = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    if before is None or after is None or before == after:
        return WallClock.ONCE
    return WallClock.SKIPPED if before < after else WallClock.TWICE


def add_days(day: date, days: int) -> date:
    """Return the date *days* after *day*. Raises *DateOutOfRange* outside the years 1 to 9999."""
    try:
        return day + timedelta(days=days)
    except OverflowError as error:
        raise _outside_the_calendar() from error


def add_minutes(moment: datetime, minutes: int) -> datetime:
    """Return the moment *minutes* of elapsed time after *moment*, in UTC. Raises *DateOutOfRange*."""
    try:
        return as_utc(moment) + timedelta(minutes=minutes)
    except OverflowError as error:
        raise _outside_the_calendar() from error


def _outside_the_calendar() -> DateOutOfRange:
    return DateOutOfRange(
        "The result lies outside the years 1 to 9999. Choose a nearer date or a shorter interval."
    )
