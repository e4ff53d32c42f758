"""What somebody outside watches over: does the installation work, and is every company refreshed?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, Max, Min, OuterRef, Sum

from jobqueue.models import Company
from jobqueue.scheduler import copy_guard
from jobqueue.scheduler.models import Cluster, ScheduledTask
from notifications.models import Message
from refresher.asking import last_refreshed
from refresher.models import MonitoredJob, RefreshSetup
from refresher.watching import overdue_in


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """``monitored`` False: nothing to refresh there. ``overdue``: counts on the worker, and nobody came for hours, or a
    runner that some jobs count on did not; ``overdue_reason`` says which in a sentence.
    """

    code: str
    name: str
    external: bool
    monitored: bool
    last_refreshed_at: datetime | None
    overdue: bool
    overdue_reason: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Seconds are those since the oldest one became due, None if there is none; ``now`` is the database's clock."""

    now: datetime
    held: bool
    held_reason: str
    worker_processes: int
    worker_last_seen_at: datetime | None
    oldest_due_task_seconds: int | None
    due_task_limit_seconds: int
    oldest_unsent_message_seconds: int | None


def facts(*, now: datetime) -> Facts:
    """How the installation stands at ``now``; four queries."""
    verdict = copy_guard.look()
    live = Cluster.objects.filter(state=Cluster.State.LIVE, lease_until__gt=now)
    seen = live.aggregate(processes=Sum("workers"), last=Max("heartbeat_at"))
    due = ScheduledTask.objects.filter(state=ScheduledTask.State.FREE, is_ready=True, not_before__lte=now)
    unsent = Message.objects.filter(state__in=(Message.State.QUEUED, Message.State.SENDING))
    return Facts(
        now=now,
        held=verdict.held,
        held_reason=verdict.reason if verdict.held else "",
        worker_processes=seen["processes"] or 0,
        worker_last_seen_at=seen["last"],
        oldest_due_task_seconds=_age(due.aggregate(oldest=Min("not_before"))["oldest"], now=now),
        due_task_limit_seconds=settings.READY_TASK_AGE_SECONDS,
        oldest_unsent_message_seconds=_age(unsent.aggregate(oldest=Min("queued_at"))["oldest"], now=now),
    )


def company_facts(companies: Iterable[Company], *, now: datetime) -> list[CompanyFacts]:
    """How each company's refreshing stands, by code."""
    monitored = MonitoredJob.objects.filter(company=OuterRef("company"))
    setups = (
        RefreshSetup.objects.select_related("company")
        .filter(company__in=companies)
        .annotate(monitored=Exists(monitored))
        .order_by("company__code")
    )
    return [_of(setup, now=now) for setup in setups]


def _of(setup: RefreshSetup, *, now: datetime) -> CompanyFacts:
    external, monitored = setup.enabled and setup.use_external, bool(setup.monitored)  # type: ignore[attr-defined]
    overdue = overdue_in(setup, now=now) if external and monitored else None
    return CompanyFacts(
        code=setup.company.code,
        name=setup.company.name,
        external=external,
        monitored=monitored,
        last_refreshed_at=last_refreshed(setup.company),
        overdue=overdue is not None,
        overdue_reason=overdue.sentence if overdue is not None else "",
    )


def _age(moment: datetime | None, *, now: datetime) -> int | None:
    return None if moment is None else max(0, int((now - moment).total_seconds()))
