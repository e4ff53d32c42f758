"""Making entries Ready: by a person, by a restart, by the end of a hold.

Source: *Job queue reference, Status values and state machine*.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from jobqueue import history, scheduler, telemetry
from jobqueue.actors import SYSTEM, Actor
from jobqueue.categories import request_wake
from jobqueue.enqueue import KEEP, clear_session, enqueue
from jobqueue.errors import JobQueueError, Refused
from jobqueue.events import Draft, after_set_status, announce, ask, before_restart, before_set_status
from jobqueue.guarded import fresh, require_unchanged, store, verb
from jobqueue.ledger import close_due_moment
from jobqueue.lifecycle import guards
from jobqueue.lifecycle.editing import create_entry
from jobqueue.lifecycle.holding import END_HOLDS_ROUTINE
from jobqueue.models import Company, Entry
from jobqueue.permissions import level_for, require
from jobqueue.querysets import expired_holds, running_log_entries
from jobqueue.schedule import ScheduleError, initial_run
from jobqueue.scheduler import database_now
from jobqueue.states import RESTART_FROM, SET_READY_FROM, Status
from jobqueue.validation import recurrence_of

logger = logging.getLogger(__name__)

DOING = "set to Ready"
RESTARTING = "restarted"
LOOK_AGAIN = timedelta(minutes=1)


def set_ready(
    entry: Entry,
    *,
    actor: Actor,
    now: datetime | None = None,
    as_owner: bool = False,
    owner_run: str | None = None,
    earliest_start_at: datetime | None = None,
) -> Entry:
    """Releases the entry; the actor becomes its running user. Nothing at all happens if it is Ready already.

    ``as_owner`` and ``owner_run`` are for the owner of an owned entry, ``earliest_start_at`` moves the start before
    releasing. Raises ``NotAllowed``, ``Invalid``, or ``Refused`` (In Process, expired, owned, vetoed).
    """
    now = now or database_now()
    return _require_released(
        _set_ready(
            entry,
            actor=actor,
            now=now,
            as_owner=as_owner,
            owner_run=owner_run,
            earliest_start_at=earliest_start_at,
        )
    )


def create_ready(
    company: Company,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime | None = None,
    as_owner: bool = False,
    owner_run: str | None = None,
) -> Entry:
    """Creates and releases an entry in one transaction: a refusal leaves nothing behind, a veto an entry On Hold."""
    now = now or database_now()
    with transaction.atomic():
        entry = create_entry(company, values, actor=actor, now=now)
        entry = _set_ready(
            entry, actor=actor, now=now, as_owner=as_owner, owner_run=owner_run, earliest_start_at=None
        )
    return _require_released(entry)


@verb
def _set_ready(
    entry: Entry,
    *,
    actor: Actor,
    now: datetime,
    as_owner: bool,
    owner_run: str | None,
    earliest_start_at: datetime | None,
) -> Entry:
    require(actor, level_for(entry, "operate"), entry.company)
    guards.require_free_of_owner(entry, actor=actor, as_owner=as_owner, doing=DOING)
    if entry.status == Status.READY:
        return entry
    guards.require_status(entry, SET_READY_FROM, doing=DOING, way_out="Wait until its run is recorded.")
    guards.require_idle(entry, doing=DOING)
    if earliest_start_at is not None:
        entry.earliest_start_at = earliest_start_at
    _require_may_release(entry, actor=actor, now=now)
    return _release(entry, actor=actor, now=now, action="set-ready", owner_run=owner_run)


def restart(
    entry: Entry,
    *,
    actor: Actor,
    now: datetime | None = None,
    as_owner: bool = False,
    owner_run: str | None = None,
    earliest_start_at: datetime | None = None,
    expected_revision: int | None = None,
) -> Entry:
    """Stops and starts the entry anew, also from Ready; a sleeping entry starts now.

    Arguments and refusals as :func:`set_ready`. ``expected_revision`` is for programs that looked before they decided:
    ``ChangedMeanwhile`` if the entry is no longer as they saw it.
    """
    now = now or database_now()
    return _require_released(
        _restart(
            entry,
            actor=actor,
            now=now,
            as_owner=as_owner,
            owner_run=owner_run,
            earliest_start_at=earliest_start_at,
            expected_revision=expected_revision,
        )
    )


@verb
def _restart(
    entry: Entry,
    *,
    actor: Actor,
    now: datetime,
    as_owner: bool,
    owner_run: str | None,
    earliest_start_at: datetime | None,
    expected_revision: int | None,
) -> Entry:
    require_unchanged(entry, expected_revision)
    require(actor, level_for(entry, "operate"), entry.company)
    guards.require_free_of_owner(entry, actor=actor, as_owner=as_owner, doing=RESTARTING)
    guards.require_status(entry, RESTART_FROM, doing=RESTARTING, way_out="Wait until its run is recorded.")
    guards.require_idle(entry, doing=RESTARTING)
    _require_may_release(entry, actor=actor, now=now)
    ask(before_restart, entry=entry, actor=actor)
    if entry.status == Status.INACTIVITY and entry.inactivity_timeout_minutes > 0:
        entry.earliest_start_at = now
    if earliest_start_at is not None:
        entry.earliest_start_at = earliest_start_at
    return _release(entry, actor=actor, now=now, action="restart", owner_run=owner_run)


def end_expired_holds(now: datetime) -> int:
    """Sets every entry Ready whose hold lasted until ``now`` or earlier, as its running user; returns how many.

    One entry that cannot be released does not stop the others: it stays On Hold, without an end. While a run under the
    hold goes on, the hold lasts, too, and is looked at again a minute later.
    """
    released, still_running = 0, False
    for held in expired_holds(now):
        if running_log_entries(held).exists():
            still_running = True
            continue
        try:
            released += _end_hold(held, now=now)
        except (JobQueueError, ScheduleError) as error:
            logger.warning("The hold of entry %s ended but it was not set to Ready: %s", held.pk, error)
            _keep_held(held, now=now)
    if still_running:
        scheduler.create_task(END_HOLDS_ROUTINE, not_before=now + LOOK_AGAIN)
    return released


@verb
def _end_hold(entry: Entry, *, now: datetime) -> bool:
    if entry.status != Status.ON_HOLD or entry.held_until is None or entry.held_until > now:
        return False
    _release(entry, actor=SYSTEM, now=now, action="", owner_run=None)
    return entry.status == Status.READY


def _keep_held(entry: Entry, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            row = fresh(entry)
            row.held_until = None
            store(row, ["held_until"], now=now)
    except JobQueueError:
        return


def _require_may_release(entry: Entry, *, actor: Actor, now: datetime) -> None:
    guards.require_not_expired(entry, now=now)
    guards.require_valid(entry, now=now)
    guards.require_runnable_by(actor.user, entry)


def _release(entry: Entry, *, actor: Actor, now: datetime, action: str, owner_run: str | None) -> Entry:
    """The transition itself: first run, fresh counters, a task; history only for what somebody did on purpose."""
    old = entry.status
    draft = Draft(status=Status.READY)
    ask(before_set_status, entry=entry, old=old, draft=draft)
    if draft.handled or draft.status not in (Status.READY, Status.INACTIVITY):
        return entry
    close_due_moment(entry, reason=f"Released anew by {actor.name}", now=now)
    entry.status = draft.status
    entry.last_ready_state_at = now
    entry.earliest_start_at = _first_start(entry, now=now)
    clear_session(entry)
    enqueue(
        entry,
        now=now,
        user=_running_user(entry, actor=actor),
        keep_attempts=False,
        context={"owner_run": owner_run} if owner_run else None,
        actor=actor,
    )
    if old == Status.READY:
        request_wake(entry.company_id, entry.category_code)
    if action:
        history.record(
            entry, actor=actor, action=action, now=now, changes=history.status_change(old, entry.status)
        )
    announce(after_set_status, entry=entry, old=old, new=entry.status)
    telemetry.status_changed(entry, old=old)
    return entry


def _first_start(entry: Entry, *, now: datetime) -> datetime:
    try:
        return initial_run(recurrence_of(entry), now=now, earliest_start=entry.earliest_start_at)
    except ScheduleError as error:
        raise Refused(f"{guards.words(entry)} has no next run. {error.message}", code=error.code) from error


def _running_user(entry: Entry, *, actor: Actor) -> Any:
    """System work stays with the System identity; the system itself never becomes anybody's running user."""
    return KEEP if entry.is_system or actor.user is None else actor.user


def _require_released(entry: Entry) -> Entry:
    """Reports, after the commit, that an extension kept the entry On Hold."""
    if entry.status == Status.ON_HOLD:
        raise Refused(
            f"{guards.words(entry)} was not enqueued and stays On Hold: {history.hold_in_words(entry)}. "
            "Remove what stands against it and set it to Ready again.",
            code="not_enqueued",
        )
    return entry
