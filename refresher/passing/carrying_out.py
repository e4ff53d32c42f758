"""Refreshing one monitored job: look, decide, write, note; in a transaction of its own that locks the job."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from jobqueue import history, lifecycle, scheduler
from jobqueue.actors import SYSTEM, Actor
from jobqueue.errors import JobQueueError
from jobqueue.guarded import ChangedMeanwhile, fresh, store
from jobqueue.models import Entry
from jobqueue.schedule import ScheduleError
from jobqueue.states import Origin
from notifications.verbs import links
from refresher import events
from refresher.models import ManagedByApp, MonitoredJob, RefreshLog, RefreshLogLine
from refresher.passing.deciding import Plan, decide, failed_by, left_to_the_next_pass
from refresher.passing.standpoint import Standpoint
from refresher.results import Outcome
from refresher.states import Action, RefreshStatus
from refresher.templates import TEMPLATE, values_to_create

logger = logging.getLogger(__name__)

REASON_LENGTH = 500
TRIES = 5
PAUSE_SECONDS = 0.05


def refresh_job(key: int, standpoint: Standpoint, *, log: RefreshLog) -> Outcome | None:
    """Refreshes the job and writes its line; None if it has been deleted meanwhile.

    Whatever fails is rolled back and noted as the job's error; only an unusable database is raised. If somebody changes
    the entry at the same moment, or the database gives way to somebody else, the job is looked at again; one that never
    rests is left to the next pass.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return _refresh(key, standpoint, log=log)
        except ChangedMeanwhile:
            pass
        except (OperationalError, InterfaceError):
            if not left:
                raise
        except Exception as error:
            if not isinstance(error, JobQueueError | ScheduleError):
                logger.exception("The monitored job %s could not be refreshed.", key)
            return _give_up(key, standpoint, lambda job, error=error: failed_by(job, error), log=log)
        time.sleep(PAUSE_SECONDS)
    return _give_up(key, standpoint, left_to_the_next_pass, log=log)


def _give_up(
    key: int, standpoint: Standpoint, outcome_of: Callable[[MonitoredJob], Outcome], *, log: RefreshLog
) -> Outcome | None:
    """Notes, in a transaction of its own, why nothing was done to the job."""
    with transaction.atomic():
        job = _locked(key)
        if job is None:
            return None
        outcome = outcome_of(job)
        _note(job, outcome, None, standpoint, log=log)
    return outcome


def _refresh(key: int, standpoint: Standpoint, *, log: RefreshLog) -> Outcome | None:
    job = _locked(key)
    if job is None:
        return None
    plan = decide(job, standpoint)
    entry = _carry_out(job, plan, standpoint)
    if entry is not None:
        _remember(job, entry, plan, standpoint)
    outcome = plan.outcome if entry is None else _with_entry(plan.outcome, entry)
    _note(job, outcome, entry, standpoint, log=log)
    return outcome


def _locked(key: int) -> MonitoredJob | None:
    """The job, locked: two passes never interleave on one job."""
    jobs = MonitoredJob.objects.select_for_update(of=("self",))
    return jobs.select_related("company", "runner__user", "last_user").filter(pk=key).first()


def _carry_out(job: MonitoredJob, plan: Plan, standpoint: Standpoint) -> Entry | None:
    """Writes the plan; returns the entry the job drives afterwards, None if nothing is to be remembered of it."""
    action = plan.outcome.action
    if action is Action.FAILED:
        return None
    if action is Action.RECREATED:
        return _create(job, plan, standpoint)
    entry = plan.entry
    if entry is None:
        return None
    if plan.due is not None and entry.system_task_id is not None:
        # Before the entry is written: a task is always touched before its entry, as the dispatcher does.
        scheduler.cancel_task(entry.system_task_id)
    if plan.corrected or plan.due is not None:
        _correct(entry, plan, standpoint)
    for one in plan.lists:
        links.link_entry(entry, one, actor=SYSTEM)
    if plan.lists:
        entry = fresh(entry)
    if plan.writes or plan.due is not None or action is Action.ADOPTED:
        _record(entry, plan.outcome, standpoint)
    if job.heartbeat_url and not entry.is_watched:
        entry = lifecycle.set_watched(entry, True, actor=SYSTEM, now=standpoint.now)
    if plan.due is not None:
        entry = lifecycle.restart(
            entry,
            actor=standpoint.actor,
            now=standpoint.now,
            earliest_start_at=plan.due.planned,
            expected_revision=entry.revision,
        )
    return entry


def _create(job: MonitoredJob, plan: Plan, standpoint: Standpoint) -> Entry:
    values: dict[str, Any] = values_to_create(job)
    if plan.due is not None:
        values["earliest_start_at"] = plan.due.planned
    events.ask_all(events.before_restore_entry, job=job, values=values)
    entry = lifecycle.create_ready(job.company, values, actor=standpoint.creator(job), now=standpoint.now)
    for one in job.notification_lists.filter(company=job.company).order_by("pk"):
        links.link_entry(entry, one, actor=SYSTEM)
    if job.heartbeat_url:
        lifecycle.set_watched(entry, True, actor=SYSTEM, now=standpoint.now)
    entry = fresh(entry)
    _record(entry, plan.outcome, standpoint)
    return entry


def _correct(entry: Entry, plan: Plan, standpoint: Standpoint) -> None:
    """Writes what differs, and the start of a restart: a start beyond the expiration would be refused."""
    for name in plan.corrected:
        setattr(entry, name, getattr(plan.target, name))
    names = [name for name in TEMPLATE if name in plan.corrected]
    if plan.due is not None:
        entry.earliest_start_at = plan.due.planned
        names.append("earliest_start_at")
    store(entry, names, now=standpoint.now)


def _record(entry: Entry, outcome: Outcome, standpoint: Standpoint) -> None:
    """The history says what the refresher did, and for whom."""
    actor = standpoint.actor if standpoint.runner is not None else Actor(standpoint.on_behalf, Origin.PROGRAM)
    history.record(
        entry,
        actor=actor,
        action="refresh",
        now=standpoint.now,
        reason=outcome.reason,
        changes=outcome.changes,
    )


def _remember(job: MonitoredJob, entry: Entry, plan: Plan, standpoint: Standpoint) -> None:
    """What the template takes over: its entry, who it ran as, and the first start planned as its First Run."""
    job.entry_id = entry.id
    if job.earliest_start_at is None and plan.due is not None:
        job.earliest_start_at = entry.earliest_start_at
    if entry.user is not None:
        job.last_user = entry.user
    if not standpoint.is_protected(job) and not entry.owner_kind:
        ManagedByApp.objects.update_or_create(
            entry_id=entry.id, defaults={"managed": True, "company": job.company}
        )


def _with_entry(outcome: Outcome, entry: Entry) -> Outcome:
    return Outcome(
        outcome.job,
        outcome.action,
        outcome.why,
        outcome.reason,
        entry_id=entry.id,
        changes=outcome.changes,
        due_at=entry.earliest_start_at if outcome.due_at is not None else None,
    )


def _note(
    job: MonitoredJob, outcome: Outcome, entry: Entry | None, standpoint: Standpoint, *, log: RefreshLog
) -> None:
    """The job's last status, and its line in the log."""
    job.last_refresh_at = standpoint.now
    job.last_refresh_status = RefreshStatus.ERROR if outcome.failed else RefreshStatus.SUCCESS
    job.last_reason = outcome.reason[:REASON_LENGTH]
    job.last_error = outcome.reason if outcome.failed else ""
    job.save(
        update_fields=[
            "entry_id",
            "earliest_start_at",
            "last_user",
            "last_refresh_at",
            "last_refresh_status",
            "last_reason",
            "last_error",
        ]
    )
    RefreshLogLine.objects.create(
        log=log,
        monitored_job=job,
        description=str(job)[:250],
        entry_id=outcome.entry_id,
        at=standpoint.now,
        action=outcome.action,
        why=outcome.why,
        reason=outcome.reason,
        changes=outcome.changes,
        due_at=outcome.due_at,
    )
