"""Questions about the refresher: the set-up of a company, what is monitored, and by whom it is looked after."""

from datetime import datetime
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from jobqueue import companies
from jobqueue.models import Company, Entry
from refresher import events
from refresher.models import ManagedByApp, MonitoredJob, RefreshLog, RefreshSetup, Runner
from refresher.states import PassState


def setup_of(company: Company) -> RefreshSetup:
    """The company's set-up, stored with its defaults if it is asked for the first time."""
    setup, _ = RefreshSetup.objects.select_related("company", "default_runner__user").get_or_create(
        company=company,
        defaults={"default_time_zone": company.time_zone, "external_only": _a_sibling_is_external_only()},
    )
    return setup


def last_refreshed(company: Company, *, runner: Runner | None = None) -> datetime | None:
    """When the last pass over the company ended well, whoever or that runner ran it; None before the first one."""
    done = RefreshLog.objects.filter(company=company, state=PassState.DONE)
    if runner is not None:
        done = done.filter(runner=runner)
    return done.aggregate(last=Max("ended_at"))["last"]


def monitored_job_of(entry: Entry | UUID) -> MonitoredJob | None:
    """The monitored job that drives the entry; None if it is not monitored."""
    key = entry.id if isinstance(entry, Entry) else entry
    return MonitoredJob.objects.select_related("company", "runner__user").filter(entry_id=key).first()


def is_managed(entry: Entry) -> bool:
    """Whether the entry counts as monitored: an extension says so, it is protected, or its flag is set."""
    answer = events.ask(events.is_managed, entry=entry)
    if answer is not None:
        return bool(answer)
    job = monitored_job_of(entry)
    if job is not None and is_protected(job):
        return True
    return ManagedByApp.objects.filter(entry_id=entry.id, managed=True).exists()


def is_protected(job: MonitoredJob) -> bool:
    """Whether the job is protected and protection is not skipped for the company."""
    return job.is_protected and not protection_is_skipped(job.company)


def protection_is_skipped(company: Company) -> bool:
    """Whether an extension skips registration, which makes every job a custom job (*Protection and customisation*)."""
    return events.ask(events.skip_protection, company=company) is True


def jobs_for(company: Company, *, runner: Runner | None, setup: RefreshSetup) -> QuerySet[MonitoredJob]:
    """The monitored jobs a pass looks after: all in login mode (``runner`` None), else the runner's own.

    Jobs without a runner belong to the default runner; without a default, to nobody (*Restore phase*, selection).
    """
    jobs = MonitoredJob.objects.select_related("company", "runner__user").filter(company=company)
    if runner is not None:
        own = Q(runner=runner)
        jobs = jobs.filter(own | Q(runner=None) if setup.default_runner_id == runner.pk else own)
    return jobs.order_by("pk")


def companies_served_by(runner: Runner) -> list[Company]:
    """The companies the worker refreshes as this runner: enabled, external, open to it, and counting on it.

    A company counts on the runners of its monitored jobs and on its default runner. By name.
    """
    setups = RefreshSetup.objects.select_related("company").filter(enabled=True, use_external=True)
    own = setups.filter(
        Q(default_runner=runner) | Q(company__in=MonitoredJob.objects.filter(runner=runner).values("company"))
    )
    return [
        setup.company
        for setup in own.order_by("company__name")
        if companies.may_enter(runner.user, setup.company)
    ]


def _a_sibling_is_external_only() -> bool:
    return RefreshSetup.objects.filter(external_only=True).exists()
