"""The poison guard: an entry whose runs keep killing their worker is taken out of circulation.

A job that brings its process down cannot be caught, only counted: by the ledger's rows of killed attempts. An orderly
stop, a timeout, a cancel or a lost host say nothing about the job and do not count.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from jobqueue.models import Entry, LogEntry, WorkerSession

KILLED = "killed"
KILLS = 3
WITHIN = timedelta(hours=72)
DIED = "died"
"""The end of a worker process that nobody asked for."""

TOO_OFTEN = (
    f"Its runs killed their worker process {KILLS} times within {WITHIN.total_seconds() / 3600:.0f} hours."
)


def reason(entry: Entry) -> str:
    """Why the entry is held, and what to do next: an owned entry is released through its owner."""
    if entry.owner_kind:
        next_step = f"Correct the job, then set its {entry.owner_kind} “{entry.owner_reference}” active or run it now."
    else:
        next_step = "Correct the job, then set the entry to Ready."
    return f"{TOO_OFTEN} {next_step}"


def is_poison(row: LogEntry, *, error_kind: str, now: datetime) -> bool:
    """Whether the run of this ledger row, not settled yet, was the third within 72 hours to kill its worker."""
    if error_kind != KILLED or _stopped_sessions().filter(pk=row.worker_id).exists():
        return False
    earlier = LogEntry.objects.filter(
        ~Exists(_stopped_sessions().filter(pk=OuterRef("worker_id"))),
        entry_id=row.entry_id,
        error_kind=KILLED,
        ended_at__gt=now - WITHIN,
    ).exclude(pk=row.pk)
    return 1 + earlier.count() >= KILLS


def _stopped_sessions() -> QuerySet[WorkerSession]:
    """Worker processes somebody stopped: their kills are not the job's doing."""
    return WorkerSession.objects.filter(ended_at__isnull=False).exclude(end_reason=DIED)
