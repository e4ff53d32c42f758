"""What people are told about an entry and one of its runs: facts, without parameters, call stacks or secrets.

Source: *Packages reference, Content*.
"""

from datetime import datetime
from typing import Any

from jobqueue.history import HIDDEN, SECRET_TEXT
from jobqueue.models import Entry, LogEntry
from jobqueue.states import Status

ERROR_LENGTH = 1_000
STATUS_WORDS = {
    Status.ERROR: "error",
    Status.ON_HOLD: "on-hold",
    Status.FINISHED: "deleted",
}
ENTRY_PAGE = "jobqueue_entry_change"
LOG_PAGE = "jobqueue_logentry_change"


def facts_of(entry: Entry, row: LogEntry | None = None, **more: Any) -> dict[str, Any]:
    """The facts of the entry, and of one ledger row of it if given; ``more`` is added."""
    pages: dict[str, list[Any]] = {}
    is_there = entry.status != Status.FINISHED
    if is_there:
        pages["address"] = [ENTRY_PAGE, entry.entry_no]
    facts: dict[str, Any] = {
        "name": str(entry),
        "entry_no": entry.entry_no,
        "job": f"{entry.get_object_type_display()} {entry.object_id}",
        "category": entry.category_code,
        "time_zone": entry.time_zone,
        "status_after": STATUS_WORDS.get(Status(entry.status), ""),
        "next_run_at": _moment(entry.earliest_start_at) if entry.status == Status.READY else None,
    }
    if row is not None:
        pages["log_address"] = [LOG_PAGE, row.entry_no]
        caption = f" {row.object_caption}" if row.object_caption else ""
        facts |= {
            "job": f"{facts['job']}{caption}",
            "due_at": _moment(row.due_at),
            "started_at": _moment(row.started_at),
            "ended_at": _moment(row.ended_at),
            "attempts": row.attempt + 1,
            "runs_as": row.user.get_username() if row.user is not None else "System",
            "error": safe_message(row.error_message),
        }
    return {**facts, **more, "pages": pages}


def safe_message(text: str) -> str:
    """An error message as it may leave the house: what looks like a secret is hidden, 1,000 characters at most."""
    return SECRET_TEXT.sub(rf"\g<1>{HIDDEN}", text)[:ERROR_LENGTH]


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
