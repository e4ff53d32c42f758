"""Packages and their runs in words: what state it is in, why, and what happens next."""

from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from jobqueue.admin import words
from packages.models import Package, Run, RunLine
from packages.states import FAILED, GOING, OnError, PackageStatus, Trigger
from packages.wording import counted_lines, in_zone, running_line

__all__ = [
    "counted_lines",
    "in_zone",
    "next_run",
    "run_address",
    "run_duration",
    "running_line",
    "state_sentence",
    "trigger_words",
]


def run_address(run: Run) -> str:
    return reverse("admin:packages_run_change", args=[run.pk])


def next_run(package: Package, *, now: datetime) -> SafeString:
    """The distance and the moment as the viewer reads it, with that of the package's zone where it differs."""
    return words.moment(package.next_run_at, now=now, zone_name=package.time_zone)


def trigger_words(run: Run) -> str:
    """``Scheduled``, ``Late by 12 min``, ``Manual by ann``."""
    if run.trigger == Trigger.MANUAL:
        return f"Manual by {run.started_by.get_username()}" if run.started_by else "Manual"
    if run.trigger == Trigger.LATE and run.late_seconds:
        return f"Late by {words.seconds_in_words(run.late_seconds)}"
    return Trigger(run.trigger).label


def run_duration(run: Run, *, now: datetime) -> SafeString:
    if run.is_open and run.started_at is not None:
        seconds = max(0, int((now - run.started_at).total_seconds()))
        return format_html('<span class="jw-relative">{} so far</span>', words.seconds_in_words(seconds))
    if run.started_at is None or run.ended_at is None:
        return mark_safe('<span class="jw-none">–</span>')
    return format_html(
        '<span class="jw-number">{}</span>',
        words.duration(int((run.ended_at - run.started_at).total_seconds() * 1000)),
    )


def state_sentence(
    package: Package,
    *,
    run: Run | None,
    lines: list[RunLine],
    stopped_by: Run | None,
    now: datetime,
    waits: str = "",
) -> SafeString:
    """For example: *is Active. Next run: Sat 21 Nov 22:00 (Europe/Amsterdam).*

    ``stopped_by``: the run that switched the schedule off. ``waits``: what keeps a due time from starting.
    """
    sentence = _state(package, run=run, stopped_by=stopped_by, now=now, waits=waits)
    return (
        format_html("{}{}", sentence, _going_on(package, run=run, lines=lines, now=now)) if run else sentence
    )


def _state(
    package: Package, *, run: Run | None, stopped_by: Run | None, now: datetime, waits: str
) -> SafeString:
    status = PackageStatus(package.status)
    if status == PackageStatus.ACTIVE:
        if package.next_run_at is None:
            return mark_safe("is <b>Active</b>.")
        when = in_zone(package.next_run_at, zone_name=package.time_zone, now=now)
        if waits and run is None:
            return format_html("is <b>Active</b>. The run of {} is due and has not started: {}.", when, waits)
        return format_html("is <b>Active</b>. Next run: {}.", when)
    if status == PackageStatus.ERROR:
        return format_html(
            "is in <b>Error</b>: {} Its schedule is off until somebody sets it active.",
            _why_error(stopped_by),
        )
    if status == PackageStatus.FINISHED:
        return mark_safe(
            "is <b>Finished</b>: no due time is left. Change its recurrences, then set it active."
        )
    if package.held_at is None:
        return mark_safe("is <b>On Hold</b>. It runs when it is set active.")
    by = f" by {package.held_by.get_username()}" if package.held_by is not None else ""
    why = format_html(": “{}”", package.hold_reason.rstrip(".")) if package.hold_reason else ""
    return format_html(
        "was put <b>On Hold</b>{} {}{}. It does not run until it is set active.",
        by,
        words.moment(package.held_at, now=now),
        why,
    )


def _why_error(run: Run | None) -> SafeString:
    if run is None:
        return mark_safe("a run failed.")
    link = format_html('<a class="jw-link" href="{}">run {}</a>', run_address(run), run.number)
    if run.lines_failed == 0 and run.message:
        return format_html("{} could not start. {}", link, run.message)
    failed = words.counted(run.lines_failed, "line")
    return format_html("{} failed in {} and On Error says {}.", failed, link, rule_that_stopped(run).label)


def rule_that_stopped(run: Run) -> OnError:
    """The strictest rule of the lines that failed: of the package, or of a line itself."""
    rules = set(run.lines.filter(result__in=FAILED).values_list("on_error", flat=True))
    return OnError.STOP if OnError.STOP in rules else OnError.FINISH


def _going_on(package: Package, *, run: Run, lines: list[RunLine], now: datetime) -> SafeString:
    link = format_html('<a class="jw-link" href="{}">Run {}</a>', run_address(run), run.number)
    if run.hold_requested_at is not None:
        going = [line.description for line in lines if line.result in GOING]
        what = format_html_join(", ", "<b>{}</b>", ((name,) for name in going)) if going else "the last step"
        return format_html(
            " {} is stopping: {} is still finishing, the lines after it do not run. Until then nothing can be changed.",
            link,
            what,
        )
    at = running_line(lines)
    return format_html(
        " {} ({}) started {}{}.",
        link,
        _lower(trigger_words(run)),
        words.moment(run.started_at or run.due_at, now=now),
        f" and is at line {at}" if at else "",
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
