"""An unsaved copy of an entry: its definition without its live state and without its owner."""

from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from jobqueue.models import Entry
from jobqueue.states import HoldKind, Status
from jobqueue.validation import SETTABLE

COPIED = (*SETTABLE, "recurring", "manual_recurrence", "anchor_date")


def duplicate(entry: Entry, *, actor: Actor, now: datetime, **overrides: Any) -> Entry:
    """The copy: On Hold as a draft of the actor, who also becomes its running user; not stored yet."""
    values = {name: getattr(entry, name) for name in COPIED} | overrides
    return Entry(
        company=entry.company,
        user=actor.user if actor.user is not None else entry.user,
        is_system=entry.is_system and actor.user is None,
        **values,
        **birth(actor=actor, now=now),
    )


def birth(*, actor: Actor, now: datetime) -> dict[str, Any]:
    """The live state every new entry starts with."""
    return {
        "status": Status.ON_HOLD,
        "hold_kind": HoldKind.DRAFT,
        "held_by": actor.user,
        "held_at": now,
        "created_by": actor.user,
        "created_at": now,
        "modified_at": now,
        "last_ready_state_at": now,
    }
