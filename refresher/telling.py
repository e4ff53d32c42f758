"""Telling people: failed refreshes, runners that fail, and a company nobody refreshes.

Everything goes to the company's default notification list, and without one to whoever set the thing up. Messages are
outbox rows written in the transaction of what they report.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from jobqueue import companies
from jobqueue.models import Company
from notifications.notify import Occasion, notify
from notifications.scenarios import Scenario, Severity, register
from refresher.models import MonitoredJob, RefreshLog, RefreshSetup, Runner
from refresher.models.runner import FAILURE_LIMIT
from refresher.results import Outcome, Registered

ABOUT = "refresher"
SHOWN = 10
TEMPLATE = "alarm"

REFRESH_FAILED = register(
    Scenario(
        "refresh_failed",
        "Refresh Failed",
        Severity.ERROR,
        ABOUT,
        "A monitored job, or a whole pass over the monitored jobs, could not be refreshed.",
        is_failure=True,
    )
)
RUNNER_FAILING = register(
    Scenario(
        "runner_failing",
        "Runner User Failing",
        Severity.OVERRUN,
        ABOUT,
        "A runner user failed several times in a row and is about to become inactive.",
        is_failure=True,
    )
)
RUNNER_INACTIVE = register(
    Scenario(
        "runner_inactive",
        "Runner User Inactive",
        Severity.ERROR,
        ABOUT,
        "A runner user failed so often in a row that nobody calls it any more; its jobs are not refreshed.",
        is_failure=True,
    )
)
NOT_REFRESHED = register(
    Scenario(
        "not_refreshed",
        "Nothing Is Being Refreshed",
        Severity.ERROR,
        ABOUT,
        "The worker outside has not refreshed the company for hours.",
        is_failure=True,
    )
)
REFRESHED_AGAIN = register(
    Scenario(
        "refreshed_again",
        "Refreshed Again",
        Severity.RECOVERY,
        ABOUT,
        "The company is refreshed again, after it was not for hours.",
    )
)

WARN_AT = (5, 10)
"""Failures in a row at which people are told before a runner becomes inactive."""


def pass_failed(log: RefreshLog) -> None:
    """A whole pass failed before any job was touched."""
    _tell(
        log.company,
        REFRESH_FAILED,
        about=f"pass:{log.company_id}",
        moment=log.ended_at or log.asked_at,
        fallback_user=log.user,
        severity="error",
        name=str(log.company),
        subject=f"{log.company}: the monitored jobs were not refreshed",
        happened=log.message,
        meaning="No monitored job was looked at in this pass.",
        next="Put right what the message names; the next pass tries again.",
    )


def jobs_failed(log: RefreshLog, outcomes: Sequence[Outcome]) -> None:
    """These jobs could not be refreshed, and could at the pass before."""
    if not outcomes:
        return
    count = len(outcomes)
    jobs = "1 monitored job" if count == 1 else f"{count} monitored jobs"
    _tell(
        log.company,
        REFRESH_FAILED,
        about=f"jobs:{log.pk}",
        moment=log.ended_at or log.asked_at,
        fallback_user=next((one.job.created_by for one in outcomes if one.job.created_by), log.user),
        severity="error",
        name=str(log.company),
        subject=f"{jobs} could not be refreshed",
        happened=f"{jobs} could not be refreshed: {', '.join(f'“{one.job}”' for one in outcomes[:SHOWN])}.",
        meaning="They may stand still until the cause is repaired.",
        next="Look at the error message of each in the list of monitored jobs.",
        error="\n".join(f"{one.job}: {one.reason}" for one in outcomes[:SHOWN]),
    )


def registration_failed(log: RefreshLog, failed: Sequence[Registered]) -> None:
    """Apps that could not register their jobs in this pass, and could at the one before."""
    _tell(
        log.company,
        REFRESH_FAILED,
        about=f"registration:{log.company_id}",
        moment=log.ended_at or log.asked_at,
        fallback_user=log.user,
        severity="warning",
        name=str(log.company),
        subject=f"{log.company}: jobs could not be registered",
        happened=f"An app could not register its jobs: {', '.join(one.registered_by for one in failed[:SHOWN])}.",
        meaning="Its monitored jobs stay as they were, and are refreshed like that.",
        next="Have the app repaired; it is asked again at every pass.",
        error="\n".join(f"{one.registered_by}: {one.error}" for one in failed[:SHOWN]),
    )


def runner_failed(runner: Runner, *, moment: datetime) -> None:
    """A cycle of the worker failed as this runner: people hear of it before it is inactive, and when it is."""
    inactive = runner.failed_attempts == FAILURE_LIMIT
    if not inactive and runner.failed_attempts not in WARN_AT:
        return
    left = FAILURE_LIMIT - runner.failed_attempts
    for company in companies_of(runner):
        _tell(
            company,
            RUNNER_INACTIVE if inactive else RUNNER_FAILING,
            about=f"runner:{runner.pk}",
            moment=moment,
            fallback_user=runner.created_by,
            severity="error" if inactive else "warning",
            name=runner.name,
            subject=f"The runner user {runner.name} {'is inactive' if inactive else 'keeps failing'}",
            happened=f"It failed {runner.failed_attempts} times in a row.",
            meaning="Its monitored jobs are not refreshed any more."
            if inactive
            else f"After {left} more failures its monitored jobs are not refreshed any more.",
            next="Repair the cause, then reset its failed attempts in the list of runner users.",
            error=runner.last_error,
        )


def not_refreshed(setup: RefreshSetup, sentence: str, *, whole: bool, now: datetime) -> None:
    """The external refresher is on, and nobody has refreshed the company for hours, or some jobs of it."""
    runner = setup.default_runner
    _tell(
        setup.company,
        NOT_REFRESHED,
        about=f"company:{setup.company_id}",
        moment=now,
        fallback_user=runner.created_by if runner is not None else None,
        severity="error",
        name=str(setup.company),
        subject=f"{setup.company}: {'nothing is' if whole else 'some jobs are not'} being refreshed",
        happened=sentence,
        meaning="A job that stops now stays stopped.",
        next="See whether the worker outside runs and reaches this installation, and look at its runner users."
        if whole
        else "See whether their runner users work, and whether the worker outside knows each of them.",
    )


def refreshed_again(setup: RefreshSetup, *, now: datetime) -> None:
    """The end of what :func:`not_refreshed` told."""
    runner = setup.default_runner
    _tell(
        setup.company,
        REFRESHED_AGAIN,
        about=f"company:{setup.company_id}",
        moment=now,
        fallback_user=runner.created_by if runner is not None else None,
        severity="success",
        name=str(setup.company),
        subject=f"{setup.company}: refreshed again",
        happened="The monitored jobs were refreshed again.",
        next="Nothing has to be done.",
    )


def companies_of(runner: Runner) -> Iterable[Company]:
    """The companies that count on the runner; the default company if none does."""
    jobs = MonitoredJob.objects.filter(runner=runner).values("company")
    setups = RefreshSetup.objects.filter(default_runner=runner).values("company")
    return list(Company.objects.filter(Q(pk__in=jobs) | Q(pk__in=setups))) or [companies.default()]


def _tell(
    company: Company, scenario: Scenario, *, about: str, moment: datetime, fallback_user: Any, **facts: Any
) -> None:
    notify(
        Occasion(
            company=company,
            scenarios=(scenario.code,),
            template=TEMPLATE,
            facts={"about": "External job queue refresher", "at": moment.isoformat(), **facts},
            moment=moment,
            about=(ABOUT, about),
            source=(ABOUT, about),
            fallback_user=fallback_user,
            fallback_scenarios=(scenario.code,),
        )
    )
