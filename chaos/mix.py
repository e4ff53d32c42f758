"""The entries of a case: one of each kind the product must never lose or double."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from chaos import chain, jobs
from jobqueue import companies, lifecycle
from jobqueue.actors import Actor
from jobqueue.enqueue import LEAD
from jobqueue.errors import Refused
from jobqueue.models import Category, Company, Entry, ScheduledTask
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.scheduler import database_now
from jobqueue.states import Anchor, Origin

EVERY_DAY = dict.fromkeys(WEEKDAY_FIELDS, True)
ATTEMPTS = 4


@dataclass
class Mix:
    """What a case made: ids of its entries, by what is expected of them."""

    once: set[UUID] = field(default_factory=set)
    atomic: set[UUID] = field(default_factory=set)
    failing: set[UUID] = field(default_factory=set)
    recurring: set[UUID] = field(default_factory=set)
    held: set[UUID] = field(default_factory=set)

    @property
    def all(self) -> set[UUID]:
        return self.once | self.failing | self.recurring | self.held

    def take(self, other: "Mix") -> None:
        """Adds what another mix has made."""
        for name in ("once", "atomic", "failing", "recurring", "held"):
            getattr(self, name).update(getattr(other, name))

    def entry(self, object_id: int, *, due_in: float = 0, **values: Any) -> Entry:
        """A released entry, due in so many seconds."""
        found = make(object_id, due_in=due_in, **values)
        kind = self.recurring if found.recurring else self.failing if object_id == jobs.FAIL else self.once
        kind.add(found.id)
        if object_id == jobs.ATOMIC:
            self.atomic.add(found.id)
        return found

    def fill(self, *, due_in: float = 0) -> None:
        """One of each kind: plain, failing at first, failing for good, atomic, in a category, recurring, in a chain."""
        with transaction.atomic():
            for number in range(3):
                self.entry(jobs.WORK, due_in=due_in, description=f"plain {number}")
            self.entry(jobs.FAIL_ONCE, due_in=due_in, description="fails at first")
            self.entry(jobs.FAIL, due_in=due_in, description="fails for good", max_attempts=1)
            self.entry(jobs.ATOMIC, due_in=due_in, description="atomic 1")
            self.entry(jobs.ATOMIC, due_in=due_in, description="atomic 2")
            for number in range(3):
                self.entry(jobs.WORK, due_in=due_in, description=f"in turn {number}", category_code="TURNS")
            for anchor in (Anchor.FIXED, Anchor.COMPLETION):
                self.entry(
                    jobs.WORK,
                    due_in=due_in,
                    description=f"recurring, {anchor}",
                    minutes_between_runs=10,
                    recurrence_anchor=anchor.value,
                    **EVERY_DAY,
                )

    def load(self, entries: int, *, every: float = 0.05) -> None:
        """Plain entries that come due one after the other, so that the fault finds the worker at work."""
        with transaction.atomic():
            for number in range(entries):
                self.entry(jobs.WORK, due_in=0.5 + number * every, description=f"load {number}")

    def fill_chain(self, *, lines: int = 3) -> None:
        """A chain; its first line is started at once."""
        name = f"chain{database_now().timestamp():.6f}"
        with transaction.atomic():
            entries = [
                lifecycle.create_entry(
                    companies.default(),
                    {
                        "object_id": jobs.WORK,
                        "description": f"{name}:{number}",
                        "max_attempts": ATTEMPTS,
                        "owner_kind": chain.OWNER,
                        "owner_reference": f"{name}:{number}",
                    },
                    actor=actor(),
                )
                for number in range(1, lines + 1)
            ]
            self.held |= {entry.id for entry in entries}
            chain.start(entries[0])

    def hold_recurring(self) -> None:
        """No further due moments: what is due now is still served."""
        for entry in Entry.objects.filter(id__in=self.recurring):
            lifecycle.set_on_hold(entry, actor=actor(), reason="The time is over.")

    def end_recurring(self) -> None:
        """Deletes what would go on for ever."""
        for entry in Entry.objects.filter(id__in=self.all):
            try:
                lifecycle.delete_entry(entry, actor=actor(), reason="The case is over.")
            except Refused:
                Entry.objects.filter(pk=entry.pk).exclude(status=1).delete()


def actor() -> Actor:
    """Whoever makes the entries: a program acting for a superuser."""
    user, _ = get_user_model().objects.get_or_create(
        username="chaos", defaults={"is_superuser": True, "is_staff": True}
    )
    return Actor(user=user, origin=Origin.PROGRAM)


def make(
    object_id: int,
    *,
    due_in: float = 0,
    company: Company | None = None,
    by: Actor | None = None,
    **values: Any,
) -> Entry:
    """A released entry with retries, due in so many seconds; the least lead of enqueueing is taken off first."""
    now = database_now() - LEAD
    values = {"object_id": object_id, "max_attempts": ATTEMPTS, **values}
    due = values.pop("due_at", now + LEAD + timedelta(seconds=due_in))
    assert isinstance(due, datetime)
    values["earliest_start_at"] = due
    entry = lifecycle.create_ready(company or companies.default(), values, actor=by or actor(), now=now)
    if entry.recurring and entry.due_at != due:
        _move(entry, due=due)
    return entry


def _move(entry: Entry, *, due: datetime) -> None:
    """Fixed times lie on a grid of minutes; the case wants this run now."""
    Entry.objects.filter(pk=entry.pk).update(due_at=due, earliest_start_at=due)
    ScheduledTask.objects.filter(pk=entry.system_task_id).update(not_before=due, rank=due)


def make_category(code: str, *, slots: int = 1) -> None:
    """A category with so many slots."""
    Category.objects.update_or_create(
        company=companies.default(), code=code, defaults={"description": code, "slots": slots}
    )
