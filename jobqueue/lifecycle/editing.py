"""Creating, changing and copying entries; every problem of the input is reported together.

Source: *Job queue reference, Job Queue Entry*; decisions on identity and permissions.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language

from jobqueue import history
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, LockedField, Refused
from jobqueue.events import (
    after_insert_entry,
    announce,
    ask,
    before_change_entry,
    before_insert_entry,
    before_insert_recurring_entry,
    before_set_recurring,
    run_parameters_changed,
)
from jobqueue.guarded import ChangedMeanwhile, store, verb
from jobqueue.lifecycle import guards
from jobqueue.lifecycle.copying import birth, duplicate
from jobqueue.models import Company, Entry
from jobqueue.permissions import level_for, may_act_as, require
from jobqueue.scheduler import database_now
from jobqueue.states import Anchor, Origin, Status
from jobqueue.validation import (
    LOCKED_UNLESS_ON_HOLD,
    REACHING_THE_JOB,
    SETTABLE,
    apply,
    coerce,
    labels,
    problems_of,
)

PEOPLES_DOORS = (Origin.ADMIN, Origin.COMMAND)
REFRESHED_BY_A_CHANGE = ("last_ready_state_at", "attempts", "recurring", "anchor_date", "user")


def create_entry(
    company: Company, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> Entry:
    """Stores a new entry, On Hold as a draft; ``values`` by field name, as text or JSON if need be.

    The time zone comes from the company, the anchor is *Fixed times* for entries made by people and *After completion*
    for others, what the job object declares fills fields not given. Programs may also give ``owner_kind`` and
    ``owner_reference``. Raises ``NotAllowed`` or ``Invalid``.
    """
    now = now or database_now()
    with transaction.atomic():
        require(actor, "schedule", company)
        entry = Entry(company=company, user=actor.user, **birth(actor=actor, now=now))
        entry.time_zone = company.time_zone
        entry.user_language = (get_language() or "en")[:15]
        entry.recurrence_anchor = Anchor.FIXED if actor.origin in PEOPLES_DOORS else Anchor.COMPLETION
        before = history.snapshot(Entry(company=company))
        _apply_valid(entry, values, actor=actor, now=now)
        _insert(entry, actor=actor)
        history.record(
            entry, actor=actor, action="create", now=now, changes=history.differences(before, entry)
        )
        announce(after_insert_entry, entry=entry, actor=actor)
    return entry


def change_entry(
    entry: Entry,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> Entry:
    """Changes fields of an entry that is On Hold; fields handed in with their present value count as unchanged.

    Whoever changes what reaches the job without being its running user (or a superuser) becomes its running user.
    Raises ``LockedField`` naming the fields in another status, ``ChangedMeanwhile`` if the revision is no longer the
    expected one, ``Invalid`` with all problems, ``NotAllowed``.
    """
    now = now or database_now()
    return _change_entry(entry, values, actor=actor, expected_revision=expected_revision, now=now)


@verb
def _change_entry(
    entry: Entry, values: Mapping[str, Any], *, actor: Actor, expected_revision: int | None, now: datetime
) -> Entry:
    require(actor, level_for(entry, "schedule"), entry.company)
    guards.require_free_of_owner(entry, actor=actor, as_owner=False, doing="changed")
    if expected_revision is not None and expected_revision != entry.revision:
        raise ChangedMeanwhile(
            f"{guards.words(entry)} was changed since you opened it. Open it again and repeat your change."
        )
    before, revision, name = history.snapshot(entry), entry.revision, guards.words(entry)
    _apply_valid(entry, values, actor=actor, now=now, before=before)
    changed = {name for name in before if before[name] != getattr(entry, name)}
    if not changed:
        return entry
    _require_changeable(entry, changed, name=name)
    ask(before_change_entry, entry=entry, changed=frozenset(changed), actor=actor)
    _answer_for_change(entry, changed, actor=actor)
    if changed <= {"priority_within_category"}:
        store(entry, changed, now=now)
    else:
        entry.last_ready_state_at, entry.attempts = now, 0
        store(entry, {*changed, *REFRESHED_BY_A_CHANGE}, now=now)
    assert entry.revision == revision + 1
    history.record(entry, actor=actor, action="change", now=now, changes=history.differences(before, entry))
    return entry


def copy_entry(entry: Entry, *, actor: Actor, now: datetime | None = None) -> Entry:
    """Stores a copy of the definition, On Hold as a draft of the actor and without an owner; returns the copy."""
    return _copy_entry(entry, actor=actor, now=now or database_now())


@verb
def _copy_entry(entry: Entry, *, actor: Actor, now: datetime) -> Entry:
    require(actor, "schedule", entry.company)
    copy = duplicate(entry, actor=actor, now=now)
    _insert(copy, actor=actor)
    history.record(copy, actor=actor, action="create", now=now, reason=f"Copy of entry {entry.pk}")
    announce(after_insert_entry, entry=copy, actor=actor)
    return copy


def set_priority_within_category(
    entry: Entry, priority: int, *, actor: Actor, now: datetime | None = None
) -> Entry:
    """Moves the entry forward or back among those of its category that wait; refused while In Process."""
    if not entry.category_code:
        raise Refused(
            f"{guards.words(entry)} has no category, so it never waits for a turn. Give it a category first.",
            code="no_category",
        )
    return change_entry(entry, {"priority_within_category": priority}, actor=actor, now=now)


def _apply_valid(
    entry: Entry,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
) -> None:
    by_code = guards.by_program(actor)
    time_zone = values.get("time_zone") or entry.time_zone
    clean, problems = coerce(values, time_zone=str(time_zone), by_code=by_code)
    problems += apply(entry, clean, by_code=by_code, now=now)
    changed = None if before is None else [name for name in SETTABLE if before[name] != getattr(entry, name)]
    unread = {problem.field for problem in problems}
    found = problems_of(entry, by_code=by_code, changed=changed, now=now)
    problems += [problem for problem in found if problem.field not in unread]
    if problems:
        raise Invalid(problems)


def _insert(entry: Entry, *, actor: Actor) -> None:
    ask(before_insert_entry, entry=entry, actor=actor)
    if entry.recurring:
        ask(before_insert_recurring_entry, entry=entry, actor=actor)
    ask(before_set_recurring, entry=entry)
    entry.save(force_insert=True)


def _require_changeable(entry: Entry, changed: set[str], *, name: str) -> None:
    locked = changed & set(LOCKED_UNLESS_ON_HOLD)
    if locked and entry.status != Status.ON_HOLD:
        raise LockedField(
            f"{name} is {Status(entry.status).label}; {labels(locked)} can be changed only while it is "
            "On Hold. Set it On Hold first.",
        )
    if "priority_within_category" in changed and entry.status == Status.IN_PROCESS:
        raise Refused(
            f"{name} is In Process; its priority cannot be changed while it runs. Wait for the end.",
            code="in_process",
        )


def _answer_for_change(entry: Entry, changed: set[str], *, actor: Actor) -> None:
    """Makes the editor the running user where needed, unless an extension decides otherwise."""
    reaching = changed & REACHING_THE_JOB
    if not reaching:
        return
    if entry.is_system and actor.user is not None:
        raise Refused(
            f"{guards.words(entry)} runs as the System identity; {labels(reaching)} are kept by the product. "
            "Copy the entry and change the copy.",
            code="system_entry",
        )
    decided = ask(run_parameters_changed, entry=entry, changed=frozenset(reaching))
    takes_over = not may_act_as(actor.user, entry.user) if decided is None else bool(decided)
    if takes_over and actor.user is not None:
        entry.user = actor.user
