"""Changing and deleting monitored jobs, and who looks after them."""

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from typing import Any

from django.db import transaction

from jobqueue import history
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, LockedField, NotFound
from jobqueue.lifecycle.guards import by_program
from jobqueue.models import Entry
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.validation import SETTABLE, apply, coerce, labels, problems_of
from refresher.asking import is_protected
from refresher.errors import NotOperational
from refresher.models import ManagedByApp, MonitoredJob, Runner
from refresher.monitoring.checking import (
    beside_label,
    require_answerable,
    require_recurring,
    runner_problems,
    split,
)
from refresher.templates import BESIDE, OPEN_ON_PROTECTED, TEMPLATE, as_entry, changed_names, fill_from


def change_monitored_job(
    job: MonitoredJob, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> MonitoredJob:
    """Changes the template; the entry follows at the next pass.

    Fields as for ``create_from_scratch``. A protected job that is not customisable keeps all but its description,
    category, priority, first run, expiration, auto-reschedule and heartbeat URL. Raises ``Invalid``, ``LockedField``.
    """
    require(actor, "schedule", job.company)
    now = now or database_now()
    with transaction.atomic():
        job = locked_job(job)
        of_entry, beside, problems = split(values, company=job.company)
        before = {name: getattr(job, name) for name in TEMPLATE}
        shaped = as_entry(job)
        code = by_program(actor)
        clean, unread = coerce(
            of_entry, time_zone=str(of_entry.get("time_zone") or job.time_zone), by_code=code
        )
        problems += unread + apply(shaped, clean, by_code=code, now=now)
        changed = changed_names(before, shaped)
        problems += _rules(shaped, changed, code=code, now=now, known={one.field for one in problems})
        if problems:
            raise Invalid(problems)
        require_recurring(shaped)
        changed |= {name for name, value in beside.items() if value != getattr(job, name)}
        _require_open(job, changed)
        require_answerable(job, shaped, changed, actor=actor)
        old = copy(job)
        for name in changed:
            setattr(job, name, beside[name] if name in beside else getattr(shaped, name))
        if changed:
            job.save(update_fields=sorted(changed))
            _record(job, actor=actor, action="change-monitored-job", now=now, old=old)
    return job


def accept_entry(job: MonitoredJob, *, actor: Actor, now: datetime | None = None) -> MonitoredJob:
    """*Accept as new expectation*: the template takes over what the entry is now.

    Refused for protected jobs that are not customisable, and while the entry is missing or would be none to monitor.
    """
    require(actor, "schedule", job.company)
    now = now or database_now()
    with transaction.atomic():
        job = locked_job(job)
        entry = Entry.objects.select_related("company").filter(id=job.entry_id).first()
        if entry is None:
            raise NotFound(f"The entry of “{job}” does not exist any more, so there is nothing to accept.")
        require_recurring(entry)
        values = {name: getattr(entry, name) for name in TEMPLATE}
        changed = changed_names(values, job)
        _require_open(job, changed)
        require_answerable(job, entry, changed, actor=actor)
        old = copy(job)
        fill_from(job, entry)
        if changed:
            job.save(update_fields=sorted(changed))
            _record(job, actor=actor, action="accept-entry", now=now, old=old)
    return job


def delete_monitored_job(job: MonitoredJob, *, actor: Actor) -> None:
    """Deletes the monitored job and the flag; the entry keeps running unmonitored. Protected jobs reappear."""
    require(actor, "schedule", job.company)
    with transaction.atomic():
        job = locked_job(job)
        _record(job, actor=actor, action="stop-monitoring", now=database_now())
        if job.entry_id is not None:
            ManagedByApp.objects.filter(entry_id=job.entry_id).delete()
        job.delete()


def assign_runner(job: MonitoredJob, runner: Runner | None, *, actor: Actor) -> MonitoredJob:
    """Assigns the runner, or with None the default one; ``NotOperational`` says everything against a runner."""
    require(actor, "administer", job.company)
    problems = runner_problems(runner, company=job.company)
    if problems:
        raise NotOperational(" ".join(problem.message for problem in problems))
    with transaction.atomic():
        job = locked_job(job)
        if job.runner == runner:
            return job
        old = copy(job)
        job.runner = runner
        job.save(update_fields=["runner"])
        _record(job, actor=actor, action="assign-runner", now=database_now(), old=old)
    return job


def locked_job(job: MonitoredJob) -> MonitoredJob:
    """The job as stored now, locked to the end of the transaction; ``NotFound`` if it is gone."""
    jobs = MonitoredJob.objects.select_for_update(of=("self",))
    found = jobs.select_related("company", "runner__user", "last_user").filter(pk=job.pk).first()
    if found is None:
        raise NotFound(f"The monitored job “{job}” does not exist any more. Load the list again.")
    return found


def _record(
    job: MonitoredJob, *, actor: Actor, action: str, now: datetime, old: MonitoredJob | None = None
) -> None:
    """Writes what people did to a monitored job into the history of its entry."""
    entry = Entry.objects.filter(id=job.entry_id).first()
    if entry is None:
        return
    changes = {}
    if old is not None:
        changes = history.differences(history.snapshot(as_entry(old)), as_entry(job))
        for name in (*BESIDE, "runner"):
            before, after = _word(getattr(old, name)), _word(getattr(job, name))
            if before != after:
                changes[beside_label(name)] = [before, after]
    history.record(entry, actor=actor, action=action, now=now, changes=changes)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value or "")


def _rules(shaped: Entry, changed: set[str], *, code: bool, now: datetime, known: set[str]) -> list[Any]:
    found = problems_of(shaped, by_code=code, changed=changed & set(SETTABLE), now=now)
    return [problem for problem in found if problem.field not in known]


def _require_open(job: MonitoredJob, changed: set[str]) -> None:
    if not is_protected(job) or job.is_customisable:
        return
    locked = changed - OPEN_ON_PROTECTED - {"recurring", "anchor_date"}
    if locked:
        raise LockedField(
            f"“{job}” is protected: {labels(locked & set(SETTABLE)) or 'these fields'} come from "
            f"{job.registered_by or 'the code that registers it'}. Change them there."
        )
