"""Clocks and time zones: every due time depends on them."""

import zoneinfo
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

from jobqueue.doctor.registry import Result, check, failure, ok, warning
from jobqueue.models import Company, Entry
from jobqueue.scheduler.clock import database_now

NOTICEABLE = timedelta(seconds=2)
# A summer and a winter moment: wrong or missing data shows in one of them.
KNOWN = ((datetime(2026, 1, 15, 12, tzinfo=UTC), 13), (datetime(2026, 7, 15, 12, tzinfo=UTC), 14))


@check("Clock", rank=50)
def clock() -> Iterable[Result]:
    if connection.vendor != "postgresql":
        yield ok("The database's clock is this host's.")
        return
    before = timezone.now()
    there = database_now()
    after = timezone.now()
    difference = max(timedelta(0), before - there, there - after)
    if difference > NOTICEABLE:
        yield warning(
            f"This host's clock differs from the database's by {difference.total_seconds():.1f} s. Due times follow "
            "the database's; log lines and jobs that look at the clock follow the host's.",
            fix="Synchronise both clocks (NTP).",
        )
    else:
        yield ok("This host's clock agrees with the database's.")


@check("Time zones", needs_database=False, rank=51)
def time_zone_data() -> Iterable[Result]:
    try:
        zone = ZoneInfo("Europe/Brussels")
    except zoneinfo.ZoneInfoNotFoundError:
        yield failure(
            "There is no time-zone data on this host.", fix="Install the tzdata package (pip install tzdata)."
        )
        return
    if any(moment.astimezone(zone).hour != hour for moment, hour in KNOWN):
        yield failure(
            "The time-zone data is wrong: Europe/Brussels is not an hour or two ahead of UTC.",
            fix="Install the tzdata package anew, and the operating system's.",
        )
        return
    yield ok(f"Time-zone data is present ({_source()}).")


@check("Time zones in use", rank=52)
def zones_in_use() -> Iterable[Result]:
    used = set(Entry.objects.order_by().values_list("time_zone", flat=True).distinct())
    used |= set(Company.objects.order_by().values_list("time_zone", flat=True).distinct())
    unknown = sorted(name for name in used if name and not _is_known(name))
    if unknown:
        yield failure(
            f"Entries or companies use time zones this host does not know: {', '.join(unknown[:5])}.",
            fix="Update the tzdata package, or choose another zone for them.",
        )
    else:
        yield ok("Every time zone in use is known.")


def _is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _source() -> str:
    for folder in zoneinfo.TZPATH:
        marker = Path(folder) / "tzdata.zi"
        if marker.is_file():
            first = marker.open(encoding="utf-8").readline().strip()
            return f"the system's, {first.removeprefix('# ')}"
    try:
        return f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        return "the system's"
