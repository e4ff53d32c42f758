"""The page of one run: its lines with a gantt, status changes, and the way to the ordinary log entries."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from jobqueue.admin.base import may as sees_mail_log
from jobqueue.admin.base import now_of
from jobqueue.admin.entry_parameters import parameters_in_words
from jobqueue.admin.words import duration
from jobqueue.models import LogEntry
from jobqueue.states import ObjectType
from notifications import scenarios
from notifications.admin.looks import state_badge
from notifications.models import Message
from packages.admin import gantt, looks, words
from packages.admin.base import may
from packages.admin.state import state_of
from packages.attempts import attempts_of
from packages.live import as_they_are
from packages.models import Run, RunLine
from packages.states import RESUMABLE

MOST_MESSAGES = 100


@dataclass
class LineShown:
    """One line of the run as the page shows it."""

    line: RunLine
    badge: SafeString
    bars: list[gantt.Bar]
    took: str
    object_words: str
    attempts: list[LogEntry] = field(default_factory=list)
    parameters: Any = ""

    @property
    def spoken(self) -> str:
        """The bars in words, for those who do not see them."""
        return "; ".join(bar.title for bar in self.bars) or "No time spent"


def run_page(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Everything the page shows, in a fixed number of queries; traces and parameters only to those who maintain."""
    now = now_of(request)
    lines = as_they_are(run.lines.select_related("line"))
    attempts = attempts_of(lines)
    timed = [timed_line(line, attempts[line.pk]) for line in lines]
    start = run.started_at or run.due_at
    scale = gantt.scale_of(timed, started_at=start, ended_at=run.ended_at, now=now)
    may_see_inside = may(request, "schedule")
    shown = [
        LineShown(
            line,
            looks.result_badge(line),
            gantt.bars(one, scale=scale, now=now),
            took_of(line),
            f"{ObjectType(line.object_type).label} {line.object_id} {line.object_caption}",
            attempts[line.pk],
            parameters_in_words(line.object_type, line.object_id, line.parameters, line.parameter_string)
            if may_see_inside
            else "",
        )
        for line, one in zip(lines, timed, strict=True)
    ]
    return {
        "run": run,
        "now": now,
        "badge": looks.run_badge(run),
        "lines": shown,
        "ticks": scale.ticks(),
        "trigger": words.trigger_words(run),
        "duration": words.run_duration(run, now=now),
        "counts": words.counted_lines(run),
        "messages_told": messages_of(run) if sees_mail_log(request, "view") else [],
        "changes": list(run.status_changes.select_related("user").order_by("id")),
        "package_address": reverse("admin:packages_package_change", args=[run.package_id])
        if run.package_id
        else "",
        "siblings": f"{reverse('admin:packages_run_changelist')}?package={run.package_uuid}",
        "may_see_inside": may_see_inside,
        "resume_address": resume_address(request, run),
        "resumed_from": run.resumed_from_id,
    }


@dataclass
class MessageShown:
    """A message about the run: who was told of what, and whether it went out."""

    message: Message
    badge: SafeString
    scenarios: str


def messages_of(run: Run) -> list[MessageShown]:
    """The messages about the run, in the order they were written (*Packages reference*, Sending)."""
    rows = Message.objects.filter(source_kind="package_run", source_reference=str(run.pk)).order_by("pk")
    return [
        MessageShown(one, state_badge(one), ", ".join(scenarios.caption(code) for code in one.scenarios))
        for one in rows.defer("facts", "text", "html")[:MOST_MESSAGES]
    ]


def resume_address(request: HttpRequest, run: Run) -> str:
    """Where the run can be resumed; empty unless it is its package's last run, ended early, and the viewer may."""
    if run.package is None or run.outcome not in RESUMABLE or not may(request, "operate"):
        return ""
    state = state_of(run.package)
    if state.is_running or state.last_run is None or state.last_run.pk != run.pk:
        return ""
    return reverse("admin:packages_package_resume", args=[run.package_id])


def timed_line(line: RunLine, attempts: list[LogEntry]) -> gantt.Timed:
    spans = tuple(gantt.Span(row.started_at, row.ended_at) for row in attempts if row.started_at is not None)
    return gantt.Timed(line.result, line.released_at, line.started_at, line.ended_at, spans)


def took_of(line: RunLine) -> str:
    if line.started_at is None or line.ended_at is None:
        return ""
    return duration(_milliseconds(line.started_at, line.ended_at))


def _milliseconds(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds() * 1000))
