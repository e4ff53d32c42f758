"""An entry in words: what its state is and why, and its schedule in one phrase."""

from datetime import datetime

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from jobqueue import validation
from jobqueue.admin import badges, extensions, words
from jobqueue.models import Entry, LogEntry
from jobqueue.querysets import running_log_entries
from jobqueue.schedule import ScheduleError
from jobqueue.states import HOLD_WORDS, HoldKind, LogStatus, Status


def run_in_process(entry: Entry) -> LogEntry | None:
    """The run that goes on, also one the status does not show: an extra run, or one under a hold.

    Asked once per entry; a list of entries hands over the latest runs it has read anyhow.
    """
    if not hasattr(entry, "run_going_on"):
        runs = getattr(entry, "latest_runs", None)
        if runs is None:
            runs = running_log_entries(entry)[:1]
        entry.run_going_on = next((run for run in runs if run.status == LogStatus.IN_PROCESS), None)
    return entry.run_going_on


def state_sentence(entry: Entry, *, now: datetime) -> SafeString:
    """For example: *is Ready and starts in 3 h · Fri 06:00*, and what runs beside that."""
    sentence = _state(entry, now=now)
    run = run_in_process(entry) if entry.status != Status.IN_PROCESS else None
    if run is None:
        return sentence
    kind = "A run" if entry.status == Status.ON_HOLD else "An extra run"
    address = reverse("admin:jobqueue_logentry_change", args=[run.pk])
    since = words.moment(run.started_at, now=now)
    return format_html(
        '{} {} is <a class="jw-link" href="{}">in process</a> since {}.', sentence, kind, address, since
    )


def _state(entry: Entry, *, now: datetime) -> SafeString:
    status = Status(entry.status)
    at = words.moment(entry.earliest_start_at, now=now, zone_name=entry.time_zone)
    if status == Status.READY and entry.attempts:
        return format_html(
            "failed and is tried again {}, retry {} of {}.", at, entry.attempts, entry.max_attempts
        )
    if status == Status.READY and badges.is_late(entry, now=now):
        return format_html("is Ready and should have started {}. Explain says what it waits for.", at)
    if status == Status.READY:
        return format_html("is Ready and starts {}.", at)
    if status == Status.IN_PROCESS:
        return format_html("is running since {}.", words.moment(entry.user_session_started_at, now=now))
    if status == Status.WAITING:
        return format_html("waits for its turn in category {}.", entry.category_code)
    if status == Status.INACTIVITY:
        if entry.system_task_id is None:
            return mark_safe("found nothing to do and sleeps until it is set Ready.")
        return format_html("found nothing to do and sleeps until {}.", at)
    if status == Status.ERROR:
        retries = f" after {words.counted(entry.attempts, 'retry', 'retries')}" if entry.attempts else ""
        owner = extensions.owner_of(entry)
        if owner is not None:
            return format_html("failed{}. Its {} decides when it runs again.", retries, owner.label.lower())
        return format_html("failed{} and will not run until somebody restarts it.", retries)
    if status == Status.FINISHED:
        return mark_safe("has finished.")
    return _held(entry, now=now)


def _held(entry: Entry, *, now: datetime) -> SafeString:
    kind = HoldKind(entry.hold_kind) if entry.hold_kind else HoldKind.MANUAL
    if kind == HoldKind.DRAFT:
        return mark_safe("is new and On Hold: it starts when somebody sets it Ready.")
    by = f" by {entry.held_by.get_username()}" if entry.held_by is not None else ""
    until = format_html(" until {}", words.moment(entry.held_until, now=now)) if entry.held_until else ""
    why = format_html(": “{}”", entry.hold_reason.rstrip(".")) if entry.hold_reason else ""
    if kind == HoldKind.MANUAL:
        return format_html("was put On Hold{} {}{}{}.", by, words.moment(entry.held_at, now=now), until, why)
    return format_html("is On Hold{}{}. {}.", until, why, HOLD_WORDS[kind])


def draft_in_words(entry: Entry) -> str:
    """The schedule as one phrase, or what is wrong with it."""
    if not entry.weekdays and not entry.next_run_date_formula:
        return "Runs once"
    try:
        return validation.recurrence_of(entry).explain()
    except ScheduleError as problem:
        return str(problem)
