"""What a pass would do now, by the same registration and decisions as the real one; nothing is written."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.models import Company
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from refresher import registration
from refresher.asking import setup_of
from refresher.models import MonitoredJob, RefreshSetup, Runner
from refresher.passing.deciding import decide, failed_by
from refresher.passing.refresh import in_words
from refresher.passing.standpoint import Standpoint
from refresher.results import Outcome, PassResult, Registered
from refresher.runners import operational_problems
from refresher.states import Action, PassState, Why

NOBODY = "No runner user is assigned, and there is no default runner user. Assign one, or choose a default."


def simulate_pass(
    company: Company, *, actor: Actor, runner: Runner | None = None, now: datetime | None = None
) -> list[PassResult]:
    """What a pass would do now, as outcomes with their differences.

    In external mode one result per runner with jobs (or for ``runner`` alone), and one without a runner for jobs
    nobody serves, whose ``state`` is None; in login mode one result. A runner that does not work gets a ``state`` of
    None, too, with the reason as message. What is off is simulated as if it were on.
    """
    require(actor, "view", company)
    now = now or database_now()
    setup = setup_of(company)
    registered = registration.register_all(setup, now=now, write=False)
    jobs = list(_jobs(company, registered))
    if not setup.use_external and runner is None:
        return [_simulate(jobs, setup, runner=None, actor=actor, registered=registered, now=now)]
    results = []
    for one in [runner] if runner is not None else _runners(jobs, setup):
        own = [job for job in jobs if _served_by(job, setup) == one]
        results.append(_simulate(own, setup, runner=one, actor=actor, registered=registered, now=now))
    unserved = [job for job in jobs if _served_by(job, setup) is None]
    if unserved and runner is None:
        outcomes = [
            Outcome(job, Action.LEFT_ALONE, Why.UNSERVED, NOBODY, entry_id=job.entry_id) for job in unserved
        ]
        results.append(PassResult(None, NOBODY, outcomes=outcomes))
    return results


def _simulate(
    jobs: list[MonitoredJob],
    setup: RefreshSetup,
    *,
    runner: Runner | None,
    actor: Actor,
    registered: list[Registered],
    now: datetime,
) -> PassResult:
    against = operational_problems(runner, company=setup.company) if runner is not None else []
    if against:
        message = " ".join(against)
        outcomes = [
            Outcome(job, Action.LEFT_ALONE, Why.UNSERVED, message, entry_id=job.entry_id) for job in jobs
        ]
        return PassResult(None, message, runner, outcomes=outcomes)
    standpoint = Standpoint.of(setup, runner=runner, on_behalf=actor.user, now=now)
    result = PassResult(PassState.DONE, "", runner, registered=registered)
    result.outcomes = [would_do(job, standpoint) for job in jobs]
    result.message = in_words(result)
    return result


def would_do(job: MonitoredJob, standpoint: Standpoint) -> Outcome:
    """What a pass would do to the job; what an extension raises is the job's error, as in a pass.

    In a transaction that is undone: an extension might write, though it must not.
    """
    try:
        with transaction.atomic():
            outcome = decide(job, standpoint).outcome
            transaction.set_rollback(True)
            return outcome
    except Exception as error:
        return failed_by(job, error)


def _jobs(company: Company, registered: list[Registered]) -> Iterator[MonitoredJob]:
    """The stored jobs, with those of code as the registration would leave them, then the new ones."""
    renewed = {one.job.pk: one.job for one in registered if one.job is not None and one.job.pk is not None}
    stored = MonitoredJob.objects.select_related("company", "runner__user", "last_user")
    for job in stored.filter(company=company).order_by("pk"):
        yield renewed.get(job.pk, job)
    yield from (one.job for one in registered if one.job is not None and one.job.pk is None)


def _served_by(job: MonitoredJob, setup: RefreshSetup) -> Runner | None:
    return job.runner or setup.default_runner


def _runners(jobs: list[MonitoredJob], setup: RefreshSetup) -> list[Runner]:
    found = {runner.pk: runner for job in jobs if (runner := _served_by(job, setup)) is not None}
    if setup.default_runner is not None:
        found.setdefault(setup.default_runner.pk, setup.default_runner)
    return [found[key] for key in sorted(found)]
