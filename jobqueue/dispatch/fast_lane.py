"""The fast lane: entries whose start needs no lock, no listener and no second look, alone or behind another run.

Several tasks that travel in one message are looked up in one statement (``prepare``). A start may rely on that for a
moment: what the entry says is guarded in the statement that starts it (behind another run also that the user is
active), everything else is at most ``FRESH_SECONDS`` old.
"""

import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection

from jobqueue import events
from jobqueue.dispatch import facts
from jobqueue.dispatch.work import Work, facts_of, work_of
from jobqueue.gates import first_closed, is_late
from jobqueue.scheduler import ClaimedTask
from jobqueue.states import Anchor, Status

FRESH_SECONDS = 0.1

SLOW_SIGNALS = (
    events.before_run,
    events.is_ready_to_start,
    events.category_wait,
    events.before_execute,
    events.before_window_reschedule,
    events.before_waiting_reschedule,
)
"""With a receiver for one of these a start needs the entry as a model."""


def is_plain_start(work: Work) -> bool:
    """Whether the fast lane will do, or the category lane: no owner, no listener, nothing missed to record."""
    entry = work.entry
    return not (
        entry.owner_kind
        or entry.status == Status.IN_PROCESS
        or work.reading.is_extra
        or any(signal.receivers for signal in SLOW_SIGNALS)
        or (entry.recurring and entry.recurrence_anchor == Anchor.FIXED and is_late(facts_of(work)))
    )


def prepare(claims: Sequence[ClaimedTask]) -> Mapping[UUID, Work]:
    """Looks up in one statement what several claims are about."""
    return {
        claim.id: work_of(claim, reading, reading.entry)
        for claim, reading in facts.read_many(claims)
        if reading.entry is not None
    }


def prepared(claim: ClaimedTask) -> Work | None:
    """The claim's prepared work if it may start as it was read; what is not so plain and open is read again."""
    work: Work | None = None if claim.turn is None else claim.turn.prepared
    if work is None or work.started is not None:
        return work
    fresh = time.monotonic() - work.read_at < FRESH_SECONDS
    return work if fresh and is_plain_start(work) and first_closed(facts_of(work)) is None else None


def startable_with_end_of(work: Work) -> Work | None:
    """The prepared work whose turn comes after this one, if the statement that ends this one may start it."""
    if work.claim.turn is None or connection.in_atomic_block:
        return None
    claim = work.claim.turn.following()
    following = None if claim is None else prepared(claim)
    if following is None or following.entry.category_code or following.entry.entry_no == work.entry.entry_no:
        return None
    return following
