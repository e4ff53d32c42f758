"""Setting entries On Hold: with a kind, a reason, and optionally an end (decisions on holds)."""

from datetime import datetime

from jobqueue import history, scheduler, telemetry
from jobqueue.actors import Actor
from jobqueue.categories import request_wake
from jobqueue.enqueue import HOLD_FIELDS, SESSION_FIELDS, clear_session
from jobqueue.errors import Invalid, Problem
from jobqueue.events import Draft, after_set_status, announce, ask, before_set_status
from jobqueue.guarded import store, verb
from jobqueue.ledger import close_due_moment
from jobqueue.lifecycle import guards
from jobqueue.models import Entry
from jobqueue.permissions import level_for, require
from jobqueue.scheduler import database_now
from jobqueue.states import HOLD_WORDS, HoldKind, Status
from jobqueue.validation.coercion import LATEST_YEAR

END_HOLDS_ROUTINE = "jobqueue.end_holds"
MAX_REASON = 250


def set_on_hold(
    entry: Entry,
    *,
    actor: Actor,
    reason: str = "",
    until: datetime | None = None,
    kind: HoldKind = HoldKind.MANUAL,
    now: datetime | None = None,
) -> Entry:
    """Parks the entry from any status; a run in process goes on to its end and the hold survives it.

    ``until`` (aware, in the future) ends the hold by itself. A program's hold is of kind *program* unless another is
    named, and never replaces a hold that is there. Holding again with the same words changes nothing.
    """
    if guards.by_program(actor) and kind == HoldKind.MANUAL:
        kind = HoldKind.PROGRAM
    now = now or database_now()
    _require_sound(reason=reason, until=until, now=now)
    return _set_on_hold(entry, actor=actor, reason=reason.strip(), until=until, kind=HoldKind(kind), now=now)


@verb
def _set_on_hold(
    entry: Entry, *, actor: Actor, reason: str, until: datetime | None, kind: HoldKind, now: datetime
) -> Entry:
    require(actor, level_for(entry, "operate"), entry.company)
    guards.require_free_of_owner(entry, actor=actor, as_owner=False, doing="set On Hold")
    old = entry.status
    if old == Status.ON_HOLD and not _changes_hold(entry, kind=kind, reason=reason, until=until):
        return entry
    draft = Draft(status=Status.ON_HOLD)
    if old != Status.ON_HOLD:
        ask(before_set_status, entry=entry, old=old, draft=draft)
        if draft.handled or draft.status != Status.ON_HOLD:
            return entry
        _let_go(entry, actor=actor, now=now)
    entry.status = Status.ON_HOLD
    entry.hold_kind, entry.hold_reason = kind, reason
    entry.held_by, entry.held_at, entry.held_until = actor.user, now, until
    store(entry, ["status", "system_task_id", *SESSION_FIELDS, *HOLD_FIELDS], now=now)
    if old == Status.READY:
        request_wake(entry.company_id, entry.category_code)
    if until is not None:
        scheduler.create_task(END_HOLDS_ROUTINE, company=entry.company_id, not_before=until)
    changes = history.status_change(old, entry.status) | _hold_change(entry)
    history.record(entry, actor=actor, action="set-on-hold", now=now, reason=reason, changes=changes)
    if old != Status.ON_HOLD:
        announce(after_set_status, entry=entry, old=old, new=entry.status)
        telemetry.status_changed(entry, old=old)
    return entry


def _require_sound(*, reason: str, until: datetime | None, now: datetime) -> None:
    problems = []
    if len(reason.strip()) > MAX_REASON:
        sentence = (
            f"The reason has {len(reason.strip())} characters; at most {MAX_REASON} are kept. Shorten it."
        )
        problems.append(Problem("hold_reason", "too_long", sentence))
    if until is not None and until <= now:
        sentence = (
            f"A hold cannot end at {until:%Y-%m-%d %H:%M} UTC, which has passed. Choose a later moment."
        )
        problems.append(Problem("held_until", "in_the_past", sentence))
    if until is not None and until.year > LATEST_YEAR:
        sentence = (
            f"A hold ends in the year {LATEST_YEAR} at the latest. Leave the moment empty to hold for good."
        )
        problems.append(Problem("held_until", "too_late", sentence))
    if problems:
        raise Invalid(problems)


def _changes_hold(entry: Entry, *, kind: HoldKind, reason: str, until: datetime | None) -> bool:
    if kind != HoldKind.MANUAL and entry.hold_kind:
        return False
    return (entry.hold_kind, entry.hold_reason, entry.held_until) != (kind, reason, until)


def _let_go(entry: Entry, *, actor: Actor, now: datetime) -> None:
    """Cancels the pending task and settles its due moment; a running one goes on and still finds the entry."""
    if entry.status == Status.IN_PROCESS:
        return
    close_due_moment(entry, reason=f"Set On Hold by {actor.name}", now=now)
    if entry.system_task_id is not None:
        existed = scheduler.cancel_task(entry.system_task_id)
        telemetry.entry_event(
            "0000KZV", entry, JobQueueScheduledTaskExistedOnCancel="Yes" if existed else "No"
        )
    entry.system_task_id = None
    clear_session(entry)


def _hold_change(entry: Entry) -> dict[str, list[str]]:
    until = history.in_words("held_until", entry.held_until)
    return {"Hold": ["", HOLD_WORDS[HoldKind(entry.hold_kind)] + (f", until {until}" if until else "")]}
