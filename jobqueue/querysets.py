"""Sets of rows, by the question they answer."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from jobqueue.models import Company, Entry, LogEntry
from jobqueue.states import LogStatus, Status


def entries_of(company: Company) -> QuerySet[Entry]:
    """The company's entries in the order of the list, with what a line shows."""
    return Entry.objects.filter(company=company).select_related("company", "user").order_by("entry_no")


def entries_for_object(company: Company, *, object_type: int, object_id: int) -> QuerySet[Entry]:
    """The company's entries that run this job object."""
    return entries_of(company).filter(object_type=object_type, object_id=object_id)


def running_log_entries(entry: Entry) -> QuerySet[LogEntry]:
    """Runs of the entry that are in process, extra runs included, oldest first."""
    return LogEntry.objects.filter(entry_id=entry.id, status=LogStatus.IN_PROCESS).order_by("entry_no")


def running_entries(company: Company) -> QuerySet[Entry]:
    """The company's entries with a run in process: In Process themselves, or beside it by an extra run or a hold."""
    running = LogEntry.objects.filter(company=company, status=LogStatus.IN_PROCESS)
    return Entry.objects.filter(
        Q(status=Status.IN_PROCESS) | Q(id__in=running.values("entry_id")), company=company
    )


def expired_holds(now: datetime) -> QuerySet[Entry]:
    """Entries whose hold has reached its *until*; those of an owner wait for their owner."""
    return Entry.objects.filter(status=Status.ON_HOLD, held_until__lte=now, owner_kind="").order_by(
        "held_until"
    )


def removable_failures(company: Company, *, now: datetime, grace: timedelta) -> QuerySet[Entry]:
    """One-off entries in Error whose last run ended at least ``grace`` ago.

    Source: *Job queue reference, Pages and actions* (rule: the grace of the program). Owned entries are left alone.
    """
    runs = LogEntry.objects.filter(entry_id=OuterRef("id"))
    ended = runs.filter(ended_at__lte=now - grace)
    recent = runs.filter(Q(ended_at__gt=now - grace) | Q(status=LogStatus.IN_PROCESS))
    return (
        entries_of(company)
        .filter(status=Status.ERROR, recurring=False, owner_kind="")
        .filter(Exists(ended), ~Exists(recent))
    )
