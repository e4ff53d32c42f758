"""Rows of packages as JSON objects: names follow the model fields, moments are ISO 8601 in UTC, choices are words."""

from typing import Any
from zoneinfo import ZoneInfo

from jobqueue.command_line.representations import Json, moment, plain
from jobqueue.masking import masked
from jobqueue.models import LogEntry
from jobqueue.objects import registry
from jobqueue.schedule import Occurrence
from jobqueue.states import ObjectType, Status
from packages.errors import Finding
from packages.models import Package, PackageLine, Recurrence, Run, RunLine, StatusChange
from packages.models.package import Package as PackageModel
from packages.recurrences import in_words
from packages.rows import open_run
from packages.wording import running_line

PEOPLE = (
    "run_as_user", "identity", "activated_by", "held_by", "created_by", "modified_by", "started_by", "cancelled_by",
    "user",
)  # fmt: skip
LEFT_OUT_OF_PACKAGE = {"company", "name_key", "task_id"}
LEFT_OUT_OF_RUN = {"company", "package", "overrun_task_id", "touched_at", "lines_revision"}
ONLY_FOR_MAINTAINERS = ("parameters", "parameter_string", "error_call_stack")


def package_json(package: Package, *, run: Run | None = None, lines: list[RunLine] | None = None) -> Json:
    """All fields of a package, whether a run is open, and the line it is at."""
    found: Json = {"id": package.pk, "uuid": str(package.uuid), "company": package.company.code}
    found |= _fields(package, without=LEFT_OUT_OF_PACKAGE | {"id", "uuid"})
    local = package.next_run_at.astimezone(ZoneInfo(package.time_zone)) if package.next_run_at else None
    found["next_run_local"] = local.isoformat() if local else None
    found["running"] = run is not None
    found["run"] = run.number if run is not None else None
    found["running_line"] = running_line(lines or []) if run is not None else ""
    return found


def package_with_live_state(package: Package) -> Json:
    """A freshly read package with its open run."""
    rows = PackageModel.objects.select_related(
        "company", "run_as_user", "identity", "activated_by", "held_by"
    )
    fresh = rows.get(pk=package.pk)
    run = open_run(fresh)
    return package_json(fresh, run=run, lines=list(run.lines.all()) if run is not None else None)


def line_json(line: PackageLine) -> Json:
    """A line with what its entry runs."""
    entry = line.entry
    job = registry.find(entry.object_type, entry.object_id)
    return {
        "run_order": line.run_order,
        "id": line.pk,
        "uuid": str(line.uuid),
        "enabled": line.enabled,
        "always": line.always,
        "on_error": line.get_on_error_display() if line.on_error else "As Package",
        "entry_no": entry.pk,
        "entry_id": str(entry.id),
        "description": str(entry),
        "object_type": ObjectType(entry.object_type).label,
        "object_id": entry.object_id,
        "object_caption": job.caption if job is not None else "",
        "parameters": masked(entry.parameters),
        "category_code": entry.category_code,
        "max_attempts": entry.max_attempts,
        "status": Status(entry.status).label,
        "error_message": entry.error_message,
    }


def recurrence_json(recurrence: Recurrence, *, time_zone: str) -> Json:
    """A recurrence with its weekdays as numbers (Monday = 1) and in words."""
    return {
        "id": recurrence.pk,
        "enabled": recurrence.enabled,
        "weekdays": sorted(recurrence.weekdays),
        "next_run_date_formula": recurrence.next_run_date_formula,
        "starting_time": plain(recurrence.starting_time),
        "ending_time": plain(recurrence.ending_time),
        "minutes_between_runs": recurrence.minutes_between_runs,
        "valid_from": plain(recurrence.valid_from),
        "valid_to": plain(recurrence.valid_to),
        "words": in_words(recurrence, time_zone=time_zone),
    }


def finding_json(finding: Finding) -> Json:
    return {"line": finding.line, "code": finding.code, "message": finding.message}


def run_json(run: Run) -> Json:
    """One run with its counts; its lines are separate."""
    found = _fields(run, without=LEFT_OUT_OF_RUN)
    found["duration_seconds"] = run.duration_seconds
    return found


def run_line_json(line: RunLine, attempts: list[LogEntry], *, may_see_inside: bool) -> Json:
    """One line of a run with its log entries; parameters and trace only for those who maintain packages."""
    found = _fields(line, without={"run", "line", "id", "entry_due_at"})
    found["object_type"] = ObjectType(line.object_type).label
    found["duration_seconds"] = line.duration_seconds
    found["log_entries"] = [row.pk for row in attempts]
    if not may_see_inside:
        for name in ONLY_FOR_MAINTAINERS:
            found.pop(name, None)
    return found


def change_json(change: StatusChange) -> Json:
    """One change of a package's status."""
    return _fields(change, without={"id", "company", "package"})


def occurrence_json(due: Occurrence) -> Json:
    """A due time: ``at`` in UTC, ``local`` on the package's clock with its offset."""
    return {"at": moment(due.at), "local": due.local.isoformat(), "notes": list(due.notes)}


def _fields(row: Any, *, without: set[str]) -> Json:
    found: Json = {}
    for field in row._meta.concrete_fields:
        if field.name in without:
            continue
        value = getattr(row, field.name if field.name in PEOPLE else field.attname)
        if getattr(field, "choices", None) and value:
            value = getattr(row, f"get_{field.name}_display")()
        found[field.name] = plain(value)
    return found
