"""How a monitored job comes to be: the flag on an entry, a selection of entries, or from scratch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from jobqueue import history, lifecycle
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, JobQueueError, Refused
from jobqueue.guarded import fresh
from jobqueue.lifecycle.guards import words
from jobqueue.models import Company, Entry
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from refresher.adding import add, flag
from refresher.asking import is_protected, monitored_job_of
from refresher.models import ManagedByApp, MonitoredJob
from refresher.monitoring.checking import require_recurring, split


@dataclass(frozen=True, slots=True)
class Creation:
    """The monitored job made from an entry, or the sentence why there is none."""

    entry: Entry
    job: MonitoredJob | None = None
    error: str = ""
    code: str = ""


def set_managed_by_app(
    entry: Entry, managed: bool, *, actor: Actor, now: datetime | None = None
) -> MonitoredJob | None:
    """Switches the *Managed by App* flag of an entry; returns its monitored job, None when switched off.

    On: the entry must be recurring and belong to no owner; it is monitored as it is now. Off: flag and monitored job
    go, the entry stays and keeps running; refused for protected jobs. Nothing happens if the flag is so already.
    """
    require(actor, "schedule", entry.company)
    now = now or database_now()
    with transaction.atomic():
        entry = fresh(entry)
        job = monitored_job_of(entry)
        if not managed:
            _stop(entry, job, actor=actor, now=now)
            return None
        if job is None:
            job = _monitor(entry, actor=actor, now=now)
        elif not is_protected(job):
            flag(entry)
        return job


def create_from_entries(
    entries: Iterable[Entry], *, actor: Actor, now: datetime | None = None
) -> list[Creation]:
    """Monitors several entries, each isolated: one that is refused does not stop the others."""
    now = now or database_now()
    found = []
    for entry in entries:
        try:
            with transaction.atomic():
                require(actor, "schedule", entry.company)
                found.append(Creation(entry, _create_from(fresh(entry), actor=actor, now=now)))
        except JobQueueError as refusal:
            found.append(Creation(entry, error=refusal.message, code=refusal.code))
    return found


def create_from_scratch(
    company: Company, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> MonitoredJob:
    """Stores a new monitored job and restores it at once: its entry is created and started as the actor.

    ``values`` by field name as for an entry, besides ``runner``, ``auto_reschedule``,
    ``auto_reschedule_delay_seconds`` and ``heartbeat_url``. Raises ``Invalid`` with every problem.
    """
    require(actor, "schedule", company)
    now = now or database_now()
    of_entry, beside, problems = split(values, company=company)
    if problems:
        raise Invalid(problems)
    if beside.get("runner") is not None:
        require(actor, "administer", company)
    with transaction.atomic():
        entry = lifecycle.create_entry(company, of_entry, actor=actor, now=now)
        require_recurring(entry)
        entry = lifecycle.set_ready(entry, actor=actor, now=now)
        job = _monitor(entry, actor=actor, now=now)
        if beside:
            for name, value in beside.items():
                setattr(job, name, value)
            job.save(update_fields=sorted(beside))
    return job


def cancel_managed_job(entry: Entry, *, actor: Actor, reason: str = "", now: datetime | None = None) -> None:
    """Takes a monitored entry out of the queue for good: with its monitored job, or the next pass would bring it back.

    For programs. Raises what deleting an entry raises; then the monitored job stays, too.
    """
    require(actor, "schedule", entry.company)
    with transaction.atomic():
        MonitoredJob.objects.filter(entry_id=entry.id).delete()
        lifecycle.delete_entry(entry, actor=actor, reason=reason, now=now)


def _create_from(entry: Entry, *, actor: Actor, now: datetime) -> MonitoredJob:
    job = monitored_job_of(entry)
    if job is not None and is_protected(job):
        raise Refused(
            f"{words(entry)} is protected; the code that registers it adds it by itself.", code="protected"
        )
    if job is not None:
        raise Refused(f"{words(entry)} is monitored already.", code="already_monitored")
    return _monitor(entry, actor=actor, now=now)


def _monitor(entry: Entry, *, actor: Actor, now: datetime) -> MonitoredJob:
    _require_monitorable(entry)
    job = add(entry, actor=actor, now=now).job
    flag(entry)
    history.record(entry, actor=actor, action="monitor", now=now)
    return job


def _require_monitorable(entry: Entry) -> None:
    if entry.owner_kind:
        raise Refused(
            f"{words(entry)} is owned by a {entry.owner_kind}, “{entry.owner_reference}”, which looks after it. "
            "Copy the entry and monitor the copy.",
            code="owned",
        )
    if entry.is_system:
        raise Refused(
            f"{words(entry)} belongs to the system; the product looks after it by itself.",
            code="system_entry",
        )
    require_recurring(entry)


def _stop(entry: Entry, job: MonitoredJob | None, *, actor: Actor, now: datetime) -> None:
    if job is not None and is_protected(job):
        raise Refused(
            f"{words(entry)} is protected: {job.registered_by or 'an app'} registers it on every pass. "
            "To stop it, set it On Hold.",
            code="protected",
        )
    had_flag, _ = ManagedByApp.objects.filter(entry_id=entry.id).delete()
    if job is not None:
        job.delete()
    if job is not None or had_flag:
        history.record(entry, actor=actor, action="stop-monitoring", now=now)
