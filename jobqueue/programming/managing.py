"""Helpers that bring entries forward, hold them and take them out.

Source: *Job queue reference, Programming interface*.
"""

from datetime import date, datetime
from typing import Any

from jobqueue import companies, lifecycle, telemetry
from jobqueue.errors import JobQueueError
from jobqueue.models import Company, Entry
from jobqueue.programming.acting import actor
from jobqueue.programming.asking import entries_of_object
from jobqueue.schedule import DateFormula, load_zone, to_local
from jobqueue.scheduler import database_now, task_exists
from jobqueue.states import ObjectType, Status


def reuse_existing(
    *,
    user: Any,
    start_at: datetime,
    company: Company | None = None,
    entry_id: Any = None,
    category: str | None = None,
    of_user: Any = None,
    parameter_string: str | None = None,
    object_id: int | None = None,
) -> bool:
    """Looks for an entry by the criteria given and brings it forward; returns whether one was found.

    One that is Ready or In Process and has a task is left alone; another is set Ready at ``start_at``.
    """
    criteria = {
        "id": entry_id,
        "category_code": category.strip().upper() if category is not None else None,
        "user": of_user,
        "parameter_string": parameter_string,
        "object_id": object_id,
    }
    given = {name: value for name, value in criteria.items() if value is not None}
    if not given:
        raise ValueError("Name at least one criterion to look for an entry by.")
    entry = Entry.objects.filter(company=company or companies.default(), **given).order_by("entry_no").first()
    if entry is None:
        return False
    busy = entry.status in (Status.READY, Status.IN_PROCESS) and task_exists(entry.system_task_id)
    if not busy:
        _bring_forward(entry, start_at=start_at, user=user)
        telemetry.entry_event("0000F6B", entry, JobQueueProposedExecutionDateTime=start_at.isoformat())
    return True


def delete_entries(
    object_type: ObjectType, object_id: int, *, user: Any, company: Company | None = None
) -> tuple[int, int]:
    """Deletes the object's entries; one In Process becomes non-recurring instead, so it vanishes after its success.

    Returns how many were deleted and how many were made to vanish.
    """
    deleted = ending = 0
    for entry in entries_of_object(object_type, object_id, company=company or companies.default()):
        if entry.status == Status.IN_PROCESS:
            lifecycle.let_end(entry, actor=actor(user))
            ending += 1
        else:
            lifecycle.delete_entry(entry, actor=actor(user), reason="Deleted by a program")
            deleted += 1
    return deleted, ending


def start_inactive(
    object_type: ObjectType, object_id: int, *, user: Any, company: Company | None = None
) -> int:
    """Sets all entries of the object Ready that are On Hold; returns how many."""
    held = entries_of_object(object_type, object_id, company=company or companies.default()).filter(
        status=Status.ON_HOLD
    )
    return sum(1 for entry in held if lifecycle.set_ready(entry, actor=actor(user)))


def set_on_hold(
    object_type: ObjectType, object_id: int, *, user: Any, reason: str = "", company: Company | None = None
) -> int:
    """Sets all entries of the object On Hold; returns how many were not before."""
    running = entries_of_object(object_type, object_id, company=company or companies.default()).exclude(
        status=Status.ON_HOLD
    )
    return sum(1 for entry in running if lifecycle.set_on_hold(entry, actor=actor(user), reason=reason))


def hold_if_unused(
    object_type: ObjectType,
    object_id: int,
    *,
    user: Any,
    formula: str,
    last_sign_in: date | None,
    company: Company | None = None,
) -> bool:
    """Sets the object's entries On Hold if nobody signed in since today minus a period; returns whether it did.

    ``formula`` is a period such as 30D, 2W, 3M, 1Q or 1Y; ``last_sign_in`` the latest sign-in that counts, None for
    never. Today is the date in the company's time zone.
    """
    company = company or companies.default()
    today = to_local(database_now(), zone=load_zone(company.time_zone)).date()
    since = DateFormula.parse(f"-{formula.strip().lstrip('+-')}").apply(today)
    if last_sign_in is not None and last_sign_in >= since:
        return False
    set_on_hold(object_type, object_id, user=user, reason=f"Nobody signed in since {since}", company=company)
    return True


def cancel(entry: Entry, *, user: Any) -> None:
    """Takes the entry out of the queue for good: its task is cancelled and it is deleted."""
    lifecycle.delete_entry(entry, actor=actor(user), reason="Cancelled by a program")


def _bring_forward(entry: Entry, *, start_at: datetime, user: Any) -> None:
    if entry.status == Status.READY:
        # Ready without a task has been lost; Set Ready would find nothing to do.
        lifecycle.restart(entry, actor=actor(user), earliest_start_at=start_at)
    elif entry.status != Status.IN_PROCESS:
        lifecycle.set_ready(entry, actor=actor(user), earliest_start_at=start_at)
    else:
        raise JobQueueError(
            f"“{entry}” is In Process without a task. Check for stale jobs first.", code="stale"
        )
