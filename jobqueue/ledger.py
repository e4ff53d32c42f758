"""The ledger: every due moment of every entry ends in exactly one final row (decisions on the ledger).

Runs write their row at the start and settle it at the end; here is what becomes of due moments that brought no run, and
the end of a run outside the hot path. Everything takes part in the caller's transaction; a due moment that is settled
already is left alone, so each function may be called twice.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from jobqueue.models import Entry, LogEntry
from jobqueue.objects import registry
from jobqueue.schedule import Gap, ScheduleError, gap_between
from jobqueue.states import Anchor, LogStatus, Origin
from jobqueue.validation import recurrence_of

REASON_LENGTH = 250
MESSAGE_LENGTH = 2048
OVERLAPPED = "The run before had not ended, or its turn had not come."


def record_gap(
    entry: Entry, gap: Gap, *, status: LogStatus, reason: str, now: datetime, **fields: Any
) -> LogEntry | None:
    """One row for due moments nobody served: *Missed* (nothing could run) or *Skipped* (something stood against it).

    The row's due moment is the first one; count and last due moment say how far the gap reaches. None if the first
    moment has its final row already. ``fields`` replaces what the row keeps of its entry.
    """
    if is_settled(entry.id, gap.first_due):
        return None
    values = {
        **_definition(entry),
        "status": status,
        "is_final": True,
        "origin": Origin.SCHEDULE,
        "due_at": gap.first_due,
        "attempt": next_attempt(entry.id, gap.first_due),
        "gap_count": gap.count,
        "gap_last_due_at": gap.last_due if gap.count > 1 else None,
        "ended_at": now,
        "reason": reason[:REASON_LENGTH],
        "modified_at": now,
    }
    return LogEntry.objects.create(**(values | fields))


def record_skip(
    entry: Entry, *, due_at: datetime, reason: str, now: datetime, **fields: Any
) -> LogEntry | None:
    """One *Skipped* row for a due moment that came and was not served; see :func:`record_gap`."""
    gap = Gap(count=1, first_due=due_at, last_due=due_at)
    return record_gap(entry, gap, status=LogStatus.SKIPPED, reason=reason, now=now, **fields)


def close_due_moment(entry: Entry, *, reason: str, now: datetime) -> None:
    """Settles the due moment an entry was serving, because somebody holds, deletes or restarts it.

    Waiting for a retry: the last failed attempt becomes the final one. Due but not started: *Skipped* with the reason.
    Fixed times that came after it are skipped with it. Not due yet: nothing, the moment never came. A run in process
    settles its own row.
    """
    due_at = entry.due_at
    if due_at is None or due_at > now:
        return
    rows = list(LogEntry.objects.filter(entry_id=entry.id, due_at=due_at).order_by("attempt"))
    if any(row.is_final or row.status == LogStatus.IN_PROCESS for row in rows):
        return
    if rows:
        LogEntry.objects.filter(pk=rows[-1].pk).update(is_final=True, modified_at=now)
        account_for_overlap(entry, due_at=due_at, until=now, reason=reason, now=now)
        return
    passed = fixed_times_after(entry, due_at=due_at, until=now)
    gap = Gap(
        count=1 + (passed.count if passed else 0),
        first_due=due_at,
        last_due=passed.last_due if passed else due_at,
    )
    record_gap(entry, gap, status=LogStatus.SKIPPED, reason=reason, now=now)


def account_for_overlap(
    entry: Entry, *, due_at: datetime, until: datetime, now: datetime, reason: str = OVERLAPPED
) -> None:
    """Fixed times later than the due moment served and not later than ``until`` become one *Skipped* row."""
    gap = fixed_times_after(entry, due_at=due_at, until=until)
    if gap is not None:
        record_gap(entry, gap, status=LogStatus.SKIPPED, reason=reason, now=now)


def fixed_times_after(entry: Entry, *, due_at: datetime, until: datetime) -> Gap | None:
    """The fixed times of a recurring entry in that span; None for an entry that counts from completion."""
    if not entry.recurring or entry.recurrence_anchor != Anchor.FIXED:
        return None
    try:
        return gap_between(recurrence_of(entry), last_due=due_at, now=until)
    except ScheduleError:
        return None


def settle(
    log_entry_no: int,
    *,
    status: LogStatus,
    ended_at: datetime,
    is_final: bool = True,
    error_kind: str = "",
    error_message: str = "",
    error_call_stack: str = "",
    error_register_id: UUID | None = None,
    reason: str = "",
    ended_by_id: Any = None,
) -> bool:
    """Ends a run's row; False if it is no longer In Process (a person set it to Error) or gone."""
    values: dict[str, Any] = {
        "status": status,
        "is_final": is_final,
        "ended_at": ended_at,
        "modified_at": ended_at,
        "error_kind": error_kind,
        "error_message": error_message[:MESSAGE_LENGTH],
        "error_call_stack": error_call_stack,
        "reason": reason[:REASON_LENGTH],
        "ended_by_id": ended_by_id,
    }
    if error_register_id is not None:
        values["error_register_id"] = error_register_id
    return bool(LogEntry.objects.filter(pk=log_entry_no, status=LogStatus.IN_PROCESS).update(**values))


def insert_run(
    entry: Entry, *, due_at: datetime, attempt: int, started_at: datetime, **fields: Any
) -> LogEntry:
    """The row of a run that has none: its start was recorded, its row was deleted (*Job queue reference*, D20)."""
    return LogEntry.objects.create(
        **{
            **_definition(entry),
            "status": LogStatus.IN_PROCESS,
            "origin": Origin.RETRY if attempt else Origin.SCHEDULE,
            "due_at": due_at,
            "attempt": attempt,
            "started_at": started_at,
            "modified_at": started_at,
            **fields,
        }
    )


def free_due_moment(entry_id: UUID, due_at: datetime, *, attempt: int = 0) -> datetime:
    """``due_at``, or the first microsecond after it at which the ledger has room for the attempt.

    Only an extra run asked for at a due moment, or an entry started anew for one that was served, gets a later one.
    """
    while _is_taken(entry_id, due_at, attempt):
        due_at += timedelta(microseconds=1)
    return due_at


def _is_taken(entry_id: UUID, due_at: datetime, attempt: int) -> bool:
    rows = LogEntry.objects.filter(entry_id=entry_id, due_at=due_at)
    if attempt:
        rows = rows.filter(Q(is_final=True) | Q(attempt=attempt))
    return rows.exists()


def is_settled(entry_id: UUID, due_at: datetime) -> bool:
    """Whether the due moment has its final row."""
    return LogEntry.objects.filter(entry_id=entry_id, due_at=due_at, is_final=True).exists()


def next_attempt(entry_id: UUID, due_at: datetime) -> int:
    """The first attempt number of the due moment that has no row."""
    used: Iterable[int] = LogEntry.objects.filter(entry_id=entry_id, due_at=due_at).values_list(
        "attempt", flat=True
    )
    return max(used, default=-1) + 1


def _definition(entry: Entry) -> dict[str, Any]:
    """What a row keeps of its entry, so that it can be read when the entry is gone."""
    job = registry.find(entry.object_type, entry.object_id)
    return {
        "entry_id": entry.id,
        "company_id": entry.company_id,
        "user_id": entry.user_id,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "object_caption": job.caption[:250] if job is not None else "",
        "description": entry.description,
        "parameter_string": entry.parameter_string,
        "parameters": entry.parameters,
        "category_code": entry.category_code,
    }
