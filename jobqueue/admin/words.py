"""Moments, durations and sizes in the words of the screens."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WRITTEN_MOMENT = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\b")
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def relative(moment: datetime, *, now: datetime) -> str:
    """``in 3 h``, ``12 min ago``, ``now`` (less than a second away)."""
    seconds = (moment - now).total_seconds()
    size = abs(seconds)
    if size < 1:
        return "now"
    length, unit = next(pair for pair in UNITS if size >= pair[0])
    count = round(size / length)  # not cut: 2 h 59 min 40 s is "in 3 h"
    return f"in {count} {unit}" if seconds > 0 else f"{count} {unit} ago"


def absolute(moment: datetime, *, now: datetime, zone: ZoneInfo | None = None) -> str:
    """The shortest clear form, in the viewer's zone unless one is given: ``14:00``, ``Fri 06:00``, ``2 Mar 06:00``."""
    local, today = timezone.localtime(moment, zone), timezone.localtime(now, zone)
    clock = f"{local:%H:%M}"
    if local.date() == today.date():
        return clock
    if abs(local.date() - today.date()) < timedelta(days=7):
        return f"{local:%a} {clock}"
    day = f"{local.day} {local:%b}"
    return f"{day} {clock}" if local.year == today.year else f"{day} {local.year} {clock}"


def moment(value: datetime | None, *, now: datetime, zone_name: str = "", empty: str = "–") -> SafeString:
    """A ``<time>`` element: relative and absolute in the viewer's zone, the row's zone in brackets when it differs.

    The exact ISO moment is the tooltip; ``jobqueue.js`` keeps the relative part fresh.
    """
    if value is None:
        return format_html('<span class="jw-none">{}</span>', empty)
    own = ""
    if zone_name and zone_name != timezone.get_current_timezone_name():
        in_own_zone = absolute(value, now=now, zone=ZoneInfo(zone_name))
        if in_own_zone != absolute(value, now=now):
            own = format_html(' <span class="jw-zone">({} {})</span>', in_own_zone, zone_name)
    return format_html(
        '<time class="jw-time" datetime="{}" title="{}"><span class="jw-relative">{}</span>'
        '<span class="jw-absolute">{}</span>{}</time>',
        value.isoformat(),
        f"{timezone.localtime(value).isoformat(timespec='seconds')} {timezone.get_current_timezone_name()}",
        relative(value, now=now),
        absolute(value, now=now),
        own,
    )


def with_moments(text: str, *, now: datetime) -> SafeString:
    """The text, with the moments other doors write in UTC as the viewer reads them."""
    parts = WRITTEN_MOMENT.split(text)
    shown = [_read_again(part, now=now) for part in parts[1::2]]
    return format_html_join("", "{}{}", zip(parts[::2], [*shown, ""], strict=True))


def _read_again(written: str, *, now: datetime) -> str:
    """Messages of jobs are quoted in such texts, and may hold what only looks like a moment."""
    try:
        return moment(datetime.fromisoformat(written).replace(tzinfo=UTC), now=now)
    except (ValueError, OverflowError):
        return f"{written} UTC"


def duration(milliseconds: int | None) -> str:
    """``< 0.1 s``, ``0.4 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if milliseconds is None:
        return "–"
    if milliseconds < 100:
        return "< 0.1 s"
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    return seconds_in_words(round(seconds))


def seconds_in_words(seconds: int) -> str:
    """The two largest units: ``45 s``, ``3 min``, ``12 h``, ``1 d 2 h``."""
    parts = []
    for unit_seconds, unit in UNITS:
        count, seconds = divmod(seconds, unit_seconds)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def size(count: int) -> str:
    """``412 bytes``, ``3.2 KB``, ``1.4 MB``."""
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:.1f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 entry``, ``3 entries``; the plural is ``one`` + s unless given."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
