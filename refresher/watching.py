"""Looking round once a minute: is every company that relies on the outside worker being refreshed?"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from refresher import telling
from refresher.asking import last_refreshed
from refresher.models import MonitoredJob, RefreshSetup

OVERDUE = timedelta(hours=3)
"""Three cycles of the worker, which calls every hour."""

SHOWN = 5
HOURS = int(OVERDUE.total_seconds() // 3600)


@dataclass(frozen=True, slots=True)
class Overdue:
    """What nobody refreshed for hours: all jobs of the company, or ``jobs`` of it while others were.

    ``last`` is when the last pass over the company ended well; ``count`` the number of jobs left out.
    """

    last: datetime | None
    count: int
    jobs: list[MonitoredJob] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not self.jobs

    @property
    def sentence(self) -> str:
        if self.whole:
            since = f"since {self.last:%Y-%m-%d %H:%M} UTC" if self.last is not None else "yet"
            return f"The monitored jobs have not been refreshed {since}."
        names = ", ".join(f"“{job}” ({_served_by(job)})" for job in self.jobs)
        more = f" and {self.count - len(self.jobs)} more" if self.count > len(self.jobs) else ""
        jobs = "1 monitored job has" if self.count == 1 else f"{self.count} monitored jobs have"
        return f"{jobs} not been refreshed for {HOURS} hours, though others were: {names}{more}."


def after_a_minute(sender: Any, now: datetime, **named: Any) -> None:
    """Receives ``jobqueue.events.minute_passed``."""
    look_round(now)


def look_round(now: datetime) -> list[RefreshSetup]:
    """Tells people once of every company nobody has refreshed for three hours, and once when it is again.

    Returns the set-ups of which something was told.
    """
    monitored = MonitoredJob.objects.filter(company=OuterRef("company"))
    setups = RefreshSetup.objects.select_related("company", "default_runner__user").filter(
        Exists(monitored), enabled=True, use_external=True
    )
    return [setup for setup in setups if _look_at(setup, now=now)]


def overdue_in(setup: RefreshSetup, *, now: datetime) -> Overdue | None:
    """What has not been refreshed for more than three hours, counted from enabling if that came later.

    Also single jobs: one runner may come every hour, and another, whom other jobs count on, not at all.
    """
    last = last_refreshed(setup.company)
    moments = [last, setup.external_enabled_at]
    newest = max((moment for moment in moments if moment is not None), default=None)
    if newest is None or now - newest > OVERDUE:
        return Overdue(last, MonitoredJob.objects.filter(company=setup.company).count())
    left_out = _left_out(setup, now=now)
    jobs = list(left_out[:SHOWN])
    return Overdue(last, left_out.count(), jobs) if jobs else None


def _left_out(setup: RefreshSetup, *, now: datetime) -> QuerySet[MonitoredJob]:
    """Jobs that are older than three hours and were refreshed within them by nobody."""
    jobs = MonitoredJob.objects.select_related("company", "runner__user").filter(company=setup.company)
    since = now - OVERDUE
    if setup.external_enabled_at is not None and setup.external_enabled_at >= since:
        return jobs.none()
    return jobs.exclude(last_refresh_at__gte=since).exclude(created_at__gte=since).order_by("pk")


def _served_by(job: MonitoredJob) -> str:
    return f"runner user {job.runner.name}" if job.runner is not None else "the default runner user"


def _look_at(setup: RefreshSetup, *, now: datetime) -> bool:
    overdue = overdue_in(setup, now=now)
    if (overdue is not None) == (setup.overdue_told_at is not None):
        return False
    with transaction.atomic():
        # Guarded: of two that look at the same moment, one tells.
        mine = RefreshSetup.objects.filter(pk=setup.pk, overdue_told_at=setup.overdue_told_at).update(
            overdue_told_at=now if overdue is not None else None
        )
        if not mine:
            return False
        if overdue is not None:
            telling.not_refreshed(setup, overdue.sentence, whole=overdue.whole, now=now)
        else:
            telling.refreshed_again(setup, now=now)
    return True
