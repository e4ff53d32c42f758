"""Guarded changes: an entry is written only if nobody changed it since it was read.

``revision`` is raised by every stored change, so an equal revision means an unchanged row. Nothing here takes a lock
before it writes, and a task is always touched before its entry, the order the dispatcher keeps, too.
"""

import functools
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

from django.db import transaction
from django.db.models import F

from jobqueue.errors import NotFound, Refused
from jobqueue.models import Entry

TRIES = 3

P = ParamSpec("P")
R = TypeVar("R")


class ChangedMeanwhile(Refused):
    """Somebody else changed the entry between reading and writing it."""

    code = "changed_meanwhile"


def fresh(entry: Entry) -> Entry:
    """The row as stored now, with company and running user.

    ``NotFound`` if it has been deleted, ``ChangedMeanwhile`` if ``entry`` names an ``expected_revision`` it has left.
    """
    row = Entry.objects.select_related("company", "user").filter(pk=entry.pk).first()
    if row is None:
        raise NotFound(
            f"“{entry}” does not exist any more; it was deleted or has finished. Look into the log."
        )
    require_unchanged(row, entry.expected_revision)
    return row


def store(entry: Entry, names: Iterable[str], *, now: datetime) -> None:
    """Writes the named fields and raises the revision; ``ChangedMeanwhile`` if the row is no longer as it was read."""
    entry.modified_at = now
    values = {name: getattr(entry, name) for name in (*names, "modified_at")}
    moved = Entry.objects.filter(pk=entry.pk, revision=entry.revision).update(
        revision=F("revision") + 1, **values
    )
    if not moved:
        raise _changed_meanwhile(entry)
    entry.revision += 1


def require_unchanged(entry: Entry, expected_revision: int | None) -> None:
    """Raises ``ChangedMeanwhile`` unless the row still has the revision it was seen with; None expects nothing."""
    if expected_revision is not None and expected_revision != entry.revision:
        raise _changed_meanwhile(entry)


def remove(entry: Entry) -> None:
    """Deletes the row; ``ChangedMeanwhile`` if it is no longer as it was read."""
    _, rows = Entry.objects.filter(pk=entry.pk, revision=entry.revision).delete()
    if not rows.get(Entry._meta.label):
        raise _changed_meanwhile(entry)


def verb(function: Callable[Concatenate[Entry, P], R]) -> Callable[Concatenate[Entry, P], R]:
    """Runs a verb in a transaction of its own on the row as stored now, again if somebody was faster.

    After three tries ``ChangedMeanwhile`` reaches the caller. Nothing is left half-done: each failed try rolls back.
    """

    @functools.wraps(function)
    def run(entry: Entry, *args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES - 1):
            try:
                with transaction.atomic():
                    return function(fresh(entry), *args, **kwargs)
            except ChangedMeanwhile:
                continue
        with transaction.atomic():
            return function(fresh(entry), *args, **kwargs)

    return run


def _changed_meanwhile(entry: Entry) -> ChangedMeanwhile:
    return ChangedMeanwhile(
        f"“{entry}” was changed by somebody else meanwhile. Open it again and repeat your change."
    )
