"""Who is told of a run, and what: the occasions of a package with their facts.

Source: *Packages reference, Scenarios*, *One mail per person* and *Content*. The facts are JSON; the letters put them
into words in each reader's language. Nothing here can fail a run: ``notify`` logs what is wrong with a list.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from jobqueue.models import Company
from notifications.entry_facts import safe_message
from notifications.notify import Occasion, notify, reset_repeats
from packages import lists, scenarios
from packages.models import Package, Run, RunLine
from packages.states import FAILED, OnError, Outcome, Result, Trigger

OUTCOME_CODES = {Outcome.WITH_ERRORS: "completed_with_errors"}
ON_ERROR_CODES = {OnError.FINISH: "finish_run"}


class LineFacts(TypedDict):
    """One line of the table; ``error`` is cut at 1,000 characters, without secrets, and never a trace."""

    order: int
    description: str
    result: str
    started_at: str | None
    ended_at: str | None
    attempts: int
    error: str
    reason: str


class PackageFacts(TypedDict, total=False):
    """What a letter about a package is written from; moments are ISO texts in UTC.

    ``outcome``: success, completed_with_errors, error, stopped. ``package_status`` and ``next_run_at`` say what it
    means for the schedule. ``trigger``: scheduled, late, manual, resume. ``pages`` become full addresses.
    ``missed_state``: waiting (``starts_until_at``: not after), too_late, started_late, missed (``told_before``: that it
    waits). ``minutes``: the Max. Duration that was exceeded.
    """

    name: str
    description: str
    package: str
    time_zone: str
    on_error: str
    package_status: str
    next_run_at: str | None
    run_number: int | None
    trigger: str
    started_by: str
    ran_as: str
    due_at: str | None
    started_at: str | None
    ended_at: str | None
    duration_seconds: int | None
    late_seconds: int
    outcome: str
    message: str
    recovered: bool
    stops_package: bool
    held_by: str
    held_reason: str
    cancelled_by: str
    lines: list[LineFacts]
    line: LineFacts
    missed_state: str
    missed_count: int
    last_due_at: str | None
    starts_until_at: str | None
    told_before: bool
    no_worker_free: bool
    minutes: int
    pages: dict[str, list[str | int]]


def run_started(package: Package, run: Run, *, now: datetime) -> None:
    """*On Start*."""
    _tell(package, run, (scenarios.ON_START.code,), "package_run_started", facts_of(package, run), now=now)


def entry_failed(package: Package, run: Run, line: RunLine, *, now: datetime) -> None:
    """*On Entry Error*: at once, each time a line fails for good."""
    facts = facts_of(package, run)
    facts["line"] = line_facts(line)
    facts["on_error"] = ON_ERROR_CODES.get(OnError(line.on_error), line.on_error)
    _tell(package, run, (scenarios.ON_ENTRY_ERROR.code,), "package_entry_failed", facts, now=now)


def run_ended(package: Package, run: Run, lines: Sequence[RunLine], *, previous: str, now: datetime) -> None:
    """The end of a run: one message per person, whatever of their lines matches."""
    outcome = Outcome(run.outcome)
    codes = [scenarios.ON_COMPLETION.code]
    recovered = outcome == Outcome.SUCCESS and previous not in ("", Outcome.SUCCESS)
    if outcome == Outcome.SUCCESS:
        codes.append(scenarios.ON_SUCCESS.code)
    if outcome in (Outcome.ERROR, Outcome.WITH_ERRORS):
        codes.append(scenarios.ON_ERROR.code)
    if run.stops_package:
        codes.append(scenarios.ON_STOP.code)
    if recovered:
        codes.append(scenarios.ON_RECOVERY.code)
    facts = facts_of(package, run)
    facts["lines"] = [line_facts(line) for line in lines]
    facts["recovered"] = recovered
    _tell(package, run, tuple(codes), "package_run_ended", facts, now=now)
    if outcome == Outcome.SUCCESS:
        reset_repeats(lists.lists_of(package), _about(package))


def run_missed(package: Package, run: Run, *, state: str, now: datetime, told_before: bool = False) -> None:
    """*On Missed Run*: one message per due time or gap, saying whether it was started late or is missed.

    ``told_before``: people have heard that it waits.
    """
    facts = facts_of(package, run)
    facts |= {
        "missed_state": state,
        "missed_count": run.gap_count,
        "last_due_at": _iso(run.gap_last_due_at or run.due_at),
        "told_before": told_before,
    }
    key = f"{package.uuid}/{run.due_at.isoformat()}/{state}"
    _tell(package, run, (scenarios.ON_MISSED.code,), "package_run_missed", facts, now=now, once_key=key)


def run_waits(
    package: Package,
    run: Run | None,
    *,
    due_at: datetime,
    starts: bool,
    starts_until: datetime | None,
    next_run_at: datetime | None,
    no_worker_free: bool,
    now: datetime,
) -> None:
    """*On Missed Run*: a due time waits beyond its tolerance. ``run``: it was opened, and waits for its first line.

    ``starts``: whether it is started all the same, ``starts_until`` how long it may be. The caller sees to it that
    it is told once.
    """
    facts = facts_of(package, run or _run_to_come(package, due_at=due_at))
    facts |= {
        "missed_state": "waiting" if starts else "too_late",
        "missed_count": 1,
        "last_due_at": _iso(due_at),
        "starts_until_at": _iso(starts_until) if starts else None,
        "next_run_at": _iso(next_run_at),
        "no_worker_free": no_worker_free,
    }
    _tell(package, run, (scenarios.ON_MISSED.code,), "package_run_missed", facts, now=now)


def _run_to_come(package: Package, *, due_at: datetime) -> Run:
    """What a letter can say of a run that does not exist yet; it is not stored."""
    return Run(trigger=Trigger.SCHEDULED, due_at=due_at, on_error=package.on_error)


def run_overran(package: Package, run: Run, *, now: datetime) -> None:
    """*On Overrun*: once per run."""
    facts = facts_of(package, run)
    facts["minutes"] = package.max_duration_minutes
    facts["lines"] = [line_facts(line) for line in run.lines.all()]
    _tell(package, run, (scenarios.ON_OVERRUN.code,), "package_run_overrun", facts, now=now)


def facts_of(package: Package, run: Run) -> PackageFacts:
    """What every letter about a run says."""
    return {
        "name": package.name,
        "description": package.description,
        "package": str(package.uuid),
        "time_zone": package.time_zone,
        "on_error": ON_ERROR_CODES.get(OnError(run.on_error), run.on_error),
        "package_status": package.status,
        "next_run_at": _iso(package.next_run_at),
        "run_number": run.number,
        "trigger": "resume" if run.resumed_from_id else run.trigger,
        "started_by": run.started_by.get_username() if run.started_by is not None else "",
        "ran_as": run.identity.get_username() if run.identity is not None else "",
        "due_at": _iso(run.due_at),
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at) if run.started_at else None,
        "duration_seconds": run.duration_seconds,
        "late_seconds": run.late_seconds,
        "outcome": OUTCOME_CODES.get(Outcome(run.outcome), run.outcome) if run.outcome else "",
        "message": safe_message(run.message),
        "stops_package": run.stops_package,
        "held_by": run.held_by.get_username() if run.held_by is not None else "",
        "held_reason": run.hold_reason or run.cancel_reason,
        "cancelled_by": run.cancelled_by.get_username() if run.cancelled_by is not None else "",
        "pages": _pages(package, run),
    }


def _pages(package: Package, run: Run) -> dict[str, list[str | int]]:
    pages: dict[str, list[str | int]] = {"package_address": ["packages_package_change", package.pk]}
    if run.pk is not None:
        pages["run_address"] = ["packages_run_change", run.pk]
    return pages


def line_facts(line: RunLine) -> LineFacts:
    """One line for the table of a letter."""
    return {
        "order": line.run_order,
        "description": line.description,
        "result": "error" if line.result == Result.INTERRUPTED else line.result,
        "started_at": _iso(line.started_at),
        "ended_at": _iso(line.ended_at),
        "attempts": line.attempts,
        "error": safe_message(line.error_message) if line.result in FAILED else "",
        "reason": line.reason,
    }


def _tell(
    package: Package,
    run: Run | None,
    codes: tuple[str, ...],
    template: str,
    facts: PackageFacts,
    *,
    now: datetime,
    once_key: str = "",
) -> None:
    failures = tuple(code for code in codes if code in FAILURES)
    company: Company = package.company
    notify(
        Occasion(
            company=company,
            scenarios=codes,
            template=template,
            facts=facts,
            moment=now,
            lists=lists.lists_of(package),
            about=_about(package),
            source=("package_run", str(run.pk)) if run is not None else _about(package),
            fallback_user=package.created_by,
            fallback_scenarios=failures,
            once_key=once_key,
        )
    )


FAILURES = frozenset(
    scenario.code for scenario in (scenarios.ON_ERROR, scenarios.ON_STOP, scenarios.ON_MISSED)
)


def _about(package: Package) -> tuple[str, str]:
    return "package", str(package.uuid)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
