"""*Recreate Monitored Jobs*: the templates anew from code and from flagged entries."""

from dataclasses import dataclass, field
from datetime import datetime

from jobqueue.actors import Actor
from jobqueue.models import Company
from refresher.models import MonitoredJob
from refresher.passing.results import Registered


@dataclass(frozen=True, slots=True)
class Losses:
    """What recreating would lose, one sentence each. ``lost_for_good``: custom templates whose entry is gone."""

    lost_for_good: list[MonitoredJob] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recreation:
    """What recreating did."""

    deleted: int
    registered: list[Registered]
    from_entries: list[MonitoredJob]
    errors: list[str] = field(default_factory=list)


def what_recreating_loses(company: Company, *, actor: Actor) -> Losses:
    """The warning to be confirmed: runner assignments, edits, refresh results, templates without an entry."""
    raise NotImplementedError


def recreate_monitored_jobs(company: Company, *, actor: Actor, now: datetime | None = None) -> Recreation:
    """Deletes all monitored jobs, registers those of code, and monitors every flagged entry as it is now.

    Nothing is restored or started. Flags survive; those of entries that are protected now go, those whose entry is
    missing stay. Source: *Refresher reference, Recreate Monitored Jobs*.
    """
    raise NotImplementedError
