"""The core routine that makes or renews a template from an entry, stored or only described by code.

Source: *Refresher reference, How a monitored job is created*, add core routine.
"""

from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobqueue import history
from jobqueue.actors import Actor
from jobqueue.models import Entry
from notifications.verbs import links
from refresher import events
from refresher.models import ManagedByApp, MonitoredJob
from refresher.templates import BESIDE, SURVIVING, TEMPLATE, as_entry, changed_names, fill_from

REGISTRATION = ("is_protected", "is_customisable", "registered_by", "registered_as")


@dataclass(frozen=True, slots=True)
class Description:
    """What code says about a job it registers, beside the entry."""

    is_protected: bool = False
    is_customisable: bool = False
    registered_by: str = ""
    registered_as: str = ""
    beside: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Added:
    """The template, whether it is new, and what differs from before in words."""

    job: MonitoredJob
    is_new: bool
    changes: dict[str, list[str]]


CUSTOM = Description()


def add(
    entry: Entry,
    *,
    actor: Actor,
    now: datetime,
    description: Description = CUSTOM,
    write: bool = True,
    afresh: bool = False,
) -> Added:
    """Makes the entry's template, or renews the one there is; with ``write`` off only in memory.

    A renewed template keeps its description, first run, auto-reschedule, runner, link and results. One of a
    customisable protected job is not touched at all. ``afresh``: only in memory, and as if there were none yet; the
    result has the number of the one there is.
    """
    known = _existing(entry, description)
    found = None if afresh else known
    job = found or MonitoredJob(company=entry.company, created_at=now, created_by=actor.user)
    if found is None and entry.pk is not None:
        job.entry_id = entry.id
        job.last_user = entry.user
    old = copy(job) if found is not None else None
    before = history.snapshot(as_entry(job))
    for name in REGISTRATION:
        setattr(job, name, getattr(description, name))
    job.is_customisable = _is_customisable(job)
    if found is None or not (old is not None and old.is_protected and job.is_customisable):
        _renew(job, entry, old=old, description=description)
    if afresh:
        job.pk = known.pk if known is not None else None
    elif write:
        _write(job, old)
        if found is None and entry.pk is not None:
            job.notification_lists.set(links.linked_lists(entry))
    return Added(job, found is None, history.differences(before, as_entry(job)))


def flag(entry: Entry, *, managed: bool = True) -> None:
    """Stores the *Managed by App* flag of an entry."""
    ManagedByApp.objects.update_or_create(
        entry_id=entry.id, defaults={"managed": managed, "company": entry.company}
    )


def _renew(job: MonitoredJob, entry: Entry, *, old: MonitoredJob | None, description: Description) -> None:
    fill_from(job, entry)
    for name, value in description.beside.items():
        setattr(job, name, value)
    events.ask_all(events.before_build_monitored_job, job=job, entry=entry)
    if old is not None:
        for name in SURVIVING:
            setattr(job, name, getattr(old, name))
        if old.earliest_start_at is not None:
            job.earliest_start_at = old.earliest_start_at
    events.ask_all(events.before_renew_monitored_job, old=old, job=job)


def _write(job: MonitoredJob, old: MonitoredJob | None) -> None:
    if old is None:
        job.save(force_insert=True)
        return
    names = (*TEMPLATE, *BESIDE, *REGISTRATION)
    changed = changed_names({name: getattr(old, name) for name in names}, job, names)
    if changed:
        job.save(update_fields=sorted(changed))


def _is_customisable(job: MonitoredJob) -> bool:
    answer = events.ask(events.is_customisable, job=job) if job.is_protected else False
    return job.is_customisable if answer is None else bool(answer)


def _existing(entry: Entry, description: Description) -> MonitoredJob | None:
    """By the entry's id, by the key in the registering code, or by what the job runs, with its category first."""
    jobs = MonitoredJob.objects.select_related("company", "runner__user").filter(company=entry.company)
    if entry.pk is not None:
        return jobs.filter(entry_id=entry.id).first()
    if description.registered_as:
        found = jobs.filter(registered_as=description.registered_as).first()
        if found is not None:
            return found
    same = jobs.filter(
        registered_as="",
        object_type=entry.object_type,
        object_id=entry.object_id,
        parameter_string=entry.parameter_string,
        parameters=entry.parameters,
    ).order_by("pk")
    if entry.record_to_process:
        same = same.filter(record_to_process=entry.record_to_process)
    return same.filter(category_code=entry.category_code).first() or same.first()
