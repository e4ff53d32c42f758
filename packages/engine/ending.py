"""Closing a run: its outcome, what it means for the package and its schedule, and who is told.

Source: *Packages reference, Algorithm* and *Outcome of a run*.
"""

from collections.abc import Iterable
from datetime import datetime

from jobqueue import scheduler
from jobqueue.actors import SYSTEM
from packages import telling
from packages.engine import planning
from packages.models import Package, Run, RunLine
from packages.rows import record_status, store
from packages.states import (
    COUNTS_FOR_NOTHING,
    FAILED,
    NOT_EXECUTED,
    STOPS_THE_PACKAGE,
    SUCCEEDED,
    OnError,
    Outcome,
    PackageStatus,
)


def outcome_of(lines: Iterable[RunLine]) -> Outcome:
    """The verdict over lines that all have ended."""
    counted = [line for line in lines if line.result not in COUNTS_FOR_NOTHING]
    failed = [line for line in counted if line.result in FAILED]
    left_undone = any(line.result in NOT_EXECUTED for line in counted)
    if not failed:
        return Outcome.STOPPED if left_undone else Outcome.SUCCESS
    stopped = any(line.on_error == OnError.STOP for line in failed)
    return Outcome.ERROR if stopped or left_undone else Outcome.WITH_ERRORS


def close(package: Package, run: Run, *, now: datetime, could_not_start: bool = False) -> None:
    """Ends the run of a locked package, once: a run that is closed already is left alone."""
    if not run.is_open:
        return
    lines = list(run.lines.order_by("always", "run_order", "pk"))
    run.outcome = Outcome.ERROR if could_not_start else outcome_of(lines)
    run.ended_at, run.is_open = now, False
    run.lines_succeeded = sum(line.result in SUCCEEDED for line in lines)
    run.lines_failed = sum(line.result in FAILED for line in lines)
    run.lines_not_executed = sum(line.result in NOT_EXECUTED for line in lines)
    run.touched_at = now
    if run.overrun_task_id is not None:
        scheduler.cancel_task(run.overrun_task_id)
        run.overrun_task_id = None
    failed = [line for line in lines if line.result in FAILED]
    stops = could_not_start or any(line.on_error in STOPS_THE_PACKAGE for line in failed)
    # A held run ends as held, also when its package has been set Active again since: its mode decides nothing more.
    run.stops_package = package.is_active and stops and run.hold_requested_at is None
    run.message = " ".join(part for part in (run.message, _message(run, failed)) if part)[:2048]
    run.save()
    previous, package.last_outcome = package.last_outcome, run.outcome
    package.last_run_at = run.started_at
    if not could_not_start and not any(line.attempts or line.result in FAILED for line in lines):
        package.last_outcome = previous
        package.refresh_from_db(fields=["last_run_at"])
    store(package, ["last_run_at", "last_outcome"])
    if package.is_active:
        _settle_schedule(package, run, now=now)
    telling.run_ended(package, run, lines, previous=previous, now=now)


def _settle_schedule(package: Package, run: Run, *, now: datetime) -> None:
    planning.account_for_overlap(package, run=run, until=now, now=now)
    if not run.stops_package:
        planning.plan_next(package, after=now, now=now)
        return
    planning.forget_next(package)
    old, package.status = package.status, PackageStatus.ERROR
    store(package, ["status"])
    record_status(package, old=old, actor=SYSTEM, now=now, reason=run.message, run=run)


def _message(run: Run, failed: list[RunLine]) -> str:
    if not failed:
        undone = run.outcome == Outcome.STOPPED
        return next((line.reason for line in run.lines.all() if line.reason), "") if undone else ""
    first = f"Line {failed[0]} failed: {failed[0].error_message}"
    more = f" {len(failed) - 1} more failed, too." if len(failed) > 1 else ""
    return f"{first[:1900]}{more}"
