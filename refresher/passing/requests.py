"""*Refresh Now*, and passes queued in the background."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from jobqueue import scheduler
from jobqueue.actors import Actor
from jobqueue.errors import JobQueueError, Refused
from jobqueue.models import Company, ScheduledTask
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.states import Origin
from refresher.asking import setup_of
from refresher.models import MonitoredJob, RefreshLog, RefreshSetup, Runner
from refresher.passing.refresh import refresh_as_runner, refresh_in_login_mode
from refresher.passing.simulating import NOBODY
from refresher.runners import operational_problems
from refresher.setting_up import locked_setup
from refresher.states import PassState, Trigger

PASS_ROUTINE = "refresher.pass"
GUARD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Requested:
    """What Refresh Now queued: a log row per pass, and sentences about what stays unserved."""

    queued: list[RefreshLog]
    unserved: list[str] = field(default_factory=list)


def refresh_now(company: Company, *, actor: Actor, now: datetime | None = None) -> Requested:
    """Queues the pass of every operational runner that has jobs, or the one pass of login mode.

    For everybody who may operate entries. Refused within 60 seconds of enabling the external refresher, when *Enabled*
    is off, and when no runner works. A pass that waits already is not queued twice.
    """
    require(actor, "operate", company)
    now = now or database_now()
    with transaction.atomic():
        setup = locked_setup(company)
        _require_on(setup, now=now)
        runners, unserved = _serving(setup) if setup.use_external else ([None], [])
        if not runners:
            raise Refused(f"Nobody can refresh “{company}” now. {' '.join(unserved)}", code="nobody_serves")
        waiting = _waiting(company)
        queued = [
            waiting.get(runner.pk if runner is not None else None)
            or queue(company, runner=runner, user=actor.user, trigger=Trigger.REFRESH_NOW, now=now)
            for runner in runners
        ]
        setup.last_request_at = now
        setup.save(update_fields=["last_request_at"])
    return Requested(queued, unserved)


def serving_runners(company: Company) -> list[Runner]:
    """The operational runners that have jobs of the company, with the default one; ``Refused`` if there is none."""
    runners, unserved = _serving(setup_of(company))
    if not runners:
        raise Refused(f"Nobody can refresh “{company}” now. {' '.join(unserved)}", code="nobody_serves")
    return [runner for runner in runners if runner is not None]


def queue(
    company: Company,
    *,
    runner: Runner | None,
    user: object,
    trigger: Trigger,
    now: datetime,
    delay: timedelta = timedelta(0),
) -> RefreshLog:
    """Writes the log row of a pass and, in the same transaction, the task that will run it."""
    log = RefreshLog.objects.create(
        company=company, runner=runner, user=user, trigger=trigger, state=PassState.QUEUED, asked_at=now
    )
    scheduler.create_task(
        PASS_ROUTINE,
        company=company,
        user=runner.user if runner is not None else user,
        not_before=now + delay,
        context={"log": log.pk},
    )
    return log


def has_waiting_pass(company: Company) -> bool:
    """Whether a pass over the company waits in the queue."""
    return bool(_waiting(company))


def run_queued(log_id: int, *, now: datetime) -> None:
    """Runs the pass of a log row, as its runner or in login mode; one that is refused says so in its row."""
    log = (
        RefreshLog.objects.select_related("company", "runner__user", "user")
        .filter(pk=log_id, state__in=(PassState.QUEUED, PassState.RUNNING))
        .first()
    )
    if log is None:
        return
    run = refresh_in_login_mode if log.runner is None else refresh_as_runner
    user = log.user if log.runner is None else log.runner.user
    trigger = Trigger(log.trigger)
    try:
        result = run(log.company, actor=Actor(user, Origin.PROGRAM), trigger=trigger, log=log, now=now)
    except JobQueueError as refusal:
        _failed(log, refusal.message, now=now)
    else:
        if result.state is None:
            _failed(log, result.message, now=now)


def _failed(log: RefreshLog, message: str, *, now: datetime) -> None:
    log.state, log.message, log.ended_at = PassState.FAILED, message[:2048], now
    log.save(update_fields=["state", "message", "ended_at"])


def _require_on(setup: RefreshSetup, *, now: datetime) -> None:
    if not setup.enabled or (setup.external_only and not setup.use_external):
        raise Refused(
            f"Refreshing is off for “{setup.company}”. Switch it on in the refresh set-up.",
            code="not_enabled",
        )
    at = setup.external_enabled_at
    if setup.use_external and at is not None and now - at < GUARD:
        seconds = int((at + GUARD - now).total_seconds()) + 1
        raise Refused(
            f"The external refresher was enabled a moment ago. Wait a minute ({seconds} s) and try again.",
            code="just_enabled",
        )


def _serving(setup: RefreshSetup) -> tuple[list[Runner | None], list[str]]:
    """The runners that have something to do and work, and what is left unserved."""
    jobs = MonitoredJob.objects.filter(company=setup.company)
    found = list(
        Runner.objects.select_related("user").filter(monitored_jobs__in=jobs).distinct().order_by("pk")
    )
    default = setup.default_runner
    if default is not None and default not in found:
        found.append(default)
    unserved = [NOBODY] if default is None and jobs.filter(runner=None).exists() else []
    working: list[Runner | None] = []
    for runner in found:
        against = operational_problems(runner, company=setup.company)
        unserved += against
        if not against:
            working.append(runner)
    return working, unserved or ([] if working else [NOBODY])


def _waiting(company: Company) -> dict[int | None, RefreshLog]:
    """Passes whose task has not ended, by the runner's key."""
    tasks = ScheduledTask.objects.filter(main_routine=PASS_ROUTINE, company=company)
    contexts = (json.loads(context) for context in tasks.values_list("owner_context", flat=True) if context)
    logs = RefreshLog.objects.filter(pk__in=[context["log"] for context in contexts])
    return {log.runner_id: log for log in logs.filter(state=PassState.QUEUED)}
