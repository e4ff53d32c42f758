"""One run in words: how long, how far, started by whom; and one change of an entry."""

from datetime import datetime
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from jobqueue.admin import badges, words
from jobqueue.models import EntryChange, LogEntry
from jobqueue.states import Level, LogStatus

SHOWN_CHANGES = 4
ORIGINS = {
    "schedule": "the schedule",
    "retry": "a retry",
    "admin": "a person",
    "command": "the command line",
    "api": "the API",
    "program": "a program",
    "system": "the system",
}
LEVEL_LOOKS = {
    Level.ERROR: ("error", "square"),
    Level.WARNING: ("waiting", "dash"),
    Level.INFORMATION: ("ready", "circle"),
}


def run_length(row: LogEntry, *, now: datetime) -> SafeString:
    """How long it ran, or has been running."""
    if row.status == LogStatus.IN_PROCESS and row.started_at is not None:
        seconds = max(0, int((now - row.started_at).total_seconds()))
        return format_html('<span class="jw-relative">{} so far</span>', words.seconds_in_words(seconds))
    if row.started_at is None or row.ended_at is None:
        return mark_safe('<span class="jw-none">–</span>')
    return format_html('<span class="jw-number">{}</span>', words.duration(row.duration_ms))


def progress_of(row: LogEntry) -> dict[str, Any] | None:
    """Done, total and percentage (0 to 100; None without a total); None if the job reported nothing."""
    if row.progress_done is None:
        return None
    percent = None
    if row.progress_total:
        percent = max(0, min(100, round(100 * row.progress_done / row.progress_total)))
    return {"done": row.progress_done, "total": row.progress_total, "percent": percent}


def origin_in_words(origin: str) -> str:
    return ORIGINS.get(origin, origin)


def level_badge(level: int) -> SafeString:
    look, drawing = LEVEL_LOOKS[Level(level)]
    return badges.badge(Level(level).label, look=look, drawing=drawing)


def action_in_words(action: str) -> str:
    """``set-on-hold`` → ``Set on hold``."""
    return action.replace("-", " ").replace("_", " ").capitalize()


def changes_in_words(change: EntryChange) -> SafeString:
    """``Status: Ready → On Hold``, one line per field; many lines are folded."""
    rows = [(name, *(value or "–" for value in pair[:2])) for name, pair in (change.changes or {}).items()]
    if not rows:
        return mark_safe('<span class="jw-none">–</span>')
    lines = format_html_join("", '<span class="jw-line"><b>{}</b>: {} → {}</span>', rows)
    if len(rows) <= SHOWN_CHANGES:
        return lines
    return format_html('<details class="jw-fold"><summary>{} fields</summary>{}</details>', len(rows), lines)
