"""The worker's call: one pass as the calling runner, never beside another of the same runner and company."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from jobqueue.actors import Actor
from jobqueue.errors import JobQueueError, Refused
from jobqueue.models import Company
from jobqueue.scheduler import database_now
from refresher.models import RefreshLog
from refresher.passing.refresh import refresh_as_runner
from refresher.results import PassResult
from refresher.runners import runner_of
from refresher.setting_up import locked_setup
from refresher.states import PassState, Trigger

LOST_AFTER = timedelta(minutes=10)
"""A pass that runs longer counts as lost with its process (*Refresher reference, Numeric settings*: row-lock wait)."""


BROKE_OFF = "The pass broke off. Jobs it had not looked at yet are looked at by the next one."


class PassRunning(Refused):
    """A pass of this runner over the company runs at this moment; it does what the call asked for."""

    code = "pass_running"


def refresh_for_worker(
    company: Company, *, actor: Actor, in_cycle: bool = False, now: datetime | None = None
) -> PassResult:
    """One pass as ``actor.user``. Calling again is harmless: what is as it should be is left alone.

    Raises what :func:`refresh_as_runner` raises, and ``PassRunning`` instead of running two passes side by side.
    """
    now = now or database_now()
    log = _begin(company, actor=actor, now=now)
    try:
        return refresh_as_runner(company, actor=actor, in_cycle=in_cycle, log=log, now=now)
    except JobQueueError:
        _still_running(log).delete()  # refused before it began
        raise
    finally:
        _still_running(log).update(state=PassState.FAILED, ended_at=database_now(), message=BROKE_OFF)


def _begin(company: Company, *, actor: Actor, now: datetime) -> RefreshLog | None:
    """The log row of the pass, which is also what others see of it; None where there will be no pass."""
    with transaction.atomic():
        setup = locked_setup(company)  # the lock: of two calls at the same moment one finds the other's row
        runner = runner_of(actor.user)
        if runner is None or not (setup.use_external and setup.enabled):
            return None
        running = RefreshLog.objects.filter(company=company, runner=runner, state=PassState.RUNNING)
        # A pass from the queue is taken up again by the scheduler; one of a call that died with its process is not.
        running.filter(trigger=Trigger.WORKER, started_at__lte=now - LOST_AFTER).update(
            state=PassState.FAILED, ended_at=now, message=BROKE_OFF
        )
        if running.filter(started_at__gt=now - LOST_AFTER).exists():
            raise PassRunning(
                f"A pass of “{runner.name}” over “{company}” runs at this moment. Try again in a minute."
            )
        return RefreshLog.objects.create(
            company=company,
            runner=runner,
            user=actor.user,
            trigger=Trigger.WORKER,
            state=PassState.RUNNING,
            asked_at=now,
            started_at=now,
        )


def _still_running(log: RefreshLog | None) -> QuerySet[RefreshLog]:
    """The row of a pass that did not end itself; it must not keep the next one away."""
    return RefreshLog.objects.filter(pk=log.pk if log is not None else None, state=PassState.RUNNING)
