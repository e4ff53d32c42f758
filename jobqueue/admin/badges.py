"""Statuses as people see them: an icon, a word and a colour, never colour alone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from jobqueue.admin import words
from jobqueue.models import Entry, LogEntry
from jobqueue.states import LogStatus, Status

LATE_AFTER = timedelta(minutes=1)

# 16 × 16 drawings in the colour of the text around them.
DRAWINGS = {
    "circle": '<circle cx="8" cy="8" r="5.25"/>',
    "clock": '<circle cx="8" cy="8" r="5.75"/><path d="M8 4.75V8l2.25 1.5"/>',
    "ring": '<circle cx="8" cy="8" r="5.5" opacity=".3"/><path d="M8 2.5A5.5 5.5 0 0 1 13.5 8"/>',
    "hourglass": '<path d="M4.5 2.5h7M4.5 13.5h7M5.25 2.5v2L8 8l2.75-3.5v-2M5.25 13.5v-2L8 8l2.75 3.5v2"/>',
    "pause": '<path d="M5.75 3.5v9M10.25 3.5v9" stroke-width="2.25"/>',
    "moon": '<path d="M12.75 9.75A5.25 5.25 0 0 1 6.25 3.25a5.25 5.25 0 1 0 6.5 6.5z"/>',
    "square": '<rect x="3.25" y="3.25" width="9.5" height="9.5" rx="1.5" fill="currentColor"/>',
    "tick": '<path d="M3.25 8.5 6.5 11.75 12.75 4.5" stroke-width="2"/>',
    "cross": '<path d="M4.25 4.25l7.5 7.5M11.75 4.25l-7.5 7.5" stroke-width="2"/>',
    "dash": '<path d="M4 8h8" stroke-width="2"/>',
    "dashed": '<circle cx="8" cy="8" r="5.5" stroke-dasharray="2.4 2.2"/>',
    "link-off": (
        '<path d="M6.75 4.5 8 3.25a3 3 0 0 1 4.25 4.25L11 8.75M9.25 11.5 8 12.75A3 3 0 0 1 3.75 8.5L5 7.25M3 3l10 10"/>'
    ),
    "stop": '<circle cx="8" cy="8" r="5.5"/><path d="M5.75 8h4.5"/>',
}

ENTRY_LOOKS = {
    Status.READY: ("circle", "ready"),
    Status.IN_PROCESS: ("ring", "running"),
    Status.ERROR: ("square", "error"),
    Status.ON_HOLD: ("pause", "held"),
    Status.FINISHED: ("tick", "done"),
    Status.INACTIVITY: ("moon", "asleep"),
    Status.WAITING: ("hourglass", "waiting"),
}
ENTRY_WORDS = {Status.INACTIVITY: "Inactive"}

LOG_LOOKS = {
    LogStatus.SUCCESS: ("tick", "done"),
    LogStatus.IN_PROCESS: ("ring", "running"),
    LogStatus.ERROR: ("square", "error"),
    LogStatus.CANCELLED: ("stop", "cancelled"),
    LogStatus.SKIPPED: ("dashed", "skipped"),
    LogStatus.MISSED: ("dashed", "skipped"),
}


def icon(name: str) -> SafeString:
    """An inline drawing, invisible to screen readers: a word always stands beside it."""
    return mark_safe(
        f'<svg class="jw-icon jw-icon--{name}" viewBox="0 0 16 16" width="16" height="16" fill="none"'
        ' stroke="currentColor"'
        f' stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{DRAWINGS[name]}</svg>'
    )


def badge(word: str, *, look: str, drawing: str, title: str = "") -> SafeString:
    hint = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="jw-badge jw-badge--{}"{}>{}{}</span>', look, hint, icon(drawing), word)


def is_late(entry: Entry, *, now: datetime) -> bool:
    """Ready, but its start passed more than a minute ago."""
    start = entry.earliest_start_at
    return entry.status == Status.READY and start is not None and start < now - LATE_AFTER


def entry_badge(entry: Entry, *, now: datetime) -> SafeString:
    """The status of an entry; a Ready one with its start ahead carries a clock, a late one says so."""
    status = Status(entry.status)
    drawing, look = ENTRY_LOOKS[status]
    if status == Status.READY and entry.earliest_start_at is not None and entry.earliest_start_at > now:
        drawing = "clock"
    shown = badge(ENTRY_WORDS.get(status, status.label), look=look, drawing=drawing, title=status.label)
    if is_late(entry, now=now):
        late = badge(
            "Late", look="late", drawing="clock", title="Its start has passed and nothing has taken it yet."
        )
        return format_html("{} {}", shown, late)
    return shown


def log_badge(log_entry: LogEntry) -> SafeString:
    """The outcome of one run; a run whose worker was lost shows the broken link."""
    status = LogStatus(log_entry.status)
    drawing, look = LOG_LOOKS[status]
    if status == LogStatus.ERROR and log_entry.error_kind in ("lost", "killed"):
        return badge("Lost", look="error", drawing="link-off", title="Error: the worker ended while it ran.")
    return badge(status.label, look=look, drawing=drawing)


def run_ticks(runs: Iterable[LogEntry], *, now: datetime) -> SafeString:
    """The latest runs, oldest first, each a small coloured tick with its outcome and moment as tooltip."""
    ticks = [
        (LOG_LOOKS[LogStatus(run.status)][1], f"{LogStatus(run.status).label}, {_when(run, now=now)}")
        for run in reversed(list(runs))
    ]
    if not ticks:
        return mark_safe('<span class="jw-none">–</span>')
    spoken = ", ".join(title for _, title in ticks)
    drawn = format_html_join("", '<i class="jw-tick jw-tick--{}" title="{}"></i>', ticks)
    return format_html(
        '<span class="jw-ticks" role="img" aria-label="Latest runs: {}">{}</span>', spoken, drawn
    )


def _when(run: LogEntry, *, now: datetime) -> str:
    return words.absolute(run.started_at or run.due_at, now=now)
