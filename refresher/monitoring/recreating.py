"""*Recreate Monitored Jobs*: the templates anew from code and from flagged entries."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.models import Company, Entry
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from refresher import registration
from refresher.adding import add
from refresher.asking import is_protected, monitored_job_of, setup_of
from refresher.models import ManagedByApp, MonitoredJob
from refresher.results import Registered
from refresher.setting_up import locked_setup
from refresher.states import RefreshStatus
from refresher.templates import BESIDE, TEMPLATE

SHOWN = 10
UNCOUNTED = ("earliest_start_at", "anchor_date")
"""What differs by the clock alone, and is no change somebody made."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What recreating would lose, one sentence each. ``lost_for_good``: custom templates whose entry is gone."""

    lost_for_good: list[MonitoredJob] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recreation:
    """What recreating did."""

    deleted: int
    registered: list[Registered]
    from_entries: list[MonitoredJob]
    errors: list[str] = field(default_factory=list)


def what_recreating_loses(company: Company, *, actor: Actor) -> Losses:
    """The warning to be confirmed: runner assignments, edits, refresh results, templates without an entry."""
    require(actor, "view", company)
    jobs = list(MonitoredJob.objects.select_related("company", "runner__user").filter(company=company))
    rows = Entry.objects.filter(id__in=[job.entry_id for job in jobs])
    entries: dict[Any, Entry] = {entry.id: entry for entry in rows}
    flagged = set(
        ManagedByApp.objects.filter(company=company, managed=True).values_list("entry_id", flat=True)
    )
    custom = [job for job in jobs if not is_protected(job)]
    gone = [job for job in custom if job.entry_id not in entries]
    unflagged = [job for job in custom if job.entry_id in entries and job.entry_id not in flagged]
    unfit = [
        job
        for job in custom
        if job.entry_id in entries and job not in unflagged and not _can_be_monitored(entries[job.entry_id])
    ]
    by_code = _as_registered(company) if len(custom) < len(jobs) else {}
    protected = [job for job in jobs if job not in custom]
    unregistered = [job for job in protected if job.pk not in by_code]
    edited = [
        job
        for job in jobs
        if job not in gone
        and (
            _differs(job, entries.get(job.entry_id))
            or _differs_from_code(job, by_code.get(job.pk), entries.get(job.entry_id))
        )
    ]
    assigned = [job for job in jobs if job.runner_id is not None]
    failed = [job for job in jobs if job.last_refresh_status == RefreshStatus.ERROR]
    beside = [job for job in jobs if _has_more_than_code(job, by_code.get(job.pk))]
    listed = [
        job
        for job in protected
        if job.pk in by_code and job.notification_lists.filter(company=company).exists()
    ]
    sentences = [
        f"{what} ({len(found)}): {_names(found)}."
        for found, what in (
            (gone, "Lost for good, because no entry is left"),
            (unflagged, "Not monitored any more, because the flag Managed by App is off"),
            (unfit, "Not monitored any more, because the entry runs once or somebody else looks after it"),
            (unregistered, "Not monitored any more, because their code does not register them or fails"),
            (assigned, "Runner user lost"),
            (edited, "What was changed on the monitored job lost"),
            (beside, "Auto-reschedule and heartbeat URL lost"),
            (listed, "Notification lists of the monitored job lost"),
            (failed, "Last error message lost"),
        )
        if found
    ]
    return Losses(gone, sentences)


def recreate_monitored_jobs(company: Company, *, actor: Actor, now: datetime | None = None) -> Recreation:
    """Deletes all monitored jobs, registers those of code, and monitors every flagged entry as it is now.

    Nothing is restored or started. Flags survive; those of entries that are protected now go, those whose entry is
    missing stay. In one transaction. Source: *Refresher reference, Recreate Monitored Jobs*.
    """
    require(actor, "administer", company)
    now = now or database_now()
    with transaction.atomic():
        locked_setup(company)  # the lock: two people never recreate at once
        deleted = MonitoredJob.objects.filter(company=company).delete()[1].get(MonitoredJob._meta.label, 0)
        registered = registration.register_all(setup_of(company), now=now)
        from_entries = []
        flags = {row.entry_id: row for row in ManagedByApp.objects.filter(company=company)}
        for entry in (
            Entry.objects.select_related("company", "user").filter(id__in=flags).order_by("entry_no")
        ):
            row = flags[entry.id]
            if _is_protected_entry(entry):
                row.delete()
            elif row.managed and _can_be_monitored(entry):
                from_entries.append(add(entry, actor=actor, now=now).job)
    errors = [one.error for one in registered if one.error]
    return Recreation(deleted, registered, from_entries, errors)


def _can_be_monitored(entry: Entry) -> bool:
    return bool(entry.recurring and not entry.owner_kind)


def _is_protected_entry(entry: Entry) -> bool:
    """Whether code registered this entry's job: its template is linked, or describes the same."""
    job = monitored_job_of(entry)
    if job is None:
        same = MonitoredJob.objects.select_related("company").filter(
            company=entry.company,
            is_protected=True,
            entry_id=None,
            object_type=entry.object_type,
            object_id=entry.object_id,
            parameter_string=entry.parameter_string,
            parameters=entry.parameters,
        )
        job = same.filter(category_code=entry.category_code).first() or same.first()
    return job is not None and is_protected(job)


def _as_registered(company: Company) -> dict[int, MonitoredJob]:
    """What code says now of the protected jobs there are, by their number; nothing is written."""
    registered = registration.register_all(setup_of(company), now=database_now(), write=False, afresh=True)
    return {one.job.pk: one.job for one in registered if one.job is not None and one.job.pk is not None}


def _differs_from_code(job: MonitoredJob, by_code: MonitoredJob | None, entry: Entry | None) -> bool:
    if by_code is None:
        return False
    if by_code.earliest_start_at is None and _has_first_run_of_people(job, entry):
        return True  # one that code gives moves on with the clock
    return any(getattr(job, name) != getattr(by_code, name) for name in TEMPLATE if name not in UNCOUNTED)


def _has_first_run_of_people(job: MonitoredJob, entry: Entry | None) -> bool:
    """Whether somebody entered a First Run that still matters; a pass fills in the start it planned first."""
    if job.earliest_start_at is None or job.earliest_start_at <= database_now():
        return False
    return entry is None or job.earliest_start_at != entry.earliest_start_at


def _has_more_than_code(job: MonitoredJob, by_code: MonitoredJob | None) -> bool:
    names = [name for name in BESIDE if getattr(job, name)]
    return any(by_code is None or getattr(by_code, name) != getattr(job, name) for name in names)


def _differs(job: MonitoredJob, entry: Entry | None) -> bool:
    if entry is None or job.is_protected:
        return False
    return any(getattr(job, name) != getattr(entry, name) for name in TEMPLATE if name not in UNCOUNTED)


def _names(jobs: list[MonitoredJob]) -> str:
    more = f" and {len(jobs) - SHOWN} more" if len(jobs) > SHOWN else ""
    return ", ".join(f"“{job}”" for job in jobs[:SHOWN]) + more
