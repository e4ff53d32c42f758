"""Events of the job queue for whoever watches it, as plain log records (*Job queue reference, Telemetry*).

Logger ``jobqueue.telemetry``. Each record carries ``event_id`` and ``dimensions``, named as the reference names them.
An event whose level is off costs one look at the logger. Booleans are Yes and No; moments ISO 8601 in UTC.
"""

import logging
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from jobqueue.models import Company
from jobqueue.objects import registry
from jobqueue.states import LogStatus, ObjectType, Status

logger = logging.getLogger("jobqueue.telemetry")

EVENTS: dict[str, tuple[int, str]] = {
    "0000E24": (logging.INFO, "Job queue entry enqueued"),
    "0000FNY": (logging.WARNING, "Job queue entry not enqueued"),
    "0000E25": (logging.INFO, "Job queue entry started"),
    "000082C": (logging.INFO, "Job queue entry finished (run)"),
    "0000E26": (logging.INFO, "Job queue entry finished (request)"),
    "0000HE7": (logging.WARNING, "Job queue entry errored"),
    "0000JRG": (logging.WARNING, "Job queue entry failed for good"),
    "0000KZV": (logging.INFO, "Task of a job queue entry cancelled"),
    "0000F6B": (logging.INFO, "Existing job queue entry re-used"),
    "0000I49": (logging.INFO, "Job queue entry rescheduled"),
    "0000FMG": (logging.INFO, "Job queue entry run once by a user"),
    "0000FMH": (logging.WARNING, "Stale job queue entry set to Error"),
    "0000FMI": (logging.WARNING, "Stale job queue log entry set to Error"),
    "0000PCR": (logging.INFO, "Log entry of a job that runs again set to Error"),
    "0000FNM": (logging.INFO, "Status of a job queue entry changed"),
    "0000HAI": (logging.WARNING, "Job queue entry gone before it was finalised"),
    "0000HAK": (logging.WARNING, "Job queue entry gone before its status was updated"),
    "0000P8K": (logging.INFO, "Job queue entry skipped by an extension"),
    "0000P8L": (logging.INFO, "Job queue entry not ready to start"),
    "0000P9D": (logging.INFO, "Job queue entry rescheduled because of its daily window"),
    "0000P9E": (logging.INFO, "Job queue entry expired"),
    "0000P9F": (logging.INFO, "Job queue entry rescheduled as Waiting"),
    "0000P9G": (logging.INFO, "Next waiting job queue entry activated"),
    "000097V": (logging.INFO, "Collected errors finished in a background session"),
}
REDUCED = frozenset({"0000HAI", "0000HAK"})


def is_on(event_id: str) -> bool:
    """Whether anybody listens; ask before computing costly dimensions."""
    return logger.isEnabledFor(EVENTS[event_id][0])


def entry_event(event_id: str, entry: Any, **dimensions: object) -> None:
    """Reports something about an entry. ``entry`` is the model or anything with its field names."""
    level, text = EVENTS[event_id]
    if not logger.isEnabledFor(level):
        return
    standard = _reduced(entry) if event_id in REDUCED else _dimensions(entry)
    _write(level, event_id, text, {**standard, **dimensions})


def log_event(event_id: str, log_entry: Any, **dimensions: object) -> None:
    """Reports something about a ledger row; its start stands for the earliest start."""
    level, text = EVENTS[event_id]
    if not logger.isEnabledFor(level):
        return
    found = {
        **_object(log_entry),
        "JobQueueId": str(log_entry.entry_id),
        "JobQueueStatus": LogStatus(log_entry.status).label,
        "JobQueueEarliestStartDateTime": _moment(log_entry.started_at),
        "JobQueueCompanyName": _company_name(log_entry.company_id),
        "JobQueueScheduledTaskId": _text(log_entry.system_task_id),
        "JobQueueCategory": log_entry.category_code,
    }
    _write(level, event_id, text, {**found, **dimensions})


def status_changed(entry: Any, *, old: int) -> None:
    """Reports a stored change of status; nothing if it stayed."""
    if old != entry.status:
        entry_event("0000FNM", entry, JobQueueOldStatus=Status(old).label)


def _write(level: int, event_id: str, text: str, dimensions: dict[str, object]) -> None:
    logger.log(level, "%s", text, extra={"event_id": event_id, "dimensions": dimensions})


def _dimensions(entry: Any) -> dict[str, object]:
    found = {
        **_reduced(entry),
        **_object(entry),
        "JobQueueEarliestStartDateTime": _moment(entry.earliest_start_at),
        "JobQueueMaxNumberOfAttemptsToRun": entry.max_attempts,
        "JobQueueNumberOfAttemptsToRun": entry.attempts,
        "JobQueueCategory": entry.category_code,
    }
    if entry.starting_time is not None:
        found["JobQueueStartTime"] = entry.starting_time.isoformat()
    if entry.ending_time is not None:
        found["JobQueueEndTime"] = entry.ending_time.isoformat()
    return found


def _reduced(entry: Any) -> dict[str, object]:
    return {
        "Category": "AL JobQueueEntries",
        "JobQueueId": str(entry.id),
        "JobQueueObjectType": _type(entry.object_type),
        "JobQueueObjectId": entry.object_id,
        "JobQueueStatus": Status(entry.status).label,
        "JobQueueIsRecurring": "Yes" if entry.recurring else "No",
        "JobQueueEarliestStartDateTime": _moment(entry.earliest_start_at),
        "JobQueueCompanyName": _company_name(entry.company_id),
        "JobQueueScheduledTaskId": _text(entry.system_task_id),
    }


def _object(row: Any) -> dict[str, object]:
    known = registry.find(row.object_type, row.object_id)
    return {
        "Category": "AL JobQueueEntries",
        "JobQueueObjectName": known.caption if known is not None else "",
        "JobQueueObjectDescription": row.description,
        "JobQueueObjectType": _type(row.object_type),
        "JobQueueObjectId": row.object_id,
    }


def _type(object_type: int) -> str:
    return (
        ObjectType(object_type).label if object_type in ObjectType.__members__.values() else str(object_type)
    )


def _moment(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(UTC).isoformat()


def _text(value: UUID | None) -> str:
    return "" if value is None else str(value)


def _company_name(company_id: UUID) -> str:
    return _company_name_of_the_minute(company_id, int(time.monotonic() // 60))


@lru_cache(maxsize=256)
def _company_name_of_the_minute(company_id: UUID, _minute: int) -> str:
    """Looked up once a minute: an event per job must not cost a query, and a company may be renamed."""
    name = Company.objects.filter(pk=company_id).values_list("name", flat=True).first()
    return name if name is not None else str(company_id)
