"""When people are told about a single entry: it failed for good, succeeded, recovered, started late, ran long.

Everything here runs in the transaction of the change it reports, and only where somebody may want to hear of it: a run
of an entry nobody listens to never comes by. Entries with an owner are told through that owner
(*Decisions, Packages and notifications*).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobqueue.models import Entry, LogEntry
from jobqueue.states import LogStatus, Origin
from notifications import subscriptions
from notifications.entry_facts import facts_of, safe_message
from notifications.entry_scenarios import LATE, ON_ERROR, ON_RECOVERY, ON_SUCCESS, RAN_LONGER
from notifications.models import Message, NotificationList, RepeatMark
from notifications.notify import Occasion, notify, reset_repeats

ABOUT = "entry"
SOURCE = "log_entry"
TEMPLATES = {
    ON_ERROR.code: "entry_failed",
    ON_SUCCESS.code: "entry_succeeded",
    ON_RECOVERY.code: "entry_recovered",
    LATE.code: "entry_late",
    RAN_LONGER.code: "entry_ran_longer",
}


def on_failed_for_good(sender: Any, entry: Entry, log_entry: LogEntry, **_: Any) -> None:
    """An entry stopped: its last attempt failed, or it may not run any more."""
    if entry.owner_kind:
        return
    lists = lists_of(entry)
    _reset_after_success(entry, log_entry, lists=lists)
    slow, minutes = _slowness(log_entry)
    _tell(
        entry,
        log_entry,
        (ON_ERROR.code, *slow),
        lists=lists,
        moment=_moment_of(log_entry),
        minutes=minutes,
        facts=facts_of(entry, log_entry),
        fallback_user=entry.created_by or entry.user,
        fallback_scenarios=(ON_ERROR.code,),
    )


def on_stopped_by_schedule(sender: Any, entry: Entry, now: datetime, **_: Any) -> None:
    """An entry stopped without a failed run, because there is no next one: nobody may have to find out by chance."""
    if entry.owner_kind:
        return
    _tell(
        entry,
        None,
        (ON_ERROR.code,),
        lists=lists_of(entry),
        moment=now,
        minutes={},
        facts=facts_of(entry, has_no_next_run=True, error=safe_message(entry.error_message)),
        fallback_user=entry.created_by or entry.user,
        fallback_scenarios=(ON_ERROR.code,),
    )


def on_watched_finish(sender: Any, entry: Entry, log_entry: LogEntry, **_: Any) -> None:
    """A run of an entry somebody listens to ended; failures are told where it is known that they are final."""
    if entry.owner_kind or log_entry.status != LogStatus.SUCCESS:
        return
    lists = lists_of(entry)
    is_asked = bool(lists) or subscriptions.wants(entry.company_id, ON_RECOVERY.code)
    failed_at = _failing_since(log_entry) if is_asked else None
    codes = [ON_SUCCESS.code]
    if failed_at is not None:
        codes.append(ON_RECOVERY.code)
    slow, minutes = _slowness(log_entry)
    user = log_entry.user if entry.notify_on_success else None
    since = failed_at.isoformat() if failed_at is not None else None
    _tell(
        entry,
        log_entry,
        (*codes, *slow),
        lists=lists,
        moment=_moment_of(log_entry),
        minutes=minutes,
        facts=facts_of(entry, log_entry, failing_since=since),
        also=(user,) if user is not None else (),
    )


def tell_late(entry: Entry, *, due_at: datetime, now: datetime) -> list[Message]:
    """The entry is due since ``due_at`` and has not started. Told once to each line."""
    minutes = (now - due_at).total_seconds() / 60
    return _tell(
        entry,
        None,
        (LATE.code,),
        lists=lists_of(entry),
        moment=now,
        minutes={LATE.code: minutes},
        facts=facts_of(entry, due_at=due_at.isoformat()),
        waiting_since=due_at,
    )


def tell_running_long(entry: Entry, row: LogEntry, *, now: datetime) -> list[Message]:
    """The run is still going on. Told once to each line."""
    assert row.started_at is not None
    minutes = (now - row.started_at).total_seconds() / 60
    return _tell(
        entry,
        row,
        (RAN_LONGER.code,),
        lists=lists_of(entry),
        moment=now,
        minutes={RAN_LONGER.code: minutes},
        facts=facts_of(entry, row),
    )


def lists_of(entry: Entry) -> tuple[NotificationList, ...]:
    """The enabled lists linked to the entry; no query for one nobody listens to."""
    if not entry.is_watched:
        return ()
    found = NotificationList.objects.filter(entry_links__entry_id=entry.id, is_enabled=True)
    return tuple(found.order_by("pk"))


def late_since(entry: Entry) -> datetime | None:
    """Since when the entry should have started: its due moment, or its release if that was later."""
    due_at = entry.due_at or entry.earliest_start_at
    if due_at is None or entry.last_ready_state_at is None:
        return due_at
    return max(due_at, entry.last_ready_state_at)


def _tell(
    entry: Entry,
    row: LogEntry | None,
    codes: tuple[str, ...],
    *,
    lists: Sequence[NotificationList],
    facts: dict[str, Any],
    minutes: Mapping[str, float],
    waiting_since: datetime | None = None,
    **more: Any,
) -> list[Message]:
    once = {} if waiting_since is None else {LATE.code: late_key(entry.id, waiting_since)}
    if row is not None:
        once = {LATE.code: late_key(row.entry_id, row.due_at), RAN_LONGER.code: f"long:{row.id}"}
    return notify(
        Occasion(
            company=entry.company,
            scenarios=codes,
            template=TEMPLATES[codes[0]],
            templates=TEMPLATES,
            facts={**facts, "measured": {code: int(value) for code, value in minutes.items()}},
            minutes=minutes,
            lists=tuple(lists),
            about=(ABOUT, str(entry.id)),
            source=(SOURCE, str(row.entry_no)) if row is not None else (ABOUT, str(entry.entry_no)),
            once=once,
            **more,
        )
    )


def _slowness(row: LogEntry) -> tuple[tuple[str, ...], dict[str, float]]:
    """*Late* and *Ran Longer*, measured at the end: whoever watches looks once a minute, and not while all is down."""
    minutes: dict[str, float] = {}
    if row.started_at is None:
        return (), minutes
    if row.attempt == 0 and row.origin == Origin.SCHEDULE:
        minutes[LATE.code] = (row.started_at - row.due_at).total_seconds() / 60
    if row.ended_at is not None:
        minutes[RAN_LONGER.code] = (row.ended_at - row.started_at).total_seconds() / 60
    # A line names at least one minute.
    minutes = {code: measured for code, measured in minutes.items() if measured > 1}
    return tuple(minutes), minutes


def _reset_after_success(entry: Entry, row: LogEntry, *, lists: Sequence[NotificationList]) -> None:
    """Repeat intervals end with a success: looked up at the next failure, so that a success costs nothing."""
    about = (ABOUT, str(entry.id))
    if not RepeatMark.objects.filter(about_kind=about[0], about_reference=about[1]).exists():
        return
    succeeded = LogEntry.objects.filter(entry_id=entry.id, status=LogStatus.SUCCESS).exclude(ended_at=None)
    last = succeeded.order_by("-ended_at").values_list("ended_at", flat=True).first()
    if last is not None:
        reset_repeats(lists, about, before=last)


def _failing_since(row: LogEntry) -> datetime | None:
    """When the run before this one failed for good; None if it did not."""
    before = LogEntry.objects.filter(
        entry_id=row.entry_id,
        is_final=True,
        status__in=[LogStatus.SUCCESS, LogStatus.ERROR],
        entry_no__lt=row.entry_no,
    ).order_by("-entry_no")
    found = before.values_list("status", "ended_at", "due_at").first()
    if found is None or found[0] != LogStatus.ERROR:
        return None
    return found[1] or found[2]


def _moment_of(row: LogEntry) -> datetime:
    return row.ended_at or row.started_at or row.due_at


def late_key(entry_id: Any, due_at: datetime) -> str:
    """What one lateness is called, so that each line and webhook hears of it once."""
    return f"late:{entry_id}:{due_at:%Y%m%dT%H%M%S}"
