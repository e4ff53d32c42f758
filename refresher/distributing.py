"""Spreading monitored jobs evenly over the runner users, by load."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.models import Company, LogEntry
from jobqueue.objects import registry
from jobqueue.permissions import may_run, require
from jobqueue.schedule import ScheduleError, initial_run, occurrences
from jobqueue.schedule.recurrence import MINUTES_PER_DAY
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus
from jobqueue.validation import recurrence_of
from refresher.errors import NotOperational
from refresher.models import MonitoredJob, Runner
from refresher.monitoring import assign_runner
from refresher.runners import operational_problems

USUAL_RUNS = 20
LEAST_SECONDS = 1.0
DAYS = 7
MOST_RUNS_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class Move:
    """One job that changes hands, and its load in seconds of run time a day."""

    job: MonitoredJob
    old: Runner | None
    new: Runner
    load: float


def distribute_runners(
    company: Company, *, actor: Actor, preview: bool = False, now: datetime | None = None
) -> list[Move]:
    """Assigns every monitored job of the company to an operational runner that may run it, so that all carry alike.

    Load is runs a day times the usual duration. The heaviest job is placed first, each with whoever carries least, and
    with its present runner if that makes no difference. Returns the moves; with ``preview`` nothing is written. Jobs
    nobody may run stay where they are. Raises ``NotOperational`` when no runner of the company works.
    """
    require(actor, "administer", company)
    now = now or database_now()
    runners = [
        runner
        for runner in Runner.objects.select_related("user").order_by("pk")
        if not operational_problems(runner, company=company)
    ]
    if not runners:
        raise NotOperational(
            f"No runner user works for “{company}”. Register one, or reset those that are inactive."
        )
    jobs = MonitoredJob.objects.select_related("company", "runner__user").filter(company=company)
    with transaction.atomic():
        moves = _place(list(jobs.order_by("pk")), runners, now=now)
        for move in [] if preview else sorted(moves, key=lambda one: one.job.pk):
            assign_runner(move.job, move.new, actor=actor)
    return moves


def load_of(job: MonitoredJob, *, now: datetime) -> float:
    """Seconds of run time a day: coming runs of a week, times the mean of the last 20 successful runs."""
    return max(_runs_a_day(job, now=now) * _usual_seconds(job), 0.001)


def _place(jobs: Sequence[MonitoredJob], runners: Sequence[Runner], *, now: datetime) -> list[Move]:
    loads = {job.pk: load_of(job, now=now) for job in jobs}
    carried = {runner.pk: 0.0 for runner in runners}
    moves = []
    for job in sorted(jobs, key=lambda one: (-loads[one.pk], one.pk)):
        able = [runner for runner in runners if _may_run(runner, job)]
        if not able:
            continue
        least = min(carried[runner.pk] for runner in able)
        equal = [runner for runner in able if carried[runner.pk] <= least + 1e-9]
        chosen = next((runner for runner in equal if runner.pk == job.runner_id), equal[0])
        carried[chosen.pk] += loads[job.pk]
        if chosen.pk != job.runner_id:
            moves.append(Move(job, job.runner, chosen, loads[job.pk]))
    return moves


def _may_run(runner: Runner, job: MonitoredJob) -> bool:
    found = registry.find(job.object_type, job.object_id)
    return found is None or may_run(runner.user, found)


def _runs_a_day(job: MonitoredJob, *, now: datetime) -> float:
    try:
        recurrence = recurrence_of(job)
        if (not recurrence.formula and not recurrence.window.always_open) or recurrence.formula:
            first = initial_run(recurrence, now=now)
            until = now + timedelta(days=DAYS)
            coming = occurrences(recurrence, after=first, limit=DAYS * MOST_RUNS_A_DAY, until=until)
            return (1 + sum(1 for _ in coming)) / DAYS
    except ScheduleError:
        return 0.0
    return len(job.weekdays) / 7 * MINUTES_PER_DAY / max(1, job.minutes_between_runs)


def _usual_seconds(job: MonitoredJob) -> float:
    if job.entry_id is None:
        return LEAST_SECONDS
    rows = LogEntry.objects.filter(entry_id=job.entry_id, status=LogStatus.SUCCESS, ended_at__isnull=False)
    spans = rows.exclude(started_at=None).order_by("-entry_no").values_list("started_at", "ended_at")
    seconds = [
        (ended - started).total_seconds() for started, ended in spans[:USUAL_RUNS] if started and ended
    ]
    return max(LEAST_SECONDS, sum(seconds) / len(seconds)) if seconds else LEAST_SECONDS
