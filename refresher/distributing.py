"""Spreading monitored jobs evenly over the runner users, by load."""

from dataclasses import dataclass
from datetime import datetime

from jobqueue.actors import Actor
from jobqueue.models import Company
from refresher.models import MonitoredJob, Runner


@dataclass(frozen=True, slots=True)
class Move:
    """One job that changes hands, and its load in seconds of run time a day."""

    job: MonitoredJob
    old: Runner | None
    new: Runner
    load: float


def distribute_runners(
    company: Company, *, actor: Actor, preview: bool = False, now: datetime | None = None
) -> list[Move]:
    """Assigns every monitored job of the company to an operational runner that may run it, so that all carry alike.

    Load is runs a day times the usual duration. Returns the moves; with ``preview`` nothing is written. Jobs nobody
    may run stay where they are. Raises ``NotOperational`` when no runner of the company works.
    """
    raise NotImplementedError
