"""What the job queue's events mean for packages: connected when the app starts."""

from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.models import Category, Entry, LogEntry
from jobqueue.scheduler import create_task, database_now
from jobqueue.scheduler.models import ScheduledTask
from packages.engine import steps
from packages.models import PackageLine, RunLine
from packages.rows import locked
from packages.states import GOING, OWNER_KIND

RECONCILE_ROUTINE = "packages.reconcile"


def line_ended(*, entry: Entry, log_entry: LogEntry, succeeded: bool, final: bool, **_: Any) -> None:
    """Owner hook, in the transaction that ends a run: an attempt of a package-owned entry has ended.

    An attempt nobody waits for any more (a worker taken for dead that reported back) changes nothing.
    """
    if entry.owner_kind != OWNER_KIND:
        return
    found = RunLine.objects.filter(entry_id=entry.id, run__is_open=True, result__in=GOING)
    line = found.select_related("run").first()
    if line is None or line.run.package_id is None:
        return
    package = locked(line.run.package_id)
    # Whoever held the package before us may have settled the line.
    line = found.select_related("run", "run__held_by", "run__cancelled_by", "run__identity").first()
    if line is None or (line.entry_due_at is not None and log_entry.due_at < line.entry_due_at):
        return
    steps.attempt_ended(package, line, entry, log_entry, succeeded=succeeded, final=final, now=database_now())


def refuse_used_category(*, category: Category, actor: Actor, **_: Any) -> None:
    """A category a line uses is not deleted (*Packages reference, Deleting*)."""
    lines = PackageLine.objects.filter(
        entry__company_id=category.company_id, entry__category_code=category.code
    ).select_related("package")
    names = sorted({line.package.name for line in lines})
    if names:
        used = ", ".join(f"“{name}”" for name in names)
        raise Refused(
            f"The category “{category.code}” is used by lines of the job queue package {used}. "
            "Give those lines another category first.",
            code="category_in_use",
        )


def minute_passed(*, now: datetime, **_: Any) -> None:
    """The job queue's watch looks round: so does the reconciler."""
    if not ScheduledTask.objects.filter(main_routine=RECONCILE_ROUTINE).exists():
        create_task(RECONCILE_ROUTINE, not_before=now)
