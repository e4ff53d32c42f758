"""*Why is it not running?* for a package: an ordered list of questions, each open or closed, as gates are.

Everything is read from the same functions the verbs and the run engine go by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobqueue import scheduler
from jobqueue.actors import SYSTEM
from jobqueue.explain import busy_workers, limit_reached, live_workers
from jobqueue.explain import explain as explain_entry
from jobqueue.gates import Opener
from jobqueue.models import Entry
from jobqueue.schedule import load_zone
from jobqueue.scheduler import copy_guard, database_now
from packages import guards
from packages.models import Package, Run, RunLine
from packages.recurrences import next_due_of
from packages.rows import open_run
from packages.states import GOING, PackageStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's answer. ``verb`` is the verb that opens it, ``opens_at`` (aware) when it opens by itself."""

    question: str
    open: bool
    reason: str = ""
    opener: Opener = Opener.NOBODY
    verb: str = ""
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence for the header, and every answer in order."""

    sentence: str
    answers: list[Answer]
    starts_at: datetime | None

    @property
    def first_closed(self) -> Answer | None:
        return next((answer for answer in self.answers if not answer.open), None)


def explain(package: Package, *, now: datetime | None = None) -> Explanation:
    """Explains the package as stored now: is it running, when will it, and what stands against that. Reads only."""
    now = now or database_now()
    run = open_run(package)
    answers = [
        _schedule_is_on(package),
        _has_due_time(package, now=now),
        *_guards(package, now=now),
        _nothing_runs(package, run),
        _has_task(package, run),
        _is_due(package, now=now),
        _has_workers(now=now),
        _database_is_ours(),
    ]
    closed = [answer for answer in answers if not answer.open]
    waits = package.is_active and all(answer.opens_at is not None for answer in closed)
    starts_at = (
        max([now, *(one.opens_at for one in closed if one.opens_at)]) if waits and run is None else None
    )
    return Explanation(_sentence(package, run, closed, starts_at, now=now), answers, starts_at)


def what_it_waits_for(package: Package, *, now: datetime) -> str:
    """Why a due time of an Active package without an open run has not started yet; empty while it may at any moment."""
    if package.next_run_at is None or package.next_run_at > now:
        return ""
    alive = live_workers(now=now)
    if not alive:
        return "no worker is running"
    if reached := limit_reached(None):
        return reached
    if busy_workers() < alive:
        return ""
    return "the only worker is busy" if alive == 1 else f"all {alive} workers are busy"


def _schedule_is_on(package: Package) -> Answer:
    question = "The schedule is on"
    if package.is_active:
        return Answer(question, True, "The package is Active.")
    label = PackageStatus(package.status).label
    reason = f"The package is {label}."
    if package.status == PackageStatus.ON_HOLD and package.held_at is not None:
        by = f" by {package.held_by.get_username()}" if package.held_by is not None else ""
        why = f": {package.hold_reason}" if package.hold_reason else ""
        reason = f"The package is On Hold since {package.held_at:%Y-%m-%d %H:%M} UTC{by}{why}."
    elif package.status == PackageStatus.ERROR:
        change = package.status_changes.filter(to_status=PackageStatus.ERROR).first()
        why = f": {change.reason}" if change is not None and change.reason else "."
        reason = f"The package was stopped by an error{why}"
    return Answer(question, False, reason, Opener.OPERATOR, verb="set-active")


def _has_due_time(package: Package, *, now: datetime) -> Answer:
    question = "A due time is coming"
    due = next_due_of(package, after=now)
    if due is None and package.next_run_at is None:
        return Answer(question, False, guards.NOTHING_RUNS, Opener.SCHEDULER, verb="add-recurrence")
    return Answer(question, True)


def _guards(package: Package, *, now: datetime) -> list[Answer]:
    found = guards.problems(package, actor=SYSTEM, now=now, to_run_now=True)
    if not found:
        return [Answer("Lines, jobs and run identity are in order", True)]
    return [
        Answer("Lines, jobs and run identity are in order", False, finding.message, Opener.SCHEDULER)
        for finding in found
    ]


def _nothing_runs(package: Package, run: Run | None) -> Answer:
    question = "No run is open"
    if run is None:
        return Answer(question, True)
    return Answer(question, False, f"{_progress(run)} {_line_in_words(run)}".strip(), Opener.ITSELF)


def _has_task(package: Package, run: Run | None) -> Answer:
    question = "A task stands for the next run"
    if not package.is_active or run is not None or scheduler.task_exists(package.task_id):
        return Answer(question, True)
    return Answer(
        question,
        False,
        "The task of the next run is gone; the watch makes another within minutes.",
        Opener.ITSELF,
    )


def _is_due(package: Package, *, now: datetime) -> Answer:
    question = "Its time has come"
    if package.next_run_at is None or package.next_run_at <= now:
        return Answer(question, True)
    local = package.next_run_at.astimezone(load_zone(package.time_zone))
    reason = f"Next run: {local:%a} {local.day} {local:%b %Y %H:%M} ({package.time_zone})."
    return Answer(question, False, reason, Opener.ITSELF, verb="run-now", opens_at=package.next_run_at)


def _has_workers(*, now: datetime) -> Answer:
    if live_workers(now=now):
        return Answer("A worker is alive", True)
    return Answer(
        "A worker is alive", False, "No worker is running. Start “manage.py jobworker”.", Opener.ADMINISTRATOR
    )


def _database_is_ours() -> Answer:
    if not copy_guard.look().held:
        return Answer("The database is not a copy", True)
    return Answer(
        "The database is not a copy",
        False,
        "The database is held because it looks like a copy. Adopt it first.",
        Opener.ADMINISTRATOR,
    )


def _progress(run: Run) -> str:
    since = f" since {run.started_at:%Y-%m-%d %H:%M:%S} UTC" if run.started_at else ""
    held = " It was held and ends after the entry that is running." if run.hold_requested_at else ""
    return f"Run {run.number} is open{since}.{held}"


def _line_in_words(run: Run) -> str:
    """What the entry of the line that is going waits for."""
    line = RunLine.objects.filter(run=run, result__in=GOING).first()
    if line is None:
        return ""
    entry = Entry.objects.filter(id=line.entry_id).first()
    if entry is None:
        return f"Line {line}: its entry is gone."
    return f"Line {line}: {explain_entry(entry, now=database_now()).sentence}"


def _sentence(
    package: Package, run: Run | None, closed: list[Answer], starts_at: datetime | None, *, now: datetime
) -> str:
    if run is not None:
        return f"“{package}” is running. {_progress(run)} {_line_in_words(run)}".strip()
    if starts_at is not None and closed:
        return f"“{package}” is Active. {closed[0].reason}"
    if not closed:
        if waits := what_it_waits_for(package, now=now):
            return f"“{package}” is due and has not started: {waits}."
        return f"“{package}” starts at any moment."
    return f"“{package}” does not run. {closed[0].reason}"
