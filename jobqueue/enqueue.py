"""Enqueue: gives an entry its scheduled task and makes it Ready, or says that it could not.

Source: *Job queue reference, Enqueue*. Permissions are the verbs' business; here an entry is already allowed to run.
"""

import enum
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from jobqueue import registers, scheduler, telemetry
from jobqueue.actors import SYSTEM, Actor
from jobqueue.conf import settings
from jobqueue.events import (
    Draft,
    after_enqueue,
    announce,
    ask,
    before_enqueue,
    before_schedule_task,
    schedule_veto,
)
from jobqueue.guarded import store
from jobqueue.models import Category, Entry
from jobqueue.states import HoldKind, Status

MAIN_ROUTINE = "jobqueue.dispatch"
FAILURE_ROUTINE = "jobqueue.handle_error"
LEAD = timedelta(seconds=1)
"""The least time between enqueueing and the start of the run."""

VETO_REASON = "Scheduling was vetoed by an extension"

SESSION_FIELDS = ("user_session_started_at", "worker_id", "session_number")
HOLD_FIELDS = ("hold_kind", "hold_reason", "held_by", "held_at", "held_until")
LIVE_FIELDS = (
    "status",
    "user",
    "earliest_start_at",
    "due_at",
    "attempts",
    "last_ready_state_at",
    "timeout_seconds",
    "anchor_date",
    "error_message",
    "error_register",
    "system_task_id",
    *SESSION_FIELDS,
    *HOLD_FIELDS,
)


class Same(enum.Enum):
    """Stands for “leave as it is” where None has a meaning of its own."""

    KEEP = "keep"
    NEW = "new"


KEEP = Same.KEEP
NEW = Same.NEW


def enqueue(
    entry: Entry,
    *,
    now: datetime,
    user: Any = KEEP,
    due_at: datetime | Same = NEW,
    keep_attempts: bool = True,
    context: dict[str, Any] | None = None,
    actor: Actor = SYSTEM,
    lead: timedelta = LEAD,
) -> bool:
    """Schedules the entry's next run and stores its live fields; True if a task exists afterwards.

    ``entry`` carries what the caller wants (earliest start, attempts, status Inactivity to sleep) and must be as read
    otherwise; an unsaved one is inserted. An earliest start before ``now`` + ``lead`` (1 s) is raised to that.
    ``user`` becomes the running user unless KEEP. ``due_at`` is the due moment served: NEW begins an occurrence at
    the earliest start, KEEP or a moment continues one (a retry). ``context`` is handed through to the dispatcher.

    False for a veto, which leaves the entry On Hold with that reason, and for a sleep without an alarm (Inactivity
    with period 0). Raises ``ChangedMeanwhile`` if somebody changed the row; then nothing has happened.
    """
    ask(before_enqueue, entry=entry, actor=actor)
    with transaction.atomic():
        _ensure_category(entry)
        sleeping = entry.status == Status.INACTIVITY
        old_task, old_register = entry.system_task_id, entry.error_register_id
        _clear(entry, keep_attempts=keep_attempts)
        entry.earliest_start_at = max(entry.earliest_start_at or now, now + lead)
        if entry._state.adding:
            entry.modified_at = now
            entry.save(force_insert=True)
        elif old_task is not None:
            scheduler.cancel_task(old_task)
        _schedule(entry, now=now, sleeping=sleeping, user=user, due_at=due_at, context=context)
        store(entry, LIVE_FIELDS, now=now)
        registers.release([old_register])
    announce(after_enqueue, entry=entry)
    telemetry.entry_event("0000E24" if entry.system_task_id else "0000FNY", entry)
    return entry.system_task_id is not None


def dispatch_task(
    entry: Entry,
    *,
    user: Any,
    not_before: datetime,
    is_ready: bool = True,
    context: dict[str, Any] | None = None,
) -> UUID:
    """Creates a task that runs the dispatcher for the entry, always with the entry's own timeout."""
    return scheduler.create_task(
        MAIN_ROUTINE,
        failure_routine=FAILURE_ROUTINE,
        record=entry.id,
        company=entry.company_id,
        user=user,
        not_before=not_before,
        is_ready=is_ready,
        priority=entry.priority,
        timeout_seconds=entry.timeout_seconds or settings().default_timeout_seconds,
        context=context,
    )


def clear_session(entry: Entry) -> None:
    """Forgets the session that ran the entry."""
    for name in SESSION_FIELDS:
        setattr(entry, name, None)


def clear_hold(entry: Entry) -> None:
    """Forgets who held the entry and why."""
    entry.hold_kind = entry.hold_reason = ""
    entry.held_by = entry.held_at = entry.held_until = None


def _schedule(entry: Entry, *, now: datetime, sleeping: bool, user: Any, due_at: Any, context: Any) -> None:
    if ask(schedule_veto, entry=entry):
        entry.status = Status.ON_HOLD
        entry.hold_kind, entry.hold_reason = HoldKind.PROGRAM, VETO_REASON
        entry.held_by, entry.held_at, entry.held_until = None, now, None
        return
    if user is not KEEP:
        entry.user = user
    if due_at is NEW:
        entry.due_at = entry.earliest_start_at
    elif due_at is not KEEP:
        entry.due_at = due_at
    clear_hold(entry)
    entry.status = Status.INACTIVITY if sleeping else Status.READY
    if sleeping and entry.inactivity_timeout_minutes == 0:
        return
    draft = Draft(task_id=None)
    ask(before_schedule_task, entry=entry, draft=draft)
    not_before = entry.earliest_start_at or now
    entry.system_task_id = draft.task_id or dispatch_task(
        entry, user=entry.user_id, not_before=not_before, context=context
    )


def _clear(entry: Entry, *, keep_attempts: bool) -> None:
    entry.error_message = ""
    entry.error_register = None
    entry.system_task_id = None
    entry.status = Status.ON_HOLD
    clear_session(entry)
    if not keep_attempts:
        entry.attempts = 0


def _ensure_category(entry: Entry) -> None:
    """Code may name a category that does not exist: it is made, whoever comes first."""
    code = entry.category_code
    if code:
        Category.objects.get_or_create(company_id=entry.company_id, code=code, defaults={"description": code})
