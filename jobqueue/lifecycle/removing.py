"""Deleting entries: one, or the failed ones of a company."""

from datetime import datetime, timedelta

from jobqueue import history, registers, scheduler, telemetry
from jobqueue.actors import Actor
from jobqueue.categories import request_wake
from jobqueue.conf import settings
from jobqueue.errors import JobQueueError
from jobqueue.events import after_delete_entry, announce, ask, before_delete_entry
from jobqueue.guarded import remove, store, verb
from jobqueue.ledger import close_due_moment
from jobqueue.lifecycle import guards
from jobqueue.models import Company, Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.permissions import level_for, require
from jobqueue.querysets import removable_failures
from jobqueue.scheduler import database_now
from jobqueue.states import DELETE_FROM, Status

DOING = "deleted"
RECURRENCE_FIELDS = (*WEEKDAY_FIELDS, "recurring", "next_run_date_formula", "minutes_between_runs")


def delete_entry(
    entry: Entry,
    *,
    actor: Actor,
    reason: str = "",
    now: datetime | None = None,
    as_owner: bool = False,
) -> None:
    """Deletes the entry, its pending task and its error messages if no log entry needs them; the log remains.

    Refused on every door while a run is in process, and for owned entries unless their owner does it.
    """
    _delete_entry(
        entry, actor=actor, reason=reason.strip()[:250], now=now or database_now(), as_owner=as_owner
    )


@verb
def _delete_entry(entry: Entry, *, actor: Actor, reason: str, now: datetime, as_owner: bool) -> None:
    require(actor, level_for(entry, "schedule"), entry.company)
    guards.require_free_of_owner(entry, actor=actor, as_owner=as_owner, doing=DOING)
    guards.require_status(entry, DELETE_FROM, doing=DOING, way_out="")
    guards.require_idle(entry, doing=DOING)
    ask(before_delete_entry, entry=entry, actor=actor)
    if entry.system_task_id is not None:
        existed = scheduler.cancel_task(entry.system_task_id)
        telemetry.entry_event(
            "0000KZV", entry, JobQueueScheduledTaskExistedOnCancel="Yes" if existed else "No"
        )
    close_due_moment(entry, reason=f"Deleted by {actor.name}", now=now)
    remove(entry)
    if entry.status == Status.READY:
        request_wake(entry.company_id, entry.category_code)
    registers.release([entry.error_register_id])
    history.record(entry, actor=actor, action="delete", now=now, reason=reason)
    announce(after_delete_entry, entry=entry, actor=actor)


def let_end(entry: Entry, *, actor: Actor, now: datetime | None = None) -> Entry:
    """Makes an entry that is In Process non-recurring, so that it vanishes after its success; for programs."""
    return _let_end(entry, actor=actor, now=now or database_now())


@verb
def _let_end(entry: Entry, *, actor: Actor, now: datetime) -> Entry:
    require(actor, level_for(entry, "schedule"), entry.company)
    before = history.snapshot(entry)
    for name in WEEKDAY_FIELDS:
        setattr(entry, name, False)
    entry.recurring, entry.next_run_date_formula, entry.minutes_between_runs = False, "", 0
    store(entry, RECURRENCE_FIELDS, now=now)
    changes = history.differences(before, entry)
    history.record(entry, actor=actor, action="let-end", now=now, changes=changes)
    return entry


def remove_failed_entries(
    company: Company, *, actor: Actor, only_own: bool = False, now: datetime | None = None
) -> int:
    """Deletes the one-off entries in Error whose last run ended at least 30 seconds ago; returns how many.

    ``only_own`` takes only those whose running user is the actor. Entries of an owner are left to it; one that cannot
    be deleted does not stop the others.
    """
    now = now or database_now()
    require(actor, "schedule", company)
    grace = timedelta(seconds=settings().remove_failed_grace_seconds)
    entries = removable_failures(company, now=now, grace=grace)
    if only_own:
        entries = entries.filter(user=actor.user)
    removed = 0
    for entry in entries:
        try:
            _delete_entry(entry, actor=actor, reason="Remove failed entries", now=now, as_owner=False)
            removed += 1
        except JobQueueError:
            # Restarted, deleted or vetoed meanwhile: its own verb says why when somebody asks for it.
            continue
    return removed
