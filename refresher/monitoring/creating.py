"""How a monitored job comes to be: the flag on an entry, a selection of entries, or from scratch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from jobqueue.models import Company, Entry
from refresher.models import MonitoredJob


@dataclass(frozen=True, slots=True)
class Creation:
    """The monitored job made from an entry, or the sentence why there is none."""

    entry: Entry
    job: MonitoredJob | None = None
    error: str = ""
    code: str = ""


def set_managed_by_app(
    entry: Entry, managed: bool, *, actor: Actor, now: datetime | None = None
) -> MonitoredJob | None:
    """Switches the *Managed by App* flag of an entry; returns its monitored job, None when switched off.

    On: the entry must be recurring and belong to no owner; it is monitored as it is now. Off: flag and monitored job
    go, the entry stays and keeps running; refused for protected jobs. Nothing happens if the flag is so already.
    """
    raise NotImplementedError


def create_from_entries(
    entries: Iterable[Entry], *, actor: Actor, now: datetime | None = None
) -> list[Creation]:
    """Monitors several entries, each isolated: one that is refused does not stop the others."""
    raise NotImplementedError


def create_from_scratch(
    company: Company, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> MonitoredJob:
    """Stores a new monitored job and restores it at once: its entry is created and started as the actor.

    ``values`` by field name as for an entry, besides ``runner``, ``auto_reschedule``,
    ``auto_reschedule_delay_seconds`` and ``heartbeat_url``. Raises ``Invalid`` with every problem.
    """
    raise NotImplementedError
