"""Passes: as a runner, in login mode, queued in the background, or only simulated."""

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from jobqueue.actors import Actor
from jobqueue.errors import NotAllowed, Refused
from jobqueue.models import Company
from jobqueue.permissions import require
from jobqueue.scheduler import copy_guard, database_now
from refresher import registration, retention, telling
from refresher.asking import jobs_for, setup_of
from refresher.errors import PassFailed
from refresher.models import MonitoredJob, RefreshLog, RefreshLogLine, RefreshSetup, Runner
from refresher.passing.carrying_out import refresh_job
from refresher.passing.standpoint import Standpoint
from refresher.results import Outcome, PassResult
from refresher.runners import record_success, require_entitled, require_operational, runner_of
from refresher.states import Action, PassState, Trigger

logger = logging.getLogger(__name__)

MESSAGE_LENGTH = 2048


def refresh_as_runner(
    company: Company,
    *,
    actor: Actor,
    trigger: Trigger = Trigger.WORKER,
    in_cycle: bool = False,
    log: RefreshLog | None = None,
    now: datetime | None = None,
) -> PassResult:
    """One pass under the identity of ``actor.user``, who must be an operational runner: the worker's call.

    ``in_cycle``: the worker says afterwards how its whole cycle went; until then the runner's counters stay. A runner
    of two companies that fails in one of them would otherwise be forgiven by the other every hour.

    With the external refresher or *Enabled* off, nothing is touched and ``state`` is None: a normal answer, no error.
    Raises ``NotAllowed`` for a user who is no runner or lacks a right, ``NotOperational``, ``PassFailed`` when the
    default job time zone is missing, ``Refused`` while the copy guard holds the database. A failing job never stops
    the others.
    """
    now = now or database_now()
    runner = runner_of(actor.user)
    if runner is None:
        raise NotAllowed(
            f"“{actor.name}” is no registered runner user and cannot refresh. Register it in the list of runner users."
        )
    require_entitled(runner, company=company)
    require_operational(runner, company=company)
    setup = setup_of(company)
    if not (setup.use_external and setup.enabled):
        return PassResult(None, f"The external refresher is not enabled for “{company}”.", runner)
    result = _run(setup, runner=runner, on_behalf=actor.user, trigger=trigger, log=log, now=now)
    if trigger is Trigger.WORKER and not in_cycle:
        record_success(runner, now=now)
    return result


def refresh_in_login_mode(
    company: Company,
    *,
    actor: Actor,
    trigger: Trigger = Trigger.SIGN_IN,
    log: RefreshLog | None = None,
    now: datetime | None = None,
) -> PassResult:
    """One pass over all monitored jobs of the company; running users stay as they are.

    Nothing is touched, and ``state`` is None, if *Enabled* is off or the external refresher has taken over meanwhile.
    """
    now = now or database_now()
    require(actor, "operate", company)
    setup = setup_of(company)
    if setup.use_external or setup.external_only or not setup.enabled:
        return PassResult(None, f"“{company}” is not refreshed after sign-ins.")
    return _run(setup, runner=None, on_behalf=actor.user, trigger=trigger, log=log, now=now)


def refresh_job_now(job: MonitoredJob, *, actor: Actor, now: datetime | None = None) -> PassResult:
    """*Repair now*: one job alone, at once, as its runner or in login mode, with a row of its own in the log.

    For everybody who may operate entries. Raises ``NotOperational`` or ``Refused`` where nobody serves the job.
    """
    require(actor, "operate", job.company)
    now = now or database_now()
    setup = setup_of(job.company)
    _require_possible(setup)
    runner = (job.runner or setup.default_runner) if setup.use_external else None
    if setup.use_external and runner is None:
        raise Refused(
            f"Nobody serves “{job}”: it has no runner user, and there is no default one.", code="unserved"
        )
    if runner is not None:
        require_operational(runner, company=job.company)
    log = RefreshLog(
        company=job.company,
        runner=runner,
        user=actor.user,
        trigger=Trigger.REFRESH_NOW,
        asked_at=now,
        started_at=now,
        state=PassState.RUNNING,
    )
    log.save()
    result = PassResult(PassState.DONE, "", runner, log)
    standpoint = Standpoint.of(setup, runner=runner, on_behalf=actor.user, now=now)
    outcome = refresh_job(job.pk, standpoint, log=log)
    result.outcomes = [] if outcome is None else [outcome]
    _count(log, result)
    result.message = in_words(result)
    # Not *done*: one job is no refresh of the company.
    _close(log, PassState.PARTIAL, result.message, now=max(now, database_now()))
    return result


def _run(
    setup: RefreshSetup,
    *,
    runner: Runner | None,
    on_behalf: object,
    trigger: Trigger,
    log: RefreshLog | None,
    now: datetime,
) -> PassResult:
    log = log or RefreshLog(
        company=setup.company, runner=runner, user=on_behalf, trigger=trigger, asked_at=now
    )
    log.state, log.started_at = PassState.RUNNING, now
    try:
        _require_possible(setup)
    except Refused as refusal:
        with transaction.atomic():
            is_known = _newest_failed_of(setup, refusal)
            _close(log, PassState.FAILED, refusal.message, now=now)
            if not is_known:
                telling.pass_failed(log)
        raise
    log.save()
    result = PassResult(PassState.DONE, "", runner, log)
    result.registered = registration.register_all(setup, now=now)
    standpoint = Standpoint.of(setup, runner=runner, on_behalf=on_behalf, now=now)
    for key in list(jobs_for(setup.company, runner=runner, setup=setup).values_list("pk", flat=True)):
        outcome = refresh_job(key, standpoint, log=log)
        if outcome is not None:
            result.outcomes.append(outcome)
    _count(log, result)
    result.message = in_words(result)
    with transaction.atomic():
        _close(log, PassState.DONE, result.message, now=max(now, database_now()))
        if log.registration_errors and not _had_registration_errors(log):
            telling.registration_failed(log, [one for one in result.registered if one.error])
        telling.jobs_failed(log, _newly_failed(result.outcomes, log=log))
    retention.delete_old_logs(setup.company, now=now)
    return result


def _require_possible(setup: RefreshSetup) -> None:
    verdict = copy_guard.look()
    if verdict.held:
        raise Refused(f"{verdict.reason} Nothing is refreshed before it is adopted.", code="held")
    if setup.use_external and not setup.default_time_zone:
        raise PassFailed(
            f"The refresh set-up of “{setup.company}” has no default job time zone. Enter one; until then the "
            "external refresher does nothing."
        )


def _newest_failed_of(setup: RefreshSetup, refusal: Refused) -> bool:
    """Whether the company's newest pass failed of the same, so that people have heard of it."""
    ended = RefreshLog.objects.filter(company=setup.company, ended_at__isnull=False).order_by("-pk")
    newest = ended.values_list("state", "message").first()
    return newest == (PassState.FAILED, refusal.message[:MESSAGE_LENGTH])


def _newly_failed(outcomes: Sequence[Outcome], *, log: RefreshLog) -> list[Outcome]:
    """The jobs that failed and did not at their pass before.

    A pass that broke off has told nobody, so it does not count, whatever it left on the jobs.
    """
    failed = [one for one in outcomes if one.failed]
    if not failed:
        return []
    told = RefreshLogLine.objects.filter(
        monitored_job__in=[one.job.pk for one in failed], log__state__in=(PassState.DONE, PassState.PARTIAL)
    )
    newest = (
        told.exclude(log=log).order_by().values("monitored_job").annotate(newest=Max("pk")).values("newest")
    )
    known = RefreshLogLine.objects.filter(pk__in=newest, action=Action.FAILED)
    before = set(known.values_list("monitored_job_id", flat=True))
    return [one for one in failed if one.job.pk not in before]


def _had_registration_errors(log: RefreshLog) -> bool:
    """Whether people heard of failing registrations at the pass before."""
    done = RefreshLog.objects.filter(company=log.company, state=PassState.DONE, pk__lt=log.pk)
    return bool(done.values_list("registration_errors", flat=True).order_by("-pk").first())


def _count(log: RefreshLog, result: PassResult) -> None:
    log.jobs = len(result.outcomes)
    log.left_alone = result.count(Action.LEFT_ALONE)
    log.corrected = result.count(Action.CORRECTED)
    log.restarted = result.count(Action.RESTARTED)
    log.recreated = result.count(Action.RECREATED, Action.ADOPTED)
    log.failed = result.count(Action.FAILED)
    log.registered = sum(not one.error for one in result.registered)
    log.registration_errors = sum(bool(one.error) for one in result.registered)


def _close(log: RefreshLog, state: PassState, message: str, *, now: datetime) -> None:
    log.state, log.message, log.ended_at = state, message[:MESSAGE_LENGTH], now
    log.save()


def in_words(result: PassResult) -> str:
    """A pass in one sentence: “12 jobs: 2 restarted, 10 left alone.”"""
    counts = [
        (result.count(Action.RECREATED, Action.ADOPTED), "recreated"),
        (result.count(Action.RESTARTED), "restarted"),
        (result.count(Action.CORRECTED), "corrected"),
        (result.count(Action.LEFT_ALONE), "left alone"),
        (result.count(Action.FAILED), "failed"),
    ]
    jobs = len(result.outcomes)
    words = ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to do"
    errors = [one for one in result.registered if one.error]
    more = f" {len(errors)} registrations by code failed: {errors[0].error}" if errors else ""
    return f"{jobs} {'job' if jobs == 1 else 'jobs'}: {words}.{more}"
