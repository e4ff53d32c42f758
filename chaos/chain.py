"""A chain of owned entries, as a package is one: each line is started by the end of the line before it.

The owner hook belongs to the finish, so the next line starts in the transaction that ends the one before.
"""

from typing import Any

from jobqueue import events, lifecycle
from jobqueue.actors import Actor
from jobqueue.enqueue import LEAD
from jobqueue.models import Entry
from jobqueue.scheduler import database_now
from jobqueue.states import Origin

OWNER = "chaos chain"


def connect() -> None:
    """Listens to the ends of owned runs."""
    events.finished_owned.connect(_advance, dispatch_uid="chaos.chain")


def start(entry: Entry) -> None:
    """Starts one line."""
    actor = Actor(user=entry.created_by, origin=Origin.PROGRAM)
    at_once = database_now() - LEAD
    lifecycle.set_ready(entry, actor=actor, now=at_once, as_owner=True, owner_run=entry.owner_reference)


def _advance(*, entry: Entry, succeeded: bool, final: bool, **_: Any) -> None:
    if entry.owner_kind != OWNER or not (succeeded and final):
        return
    name, _, number = entry.owner_reference.partition(":")
    following = Entry.objects.filter(owner_kind=OWNER, owner_reference=f"{name}:{int(number) + 1}").first()
    if following is not None:
        start(following)
