"""Moments and durations as a recipient reads them: in the active language and time zone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def moment(value: Any, *, zone_name: str = "") -> str:
    """``Sat 21 Nov 2026 22:00 (Europe/Amsterdam)``; the reader's zone, and the given one too where it differs.

    ``value`` is aware, an ISO text, or empty, which reads as a dash.
    """
    at = as_moment(value)
    if at is None:
        return "–"
    own = timezone.get_current_timezone_name()
    shown = f"{_local(at, timezone.get_current_timezone())} ({own})"
    if not zone_name or zone_name == own:
        return shown
    zone = ZoneInfo(zone_name)
    if at.astimezone(zone).utcoffset() == timezone.localtime(at).utcoffset():
        return f"{_local(at, zone)} ({zone_name})"
    return f"{shown} = {_local(at, zone)} ({zone_name})"


def time_of_day(value: Any) -> str:
    """``22:00:05``, or a dash; for tables whose day stands above them."""
    at = as_moment(value)
    return "–" if at is None else formatted(timezone.localtime(at), "H:i:s")


def as_moment(value: Any) -> datetime | None:
    """An aware moment from what a row of facts holds."""
    if not value:
        return None
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def duration(seconds: float | int | None) -> str:
    """``< 1 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``, ``1 d 2 h``; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return _("< 1 s")
    rest = round(seconds)
    parts = []
    for size, unit in ((86_400, _("d")), (3_600, _("h")), (60, _("min")), (1, _("s"))):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def between(start: Any, end: Any) -> str:
    """The time from one moment to another, or a dash while one is missing."""
    began, ended = as_moment(start), as_moment(end)
    return "–" if began is None or ended is None else duration((ended - began).total_seconds())


def minutes(count: int) -> str:
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def _local(at: datetime, zone: Any) -> str:
    return formatted(at.astimezone(zone), "D j M Y H:i")
