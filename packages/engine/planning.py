"""Next Run and its scheduled task: created in the transaction of the change that needs it."""

from datetime import datetime

from django.db.models import Max

from jobqueue import scheduler
from jobqueue.actors import SYSTEM
from packages.models import Package, Run
from packages.recurrences import anchor_of, next_due_of, rules_of
from packages.rows import record_status, store
from packages.schedule import NOW_INCLUDED, DueTime, Rule, next_due, passed_between, summed_up
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
    anchor, rules = anchor_of(package, now=until), rules_of(package)
    found = passed_between(rules, first=package.next_run_at, until=until, anchor=anchor)
    if not found or found[0].at != package.next_run_at:
        found = _moved_before(package, rules, anchor=anchor) + found
    return found


def _moved_before(package: Package, rules: list[Rule], *, anchor: datetime) -> list[DueTime]:
    """The due times that Next Run stood for, when it is none any more because new time-zone data moved them before it.

    The due time nearest to Next Run is the one it stood for. A later one is still to come, so nothing is lost then, and
    an earlier one of the day before was served under the old data.
    """
    stored, known = package.next_run_at, _accounted_until(package)
    if stored is None or known is None or known >= stored:
        return []
    earlier = passed_between(rules, first=known + NOW_INCLUDED, until=stored, anchor=anchor)
    coming = next_due(rules, after=stored, anchor=anchor)
    if earlier and coming is not None and coming.at - stored < stored - earlier[-1].at:
        return []
    return earlier


def _accounted_until(package: Package) -> datetime | None:
    """The last due time that has a run or a record; the activation before the first."""
    rows = Run.objects.filter(package_uuid=package.uuid).exclude(trigger=Trigger.MANUAL)
    moments = rows.aggregate(first=Max("due_at"), last=Max("gap_last_due_at"))
    return max((at for at in (*moments.values(), package.activated_at) if at is not None), default=None)


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
