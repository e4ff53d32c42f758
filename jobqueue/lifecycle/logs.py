"""What people do to the log: set a run to Error, and delete rows (*Job queue reference, Log Entries*)."""

from datetime import datetime, timedelta

from django.db import transaction

from jobqueue import history, retention, scheduler, telemetry
from jobqueue.actors import Actor
from jobqueue.categories import request_wake
from jobqueue.enqueue import SESSION_FIELDS, clear_session
from jobqueue.errors import Refused
from jobqueue.events import (
    Draft,
    after_set_status,
    announce,
    ask,
    before_delete_log_entries,
    before_mark_as_error,
)
from jobqueue.guarded import TRIES, ChangedMeanwhile, store
from jobqueue.ledger import settle
from jobqueue.models import Company, Entry, LogEntry
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus, Status

MARKED = "marked"
ERROR_LENGTH = 2048


def mark_log_as_error(log_entry: LogEntry, *, actor: Actor, now: datetime | None = None) -> LogEntry:
    """Sets a run In Process to Error, and its entry if that is still In Process. The session is **not** stopped.

    Meant for runs that are lost. A pending task of the entry is cancelled; nobody is notified, nothing is retried.
    """
    now = now or database_now()
    for _ in range(TRIES - 1):
        try:
            with transaction.atomic():
                return _mark_as_error(log_entry, actor=actor, now=now)
        except ChangedMeanwhile:
            continue
    with transaction.atomic():
        return _mark_as_error(log_entry, actor=actor, now=now)


def _mark_as_error(log_entry: LogEntry, *, actor: Actor, now: datetime) -> LogEntry:
    require(actor, "operate", log_entry.company)
    draft = Draft(message=f"Marked as error by {actor.name}.")
    ask(before_mark_as_error, log_entry=log_entry, draft=draft)
    message = draft.message[:ERROR_LENGTH]
    entry = Entry.objects.select_related("user").filter(id=log_entry.entry_id).first()
    if entry is not None and entry.system_task_id is not None and entry.status == Status.IN_PROCESS:
        scheduler.cancel_task(entry.system_task_id)
    ended_by_id = actor.user.pk if actor.user is not None else None
    settled = settle(
        log_entry.pk,
        status=LogStatus.ERROR,
        ended_at=now,
        error_kind=MARKED,
        error_message=message,
        ended_by_id=ended_by_id,
    )
    if not settled:
        raise Refused(
            f"Log entry {log_entry.pk} is not In Process any more; only a run in process can be set to Error.",
            code="not_in_process",
        )
    if entry is not None:
        _set_error(entry, message=message, now=now)
        history.record(
            entry, actor=actor, action="mark-as-error", now=now, reason=f"Log entry {log_entry.pk}"
        )
    request_wake(log_entry.company_id, log_entry.category_code)
    log_entry.refresh_from_db()
    return log_entry


def _set_error(entry: Entry, *, message: str, now: datetime) -> None:
    """An extra run, or a run under a hold, leaves the entry's status alone."""
    if entry.status != Status.IN_PROCESS:
        return
    entry.status, entry.error_message, entry.system_task_id = Status.ERROR, message, None
    clear_session(entry)
    store(entry, ["status", "error_message", "system_task_id", *SESSION_FIELDS], now=now)
    announce(after_set_status, entry=entry, old=Status.IN_PROCESS, new=Status.ERROR)
    telemetry.status_changed(entry, old=Status.IN_PROCESS)


def delete_log_entries(
    company: Company,
    *,
    actor: Actor,
    older_than_days: int | None = None,
    at_most: int | None = None,
    now: datetime | None = None,
) -> int:
    """Deletes ledger rows with their lines, never those In Process; returns how many.

    ``older_than_days`` keeps rows that ended later than that many days before ``now``. Works in small batches, each a
    transaction of its own, so that a long log does not hold up the workers; stops after the batch that reaches
    ``at_most``: call it again for the rest.
    """
    now = now or database_now()
    require(actor, "administer", company)
    ended_before = None if older_than_days is None else now - timedelta(days=older_than_days)
    batches = retention.delete_log_entries(
        company,
        ended_before=ended_before,
        before_batch=lambda rows: ask(before_delete_log_entries, log_entries=rows, actor=actor),
    )
    deleted = 0
    for batch in batches:
        deleted += batch
        if at_most is not None and deleted >= at_most:
            break
    return deleted
