"""How monitored jobs stand, expected against actual, for lists: a fixed number of queries however many jobs.

It says what is, not what a pass would do: that is ``passing.simulate_pass``.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jobqueue import history
from jobqueue.models import Entry, ScheduledTask
from jobqueue.states import HoldKind, Status
from jobqueue.validation import apply
from refresher.models import MonitoredJob
from refresher.results import Changes
from refresher.templates import keep_grid, values_to_enforce

LATE = timedelta(minutes=5)
"""A ready entry this long over its start is late."""


class Condition(StrEnum):
    """How a monitored job stands; the gravest condition counts."""

    OK = "ok"
    DRIFTED = "drifted"
    MISSING = "missing"
    STOPPED = "stopped"
    HELD = "held"
    LATE = "late"


CONDITION_WORDS = {
    Condition.OK: "OK",
    Condition.DRIFTED: "Drifted",
    Condition.MISSING: "Missing",
    Condition.STOPPED: "Stopped",
    Condition.HELD: "Held by a person",
    Condition.LATE: "Late",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One job: its entry, if there is one, and what differs: field in words → [actual, expected] in words."""

    job: MonitoredJob
    entry: Entry | None
    condition: Condition
    changes: Changes = field(default_factory=dict)

    @property
    def words(self) -> str:
        return CONDITION_WORDS[self.condition]


def standings(jobs: Sequence[MonitoredJob], *, now: datetime) -> list[Standing]:
    """The standing of each job, in the order given; two queries."""
    keys = [job.entry_id for job in jobs if job.entry_id is not None]
    rows = Entry.objects.select_related("company", "user", "held_by").filter(id__in=keys)
    entries = {entry.id: entry for entry in rows}
    task_ids = [entry.system_task_id for entry in entries.values() if entry.system_task_id is not None]
    tasks = set(ScheduledTask.objects.filter(pk__in=task_ids).values_list("pk", flat=True))
    found = []
    for job in jobs:
        entry = entries.get(job.entry_id) if job.entry_id is not None else None
        has_task = entry is not None and entry.system_task_id in tasks
        found.append(_standing(job, entry, has_task=has_task, now=now))
    return found


def _standing(job: MonitoredJob, entry: Entry | None, *, has_task: bool, now: datetime) -> Standing:
    if entry is None:
        return Standing(job, None, Condition.MISSING)
    changes = differences(job, entry, now=now)
    return Standing(job, entry, _condition(entry, changes, has_task=has_task, now=now), changes)


def differences(job: MonitoredJob, entry: Entry, *, now: datetime) -> Changes:
    """What differs on the entry: field in words → [actual, expected] in words. No queries."""
    target = copy(entry)
    apply(target, values_to_enforce(job), by_code=True, now=now)
    keep_grid(target, job)
    # A pass reports another object instead of correcting it; it differs all the same.
    target.object_type, target.object_id = job.object_type, job.object_id
    return history.differences(history.snapshot(entry), target)


def _condition(entry: Entry, changes: Changes, *, has_task: bool, now: datetime) -> Condition:
    if entry.status == Status.ON_HOLD and entry.hold_kind not in ("", HoldKind.PROGRAM):
        return Condition.HELD
    stopped = entry.status in (Status.ERROR, Status.ON_HOLD, Status.FINISHED)
    if stopped or (not has_task and entry.status != Status.IN_PROCESS):
        return Condition.STOPPED
    if changes:
        return Condition.DRIFTED
    start = entry.earliest_start_at
    late = entry.status == Status.READY and start is not None and start + LATE < now
    return Condition.LATE if late else Condition.OK
