"""An entry in words: what its state is and why, and its schedule in one phrase."""

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from jobqueue import validation
from jobqueue.admin import badges, words
from jobqueue.models import Entry
from jobqueue.schedule import ScheduleError
from jobqueue.states import HOLD_WORDS, HoldKind, Status


def state_sentence(entry: Entry, *, now: datetime) -> SafeString:
    """For example: *is Ready and starts in 3 h · Fri 06:00*."""
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
    why = format_html(": “{}”", entry.hold_reason) if entry.hold_reason else ""
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
