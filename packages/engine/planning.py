"""Next Run and its scheduled task: created in the transaction of the change that needs it."""

from datetime import datetime

from jobqueue import scheduler
from jobqueue.actors import SYSTEM
from packages.models import Package, Run
from packages.recurrences import anchor_of, next_due_of, rules_of
from packages.rows import record_status, store
from packages.schedule import DueTime, passed_between, summed_up
from packages.states import Outcome, PackageStatus, Trigger

START_ROUTINE = "packages.start_due"
OVERLAPPED = "A run was still open."


def plan_next(package: Package, *, after: datetime, now: datetime) -> None:
    """Stores Next Run, the first due time later than ``after``, with its task; without one the package is Finished."""
    forget_next(package)
    due = next_due_of(package, after=after)
    if due is None:
        finish(package, now=now)
        return
    package.next_run_at = due.at
    create_task(package)


def create_task(package: Package) -> None:
    """Schedules the start of the package's next run."""
    package.task_id = scheduler.create_task(
        START_ROUTINE, record=package.uuid, company=package.company_id, not_before=package.next_run_at
    )
    store(package, ["next_run_at", "task_id"])


def forget_next(package: Package) -> None:
    """Empties Next Run and removes its task."""
    if package.task_id is not None:
        scheduler.cancel_task(package.task_id)
    package.task_id = package.next_run_at = None
    store(package, ["next_run_at", "task_id"])


def finish(package: Package, *, now: datetime) -> None:
    """No occurrence is left."""
    old, package.status = package.status, PackageStatus.FINISHED
    store(package, ["status"])
    record_status(package, old=old, actor=SYSTEM, now=now, reason="No due time is left.")


def passed(package: Package, *, until: datetime) -> list[DueTime]:
    """The due times from Next Run (included) to ``until`` (included) that nobody has accounted for."""
    if package.next_run_at is None or package.next_run_at > until:
        return []
    anchor = anchor_of(package, now=until)
    return passed_between(rules_of(package), first=package.next_run_at, until=until, anchor=anchor)


def account_for_overlap(package: Package, *, run: Run, until: datetime, now: datetime) -> Run | None:
    """Writes the due times that fell into an open run as one *Skipped* record."""
    return record_gap(
        package,
        passed(package, until=until),
        outcome=Outcome.SKIPPED,
        message=f"{OVERLAPPED} (Run {run.number})",
        now=now,
    )


def record_gap(
    package: Package, due: list[DueTime], *, outcome: Outcome, message: str, now: datetime
) -> Run | None:
    """One record for due times that brought no run: number, first and last due time. None for none."""
    gap = summed_up(due)
    if gap is None:
        return None
    return Run.objects.create(
        company_id=package.company_id,
        package=package,
        package_uuid=package.uuid,
        package_name=package.name,
        trigger=Trigger.SCHEDULED,
        recurrence=due[0].rule.in_words()[:250],
        due_at=gap.first_due,
        gap_count=gap.count,
        gap_last_due_at=gap.last_due if gap.count > 1 else None,
        ended_at=now,
        on_error=package.on_error,
        outcome=outcome,
        message=message,
        lines_revision=package.lines_revision,
    )
