"""What an owner does with its entries: make, change, start, withdraw, rest, delete.

Source: decisions on owners. For program code only: the owner has checked the permission, holds the lock that keeps two
of its steps apart, and calls these inside its own transaction. An owned entry has no schedule of its own.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import get_language

from jobqueue import history, registers, scheduler, telemetry
from jobqueue.actors import Actor
from jobqueue.categories import request_wake
from jobqueue.enqueue import HOLD_FIELDS, SESSION_FIELDS, clear_session, enqueue
from jobqueue.errors import Invalid
from jobqueue.events import (
    after_delete_entry,
    after_insert_entry,
    after_set_status,
    announce,
    ask,
    before_delete_entry,
    before_insert_entry,
)
from jobqueue.guarded import remove, store
from jobqueue.ledger import close_due_moment
from jobqueue.lifecycle import guards
from jobqueue.lifecycle.copying import birth, duplicate
from jobqueue.models import Company, Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.states import Anchor, HoldKind, MissedRuns, Status
from jobqueue.validation import SETTABLE, apply, coerce, problems_of

WITHOUT_SCHEDULE: dict[str, Any] = {
    **dict.fromkeys(WEEKDAY_FIELDS, False),
    "recurring": False,
    "minutes_between_runs": 0,
    "starting_time": None,
    "ending_time": None,
    "next_run_date_formula": "",
    "anchor_date": None,
    "earliest_start_at": None,
    "expires_at": None,
    "inactivity_timeout_minutes": 5,
    "recurrence_anchor": Anchor.COMPLETION,
    "missed_runs": MissedRuns.RUN_ONCE_LATE,
    "manual_recurrence": False,
}
"""An owned entry's own schedule is emptied when it joins its owner, and stays empty."""

OWNED_SETTABLE = tuple(name for name in SETTABLE if name not in WITHOUT_SCHEDULE)
"""The fields of an owned entry that mean something."""

MOVING = (Status.READY, Status.WAITING, Status.IN_PROCESS)


def create_owned(
    company: Company,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    owner_kind: str,
    owner_reference: str,
    now: datetime,
) -> Entry:
    """Stores a new entry of the owner, On Hold; schedule fields in ``values`` are ignored. Raises ``Invalid``."""
    entry = Entry(company=company, user=actor.user, **birth(actor=actor, now=now))
    entry.time_zone = company.time_zone
    entry.user_language = (get_language() or "en")[:15]
    _apply(entry, values, now=now)
    return _insert(entry, actor=actor, owner_kind=owner_kind, owner_reference=owner_reference, now=now)


def copy_owned(
    source: Entry, *, actor: Actor, owner_kind: str, owner_reference: str, now: datetime, **overrides: Any
) -> Entry:
    """Stores a copy of any entry's settings as a new entry of the owner; the source is left alone."""
    entry = duplicate(source, actor=actor, now=now, **(WITHOUT_SCHEDULE | overrides))
    reason = f"Copy of entry {source.pk}"
    return _insert(
        entry, actor=actor, owner_kind=owner_kind, owner_reference=owner_reference, now=now, reason=reason
    )


def change_owned(entry: Entry, values: Mapping[str, Any], *, actor: Actor, now: datetime) -> set[str]:
    """Changes settings of an entry at rest and returns the names of what changed; raises ``Invalid``."""
    before = history.snapshot(entry)
    _apply(entry, values, now=now, before=before)
    changed = {name for name in before if before[name] != getattr(entry, name)}
    if changed:
        store(entry, changed, now=now)
        changes = history.differences(before, entry)
        history.record(entry, actor=actor, action="change", now=now, changes=changes)
    return changed


def start_owned(entry: Entry, *, user: Any, owner_run: str, now: datetime) -> bool:
    """Makes the entry due at once as ``user``, with attempts counted from zero; False if an extension vetoed it.

    What speaks against the run itself (a forbidden user, a vanished object) becomes the failure of its first attempt.
    """
    old = entry.status
    entry.status, entry.earliest_start_at, entry.last_ready_state_at = Status.READY, None, now
    clear_session(entry)
    started = enqueue(
        entry,
        now=now,
        user=user,
        keep_attempts=False,
        context={"owner_run": owner_run},
        lead=timedelta(0),
    )
    announce(after_set_status, entry=entry, old=old, new=entry.status)
    telemetry.status_changed(entry, old=old)
    return started


def withdraw_owned(entry: Entry, *, reason: str, now: datetime, error_message: str = "") -> bool:
    """Takes back a start that has not happened, also a retry that is waiting; False if a run is in process.

    The entry rests On Hold, or in Error if ``error_message`` says what its last attempt died of. Raises
    ``ChangedMeanwhile`` if the run started at this very moment: look again.
    """
    if entry.status not in MOVING:
        return True
    if entry.status == Status.IN_PROCESS:
        return False
    old = entry.status
    task_id = entry.system_task_id
    if task_id is not None and not scheduler.cancel_task(task_id) and scheduler.task_exists(task_id):
        return False
    close_due_moment(entry, reason=reason, now=now)
    rest(entry, now=now, error_message=error_message)
    if old == Status.READY:
        request_wake(entry.company_id, entry.category_code)
    announce(after_set_status, entry=entry, old=old, new=entry.status)
    telemetry.status_changed(entry, old=old)
    return True


def rest(entry: Entry, *, now: datetime, error_message: str = "") -> None:
    """Puts an entry nobody runs On Hold for its owner, or in Error with a message that stays visible."""
    entry.status = Status.ERROR if error_message else Status.ON_HOLD
    entry.error_message = error_message[:2048]
    entry.system_task_id, entry.attempts = None, 0
    entry.hold_kind, entry.hold_reason = ("" if error_message else HoldKind.OWNER), ""
    entry.held_by, entry.held_at, entry.held_until = None, now, None
    clear_session(entry)
    names = ["status", "error_message", "system_task_id", "attempts", *SESSION_FIELDS, *HOLD_FIELDS]
    if not error_message and entry.error_register_id is not None:
        register_id, entry.error_register = entry.error_register_id, None
        store(entry, [*names, "error_register"], now=now)
        registers.release([register_id])
        return
    store(entry, names, now=now)


def delete_owned(entry: Entry, *, actor: Actor, reason: str, now: datetime) -> None:
    """Deletes an entry at rest; its log remains. Refused while a run of it is in process."""
    guards.require_idle(entry, doing="deleted")
    ask(before_delete_entry, entry=entry, actor=actor)
    if entry.system_task_id is not None:
        scheduler.cancel_task(entry.system_task_id)
    remove(entry)
    registers.release([entry.error_register_id])
    history.record(entry, actor=actor, action="delete", now=now, reason=reason)
    announce(after_delete_entry, entry=entry, actor=actor)


def rename_owner(entries: list[Entry], owner_reference: str, *, now: datetime) -> None:
    """Gives entries at rest the new words for their owner."""
    for entry in entries:
        entry.owner_reference = owner_reference
        store(entry, ["owner_reference"], now=now)


def _insert(
    entry: Entry, *, actor: Actor, owner_kind: str, owner_reference: str, now: datetime, reason: str = ""
) -> Entry:
    entry.owner_kind, entry.owner_reference = owner_kind, owner_reference
    entry.hold_kind = HoldKind.OWNER
    ask(before_insert_entry, entry=entry, actor=actor)
    entry.save(force_insert=True)
    changes = {} if reason else history.differences(history.snapshot(Entry(company=entry.company)), entry)
    history.record(entry, actor=actor, action="create", now=now, reason=reason, changes=changes)
    announce(after_insert_entry, entry=entry, actor=actor)
    return entry


def _apply(
    entry: Entry, values: Mapping[str, Any], *, now: datetime, before: dict[str, Any] | None = None
) -> None:
    values = {name: value for name, value in values.items() if name not in WITHOUT_SCHEDULE}
    time_zone = str(values.get("time_zone") or entry.time_zone)
    clean, problems = coerce(values, time_zone=time_zone, by_code=False)
    problems += apply(entry, clean, by_code=False, now=now)
    for name, empty in WITHOUT_SCHEDULE.items():
        setattr(entry, name, empty)
    changed = None if before is None else [name for name in SETTABLE if before[name] != getattr(entry, name)]
    unread = {problem.field for problem in problems}
    found = problems_of(entry, by_code=False, changed=changed, now=now)
    problems += [problem for problem in found if problem.field not in unread]
    if problems:
        raise Invalid(problems)
