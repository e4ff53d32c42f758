"""Whether somebody listens to how an entry's runs end: set by those who listen, for example notification lists."""

from datetime import datetime

from jobqueue import history
from jobqueue.actors import Actor
from jobqueue.guarded import store, verb
from jobqueue.models import Entry
from jobqueue.permissions import level_for, require
from jobqueue.scheduler import database_now


def set_watched(
    entry: Entry,
    watched: bool,
    *,
    actor: Actor,
    action: str = "",
    reason: str = "",
    now: datetime | None = None,
) -> Entry:
    """Lets runs of the entry tell how they end, or no longer; possible in every status, also for a run that goes on.

    ``action`` and ``reason`` are written to the entry's history if given. Raises ``NotAllowed``, ``NotFound``.
    """
    return _set_watched(entry, watched, actor=actor, action=action, reason=reason, now=now or database_now())


@verb
def _set_watched(
    entry: Entry, watched: bool, *, actor: Actor, action: str, reason: str, now: datetime
) -> Entry:
    require(actor, level_for(entry, "schedule"), entry.company)
    if entry.is_watched != watched:
        # The raised revision also makes a run that goes on read the entry again at its end.
        entry.is_watched = watched
        store(entry, ["is_watched"], now=now)
    if action:
        history.record(entry, actor=actor, action=action, now=now, reason=reason)
    return entry
