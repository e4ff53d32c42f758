"""Rows as JSON objects: names follow the model fields, moments are ISO 8601 in UTC, choices are words."""

from datetime import datetime, time
from typing import Any

from jobqueue.explain import Explanation
from jobqueue.models import Category, Entry, EntryChange, LogEntry
from jobqueue.objects import registry
from jobqueue.preview import PlannedRun
from jobqueue.schedule.queries import format_moment
from jobqueue.scheduler import task_exists
from jobqueue.states import (
    CategoryPriority,
    LabelledInt,
    Level,
    LogStatus,
    ObjectType,
    OutputType,
    Priority,
    Status,
)

Json = dict[str, Any]

WORDS: dict[str, type[LabelledInt]] = {
    "object_type": ObjectType,
    "report_output_type": OutputType,
    "priority_within_category": CategoryPriority,
    "priority": Priority,
}
PEOPLE = ("user", "held_by", "created_by", "ended_by")


def entry_json(entry: Entry) -> Json:
    """Everything about an entry, with its company's code, user names, caption and whether a task exists."""
    found = {"entry_no": entry.entry_no, "id": str(entry.id), "company": entry.company.code}
    found |= _fields(entry, statuses=Status, without={"entry_no", "id", "company", "error_register"})
    job = registry.find(entry.object_type, entry.object_id)
    found["object_caption"] = job.caption if job is not None else ""
    found["weekdays"] = sorted(entry.weekdays)
    found["scheduled"] = task_exists(entry.system_task_id)
    return found


def log_json(row: LogEntry, *, with_lines: bool = False) -> Json:
    """One ledger row, with its duration in milliseconds and, if asked for, the lines the job wrote."""
    found = _fields(row, statuses=LogStatus, without={"company", "error_register"})
    found["duration_ms"] = row.duration_ms
    if with_lines:
        found["lines"] = [
            {"at": moment(line.at), "level": Level(line.level).label, "text": line.text}
            for line in row.lines.all()
        ]
    return found


def change_json(change: EntryChange) -> Json:
    """One row of an entry's history."""
    return _fields(change, statuses=None, without={"company", "id"})


def category_json(category: Category) -> Json:
    return {"code": category.code, "description": category.description, "slots": category.slots}


def planned_json(run: PlannedRun) -> Json:
    """A planned run: ``at`` in UTC, ``local`` on the entry's clock with its offset."""
    return {
        "at": moment(run.at),
        "local": run.local.isoformat(),
        "notes": list(run.notes),
        "will_run": run.will_run,
    }


def explanation_json(explanation: Explanation) -> Json:
    """The sentence, the start to be expected, and every gate: open is true, false, or null if not asked."""
    return {
        "sentence": explanation.sentence,
        "starts_at": moment(explanation.starts_at),
        "gates": [
            {
                "name": str(gate.name),
                "open": gate.open,
                "reason": gate.reason,
                "opener": str(gate.opener) if gate.open is False else None,
                "opens_at": moment(gate.opens_at),
                "verb": gate.verb or None,
            }
            for gate in explanation.gates
        ],
    }


def moment(value: datetime | None) -> str | None:
    """A moment as 2026-03-02T08:00:00Z; None stays None."""
    return None if value is None else format_moment(value)


def _fields(row: Any, *, statuses: type[LabelledInt] | None, without: set[str]) -> Json:
    found: Json = {}
    for field in row._meta.concrete_fields:
        if field.name in without:
            continue
        value = getattr(row, field.name if field.name in PEOPLE else field.attname)
        if field.name == "status" and statuses is not None:
            value = statuses(value).label
        elif field.name in WORDS:
            value = WORDS[field.name](value).label
        found[field.name] = plain(value)
    return found


def plain(value: Any) -> Any:
    """A value of a row as JSON can say it."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, time):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str | dict | list):
        return value
    return str(value)
