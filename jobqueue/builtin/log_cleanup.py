"""Log clean-up: deletes old log entries of the company and expired documents of its report inboxes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from jobqueue import inbox, registers
from jobqueue.conf import settings
from jobqueue.models import Company, LogEntry
from jobqueue.objects import Run, codeunit
from jobqueue.states import LogStatus

BATCH = 500


@dataclass(frozen=True)
class LogCleanup:
    older_than_days: int | None = field(
        default=None,
        metadata={
            "min": 1,
            "max": 36_500,
            "label": "Older than (days)",
            "help": "Delete log entries that ended longer ago. Empty: the installation's LOG_RETENTION_DAYS.",
        },
    )
    report_inbox: bool = field(
        default=True, metadata={"help": "Also delete report documents older than REPORT_RETENTION_DAYS."}
    )


@codeunit(5, "Log clean-up", parameters=LogCleanup, permission="jobqueue.run_log_cleanup")
def log_cleanup(run: Run[LogCleanup]) -> None:
    """Deletes old log entries and expired report documents of the company, a few hundred at a time.

    Rows In Process are never deleted. Without a number of days here or in the settings, log entries are kept.
    """
    days = run.parameters.older_than_days or settings().log_retention_days
    if days is None:
        run.log("Log entries are kept: neither the job nor LOG_RETENTION_DAYS says for how long.")
    else:
        deleted = 0
        while batch := delete_log_batch(run.company, ended_before=run.now - timedelta(days=days)):
            deleted += batch
            run.progress(deleted)
        run.log(f"{deleted:,} log entries older than {days:,} days deleted.")
    if run.parameters.report_inbox:
        documents = 0
        while batch := inbox.purge(run.now, limit=BATCH, company=run.company):
            documents += batch
            run.progress(documents)
        run.log(
            f"{documents:,} report documents older than {settings().report_retention_days:,} days deleted."
        )


def delete_log_batch(company: Company, *, ended_before: datetime, limit: int = BATCH) -> int:
    """Deletes up to ``limit`` ended log entries with their lines and unused error messages, in one transaction.

    Rows without an end (skipped, missed) count by their due moment; rows In Process stay. Returns how many.
    """
    ended = Q(ended_at__lt=ended_before) | Q(ended_at=None, due_at__lt=ended_before)
    old = LogEntry.objects.filter(ended, company=company).exclude(status=LogStatus.IN_PROCESS)
    with transaction.atomic():
        found = dict(old.order_by("entry_no").values_list("entry_no", "error_register_id")[:limit])
        if not found:
            return 0
        LogEntry.objects.filter(pk__in=found).exclude(status=LogStatus.IN_PROCESS).delete()
        registers.release(found.values())
    return len(found)
