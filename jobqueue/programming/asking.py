"""Helpers that find entries and tell about them.

Source: *Job queue reference, Programming interface*.
"""

from datetime import datetime

from django.db import models

from jobqueue import companies
from jobqueue.models import Company, Entry
from jobqueue.objects.records import record_reference
from jobqueue.scheduler import database_now
from jobqueue.states import STARTABLE, ObjectType, Status


def find(
    object_type: ObjectType,
    object_id: int,
    *,
    record: models.Model | str | None = None,
    company: Company | None = None,
) -> Entry | None:
    """The first entry of the object, on the record if one is given; None if there is none."""
    found = entries_of_object(object_type, object_id, company=company or companies.default())
    if record is not None:
        found = found.filter(record_to_process=record_reference(record))
    return found.first()


def is_ready_to_start(entry: Entry) -> bool:
    """Whether its task, when it fires, may start the entry."""
    return entry.status in STARTABLE


def is_expired(entry: Entry, *, now: datetime | None = None) -> bool:
    """Whether the entry's expiration has passed."""
    return entry.expires_at is not None and entry.expires_at < (now or database_now())


def status_message(entry: Entry) -> str:
    """What to tell a person about the entry: its error, that it runs, or when it will run and as whom."""
    if entry.status == Status.ERROR:
        return entry.error_message or "The job ended in Error without a message."
    if (
        entry.status in (Status.READY, Status.WAITING, Status.INACTIVITY)
        and entry.earliest_start_at is not None
    ):
        who = entry.user.get_username() if entry.user is not None else "System"
        return f"Scheduled for {entry.earliest_start_at:%Y-%m-%d %H:%M:%S} UTC by {who}."
    return f"{Status(entry.status).label}."


def is_scheduled(object_id: int, *, category: str = "", company: Company | None = None) -> bool:
    """Whether the first such background job is Ready or In Process."""
    found = entries_of_object(ObjectType.CODEUNIT, object_id, company=company or companies.default())
    if category:
        found = found.filter(category_code=category.strip().upper())
    entry = found.first()
    return entry is not None and entry.status in (Status.READY, Status.IN_PROCESS)


def entries_of_object(object_type: int, object_id: int, *, company: Company) -> models.QuerySet[Entry]:
    """The company's entries that run the object, oldest first."""
    return Entry.objects.filter(company=company, object_type=object_type, object_id=object_id).order_by(
        "entry_no"
    )
