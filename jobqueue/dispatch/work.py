"""One claimed task with everything looked up for it, from the decision to the end of its run."""

import time
from dataclasses import dataclass, field
from typing import Any

from jobqueue.dispatch import facts
from jobqueue.dispatch.facts import EntryRow, Reading
from jobqueue.dispatch.hotpath import Started
from jobqueue.errors import NonRetriable
from jobqueue.gates import Facts
from jobqueue.objects import JobObject
from jobqueue.schedule import Recurrence, ScheduleError
from jobqueue.scheduler import ClaimedTask, StaleClaim


@dataclass(slots=True)
class Work:
    """A claimed task with all that was looked up for it. ``refusal`` is why its due moment fails without a run.

    ``read_at`` is when that was, on the clock of ``time.monotonic()``, in seconds.
    """

    claim: ClaimedTask
    reading: Reading
    entry: EntryRow
    job: JobObject | None
    parameters: Any
    parameter_problem: str
    user_permitted: bool
    recurrence: Recurrence | None
    started: Started | None = None
    refusal: NonRetriable | None = None
    read_at: float = field(default_factory=time.monotonic)

    @property
    def caption(self) -> str:
        return self.job.caption if self.job is not None else ""


def read_work(claim: ClaimedTask) -> Work | None:
    """The work of the claim; None if there is no entry any more."""
    reading = facts.read(claim)
    if reading is None:
        raise StaleClaim(f"Task {claim.id} is no longer claimed under number {claim.claim_number}.")
    return None if reading.entry is None else work_of(claim, reading, reading.entry)


def work_of(claim: ClaimedTask, reading: Reading, entry: EntryRow) -> Work:
    """The work of a claim as it was read: object, parameters and permission looked up."""
    job = facts.job_object(entry)
    parameters, problem = facts.parse_parameters(entry, job) if job is not None else (None, "")
    permitted = job is None or not reading.user_active or facts.user_may_run(reading, job)
    try:
        recurrence = facts.recurrence_if_needed(entry)
    except ScheduleError:
        recurrence = None
    return Work(claim, reading, entry, job, parameters, problem, permitted, recurrence)


def facts_of(work: Work, **more: Any) -> Facts:
    return facts.facts_of(
        work.reading,
        task_id=work.claim.id,
        job=work.job,
        parameter_problem=work.parameter_problem,
        user_permitted=work.user_permitted,
        recurrence=work.recurrence,
        **more,
    )
