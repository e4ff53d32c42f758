"""From where a pass looks at its jobs: which company, under whose identity, at what moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobqueue.actors import SYSTEM, Actor
from jobqueue.models import Company
from jobqueue.states import Origin
from refresher import events
from refresher.asking import protection_is_skipped
from refresher.models import MonitoredJob, RefreshSetup, Runner


@dataclass(frozen=True, slots=True)
class Standpoint:
    """``runner`` is None in login mode; ``on_behalf`` is then whoever signed in or asked. ``now`` is aware, UTC."""

    company: Company
    setup: RefreshSetup
    now: datetime
    runner: Runner | None
    on_behalf: Any
    nothing_is_protected: bool
    may_create_all: bool

    @classmethod
    def of(cls, setup: RefreshSetup, *, runner: Runner | None, on_behalf: Any, now: datetime) -> "Standpoint":
        company = setup.company
        return cls(
            company=company,
            setup=setup,
            now=now,
            runner=runner,
            on_behalf=on_behalf,
            nothing_is_protected=protection_is_skipped(company),
            may_create_all=setup.create_missing_custom_jobs
            or events.ask(events.may_create_missing_jobs, company=company) is True,
        )

    @property
    def actor(self) -> Actor:
        """Who restarts: the runner, who becomes the running user; in login mode nobody, so the running user stays."""
        return SYSTEM if self.runner is None else Actor(user=self.runner.user, origin=Origin.PROGRAM)

    def creator(self, job: MonitoredJob) -> Actor:
        """Who an entry created again runs as; in login mode its last running user, else whoever asked."""
        if self.runner is not None:
            return self.actor
        last_user = job.last_user if job.last_user is not None and job.last_user.is_active else None
        return Actor(user=last_user or self.on_behalf, origin=Origin.PROGRAM)

    def is_protected(self, job: MonitoredJob) -> bool:
        return job.is_protected and not self.nothing_is_protected

    def may_create(self, job: MonitoredJob) -> bool:
        """Whether the job's entry may be created again, or a look-alike adopted."""
        return (
            self.is_protected(job)
            or self.may_create_all
            or events.ask(events.may_create_missing_job, job=job) is True
        )
