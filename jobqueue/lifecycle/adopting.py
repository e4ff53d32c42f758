"""Adopting a copied or restored database: it becomes this installation's, its schedules held unless told otherwise."""

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from jobqueue import history
from jobqueue.actors import Actor
from jobqueue.conf import settings
from jobqueue.enqueue import HOLD_FIELDS, MAIN_ROUTINE, SESSION_FIELDS, clear_session
from jobqueue.errors import Refused
from jobqueue.events import after_adopt, announce
from jobqueue.guarded import store
from jobqueue.ledger import close_due_moment
from jobqueue.models import Entry, EntryChange, Installation, ScheduledTask
from jobqueue.permissions import require
from jobqueue.scheduler import copy_guard, database_now
from jobqueue.scheduler.copy_guard import Standing
from jobqueue.states import HOLD_WORDS, HoldKind, Status

logger = logging.getLogger(__name__)

HELD_FROM = (Status.READY, Status.WAITING, Status.INACTIVITY, Status.IN_PROCESS)
SILENT_BEATS = 3
BATCH = 500
REASON = "The database is a copy that was adopted."
STILL_IN_USE = "still_in_use"


@dataclass(frozen=True, slots=True)
class Adoption:
    """What adopting did: whose the database was, and how many entries were set On Hold."""

    former_site_id: str
    site_id: str
    held: int


def adopt(*, actor: Actor, keep_ready: bool = False, now: datetime | None = None) -> Adoption:
    """Makes a held database this installation's own, in one transaction; its workers go on within a second.

    Every entry that would start is set On Hold, kind *copy*, and its pending task is removed; ``keep_ready`` leaves all
    as it is. Entries of the system go on. The holds are stored directly: no event, no veto. Raises ``NotAllowed``, or
    ``Refused`` when there is nothing to adopt or another installation still works with this very database.
    Source: *Job queue reference, Copies*; *Decisions, Safety*.
    """
    require(actor, "administer")
    now = now or database_now()
    with transaction.atomic():
        # The lock: two people never adopt at once.
        row = Installation.objects.select_for_update().filter(pk=copy_guard.THE_ROW).first()
        verdict = copy_guard.look()
        if row is None or not verdict.held:
            raise Refused(
                "The database belongs to this installation already; there is nothing to adopt.",
                code="not_held",
            )
        if verdict.standing is Standing.FOREIGN:
            _require_silent(row, now=now)
        held = 0 if keep_ready else _hold_schedules(actor=actor, now=now)
        former, row.site_id = row.site_id, copy_guard.our_site_id()
        row.identity = uuid.uuid4()
        row.held_at, row.held_reason = None, ""
        row.adopted_at, row.adopted_by = now, actor.user
        row.save()
        announce(after_adopt, actor=actor, keep_ready=keep_ready, now=now)
    logger.info(
        "%s adopted the database of “%s” for “%s”; %s entries were set On Hold.",
        actor.name,
        former,
        row.site_id,
        held,
    )
    return Adoption(former, row.site_id, held)


def _require_silent(row: Installation, *, now: datetime) -> None:
    """Refuses while the owner's heartbeats go on: this is no copy then, but its database."""
    silent_for, needed = (
        now - row.heartbeat_at,
        timedelta(seconds=SILENT_BEATS * settings().heartbeat_seconds),
    )
    if not timedelta(0) <= silent_for < needed:
        return
    rest = int((needed - silent_for).total_seconds()) + 1
    raise Refused(
        f"“{row.site_id}” worked with this database {int(silent_for.total_seconds())} s ago. If it still does, "
        "adopting would stop its jobs: give this installation a database of its own. "
        f"If this is a copy, adopt it in {rest} s.",
        code=STILL_IN_USE,
    )


def _hold_schedules(*, actor: Actor, now: datetime) -> int:
    """Sets everything On Hold that would start by itself; what says it is running ends under its hold."""
    held = 0
    changes = []
    for entry in _startable():
        changes.append(_hold(entry, actor=actor, now=now))
        held += 1
    EntryChange.objects.bulk_create(changes, batch_size=BATCH)
    system = Entry.objects.filter(is_system=True).values("id")
    waiting = ScheduledTask.objects.filter(main_routine=MAIN_ROUTINE, error_kind="")
    waiting.exclude(state=ScheduledTask.State.RUNNING).exclude(record__in=system).delete()
    return held


def _startable() -> Iterator[Entry]:
    entries = Entry.objects.filter(status__in=HELD_FROM, is_system=False).select_related("company", "user")
    return entries.order_by("pk").iterator(chunk_size=BATCH)


def _hold(entry: Entry, *, actor: Actor, now: datetime) -> EntryChange:
    old = entry.status
    names = ["status", *HOLD_FIELDS]
    if old != Status.IN_PROCESS:
        close_due_moment(entry, reason=REASON, now=now)
        entry.system_task_id = None
        clear_session(entry)
        names += ["system_task_id", *SESSION_FIELDS]
    entry.status = Status.ON_HOLD
    entry.hold_kind, entry.hold_reason = HoldKind.COPY, REASON
    entry.held_by, entry.held_at, entry.held_until = actor.user, now, None
    store(entry, names, now=now)
    return EntryChange(
        company_id=entry.company_id,
        entry_id=entry.id,
        entry_description=str(entry)[:250],
        at=now,
        user=actor.user,
        origin=actor.origin,
        action="set-on-hold",
        reason=REASON,
        changes=history.status_change(old, entry.status) | {"Hold": ["", HOLD_WORDS[HoldKind.COPY]]},
    )
