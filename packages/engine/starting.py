"""Opening a run: the snapshot of lines and rules it executes, and the first step."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from jobqueue import scheduler
from jobqueue.lifecycle import owned
from jobqueue.masking import masked
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.states import Status
from packages import telling
from packages.engine import ending, steps
from packages.engine.selection import Selection, all_lines
from packages.errors import Finding
from packages.models import Package, PackageLine, Run, RunLine
from packages.states import Result, Trigger

OVERRUN_ROUTINE = "packages.overrun"


def begin(
    package: Package,
    *,
    trigger: Trigger,
    due_at: datetime,
    now: datetime,
    identity: Any,
    started_by: Any = None,
    recurrence: str = "",
    late_seconds: int = 0,
    message: str = "",
    selection: Selection | None = None,
    resumed_from: Run | None = None,
) -> Run:
    """Opens a run of a locked package that has none open, and takes its first step."""
    run = _open(
        package,
        trigger=trigger,
        due_at=due_at,
        started_at=now,
        identity=identity,
        started_by=started_by,
        recurrence=recurrence[:250],
        late_seconds=late_seconds,
        message=message,
        resumed_from=resumed_from,
    )
    _snapshot(run, package, selection or all_lines())
    for entry in Entry.objects.filter(package_line__package=package, status=Status.ERROR):
        owned.rest(entry, now=now)
    if package.max_duration_minutes:
        run.overrun_task_id = scheduler.create_task(
            OVERRUN_ROUTINE,
            record=run.uuid,
            company=package.company_id,
            not_before=now + timedelta(minutes=package.max_duration_minutes),
        )
        run.save(update_fields=["overrun_task_id"])
    telling.run_started(package, run, now=now)
    steps.advance(package, run, now=now)
    return run


def record_failure_to_start(
    package: Package,
    found: Sequence[Finding],
    *,
    trigger: Trigger,
    due_at: datetime,
    now: datetime,
    identity: Any,
    recurrence: str = "",
    late_seconds: int = 0,
) -> Run:
    """The due run could not start: no line runs, outcome Error, and the package goes to Error in every mode.

    Source: *Packages reference, Identity and failure to start*.
    """
    run = _open(
        package,
        trigger=trigger,
        due_at=due_at,
        started_at=now,
        identity=identity,
        recurrence=recurrence[:250],
        late_seconds=late_seconds,
        message=" ".join(finding.message for finding in found)[:2048],
    )
    _snapshot(run, package, all_lines())
    run.lines.filter(result=Result.PENDING).update(result=Result.NOT_RUN, reason="The run could not start.")
    ending.close(package, run, now=now, could_not_start=True)
    return run


def _open(package: Package, **values: Any) -> Run:
    return Run.objects.create(
        company_id=package.company_id,
        package=package,
        package_uuid=package.uuid,
        package_name=package.name,
        is_open=True,
        on_error=package.on_error,
        runs_groups=package.run_equal_orders_together,
        lines_revision=package.lines_revision,
        touched_at=values["started_at"],
        **values,
    )


def _snapshot(run: Run, package: Package, selection: Selection) -> None:
    lines = list(package.lines.select_related("entry"))
    RunLine.objects.bulk_create(_line(run, package, line, selection) for line in lines)
    run.lines_total = sum(line.enabled for line in lines)
    run.save(update_fields=["lines_total"])


def _line(run: Run, package: Package, line: PackageLine, selection: Selection) -> RunLine:
    entry = line.entry
    job = registry.find(entry.object_type, entry.object_id)
    return RunLine(
        run=run,
        line=line,
        line_uuid=line.uuid,
        entry_id=entry.id,
        run_order=line.run_order,
        always=line.always,
        on_error=line.on_error or package.on_error,
        description=str(entry)[:250],
        object_type=entry.object_type,
        object_id=entry.object_id,
        object_caption=job.caption[:250] if job is not None else "",
        parameter_string=entry.parameter_string,
        parameters=masked(entry.parameters),
        category_code=entry.category_code,
        result=selection.result_of(line) if line.enabled else Result.DISABLED,
    )
