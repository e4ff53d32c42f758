"""Refresher: are monitored jobs looked after, and do the runner users work?"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from jobqueue.doctor.registry import Result, check, failure, ok, warning
from jobqueue.models import Company
from jobqueue.scheduler import database_now
from refresher.asking import jobs_for, last_refreshed, setup_of
from refresher.credential_ends import ending_tokens
from refresher.models import MonitoredJob, RefreshSetup, Runner
from refresher.runners import operational_problems
from refresher.states import RefreshStatus
from refresher.watching import OVERDUE, overdue_in

SHOWN = 5


@check("Refresher", rank=80)
def refresher() -> Iterable[Result]:
    jobs = MonitoredJob.objects.filter(company=OuterRef("pk"))
    companies = list(Company.objects.filter(Exists(jobs)))
    if not companies:
        yield ok("No jobs are monitored.")
    for company in companies:
        yield from _company(setup_of(company))


@check("Runner users", rank=81)
def runners() -> Iterable[Result]:
    found = list(Runner.objects.select_related("user"))
    problems = [sentence for runner in found for sentence in operational_problems(runner)]
    for sentence in problems:
        yield failure(sentence, fix="Open the list of runner users.")
    yield from _ending_tokens()
    if not problems:
        yield ok(
            f"{_counted(len(found), 'runner user')} in working order."
            if found
            else "No runner users are registered."
        )


def _ending_tokens() -> Iterable[Result]:
    now = database_now()
    for token in ending_tokens(now=now)[:SHOWN]:
        assert token.expires_at is not None
        what = f"The API token “{token.name}” of the runner user {token.user.get_username()}"
        fix = "Download a new worker configuration on the page of the runner user."
        if token.expires_at <= now:
            yield failure(f"{what} expired on {token.expires_at:%Y-%m-%d}.", fix=fix)
        else:
            yield warning(f"{what} expires on {token.expires_at:%Y-%m-%d}.", fix=fix)


def _company(setup: RefreshSetup) -> Iterable[Result]:
    company, now = setup.company, database_now()
    count = MonitoredJob.objects.filter(company=company).count()
    if not setup.enabled or (setup.external_only and not setup.use_external):
        yield warning(
            f"{company}: {_jobs(count)}, and nothing is being refreshed.",
            fix="Switch refreshing on in the refresh set-up, or enable the external refresher.",
        )
        return
    last = last_refreshed(company)
    words = f"last refreshed {last:%Y-%m-%d %H:%M} UTC" if last is not None else "never refreshed yet"
    overdue = overdue_in(setup, now=now) if setup.use_external else None
    if overdue is not None and overdue.whole:
        yield failure(
            f"{company}: {_jobs(count)}, {words}; the outside worker should come every hour.",
            fix="See whether the worker runs, reaches this installation and has working runner users.",
        )
    else:
        yield ok(f"{company}: {_jobs(count)}, {words}.")
        if overdue is not None:
            yield failure(
                f"{company}: {overdue.sentence}",
                fix="See whether their runner users work, and whether the outside worker knows each of them.",
            )
        yield from _left_out(setup, now=now)
    if setup.use_external and not setup.default_time_zone:
        yield failure(
            f"{company}: the default job time zone is missing.", fix="Enter it in the refresh set-up."
        )
    yield from _unserved(setup)
    failing = MonitoredJob.objects.filter(company=company, last_refresh_status=RefreshStatus.ERROR)
    if number := failing.count():
        names = ", ".join(f"“{job}”" for job in failing[:SHOWN])
        yield warning(
            f"{company}: {_jobs(number)} could not be refreshed: {names}.",
            fix="Read the error message of each in the list of monitored jobs.",
        )


def _left_out(setup: RefreshSetup, *, now: datetime) -> Iterable[Result]:
    """Runner users the company counts on and the worker does not call, while it calls others."""
    if not setup.use_external:
        return
    for runner in Runner.objects.select_related("user").order_by("pk"):
        number = jobs_for(setup.company, runner=runner, setup=setup).count()
        last = last_refreshed(setup.company, runner=runner)
        if number and (last is None or now - last > OVERDUE) and not operational_problems(runner):
            since = f"since {last:%Y-%m-%d %H:%M} UTC" if last is not None else "yet"
            yield warning(
                f"{setup.company}: the runner user “{runner.name}” has not refreshed its {_jobs(number)} {since}.",
                fix="See whether the configuration of the outside worker names it; a new runner waits for the next "
                "hour.",
            )


def _unserved(setup: RefreshSetup) -> Iterable[Result]:
    if not setup.use_external:
        return
    own = MonitoredJob.objects.filter(company=setup.company, runner__isnull=False).values("runner")
    for runner in Runner.objects.select_related("user").filter(Q(pk__in=own) | Q(pk=setup.default_runner_id)):
        # What stands against the runner everywhere is said by the check of runner users.
        for sentence in operational_problems(runner, company=setup.company):
            if sentence not in operational_problems(runner):
                yield failure(f"{setup.company}: {sentence}", fix="Or assign its jobs to another runner.")
    if setup.default_runner_id is not None:
        return
    number = MonitoredJob.objects.filter(company=setup.company, runner=None).count()
    if number:
        yield failure(
            f"{setup.company}: {_jobs(number)} without a runner user, and there is no default one.",
            fix="Choose a default runner user in the refresh set-up, or assign one to each job.",
        )


def _jobs(count: int) -> str:
    return _counted(count, "monitored job")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
