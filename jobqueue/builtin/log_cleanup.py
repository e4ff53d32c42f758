"""Log clean-up: deletes old log entries of the company and expired documents of its report inboxes."""

from dataclasses import dataclass, field
from datetime import timedelta

from jobqueue import inbox, retention
from jobqueue.conf import settings
from jobqueue.objects import Run, codeunit


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
        for batch in retention.delete_log_entries(run.company, ended_before=run.now - timedelta(days=days)):
            deleted += batch
            run.progress(deleted)
        run.log(f"{deleted:,} log entries older than {days:,} days deleted.")
    if run.parameters.report_inbox:
        documents = 0
        while batch := inbox.purge(run.now, limit=retention.BATCH, company=run.company):
            documents += batch
            run.progress(documents)
        run.log(
            f"{documents:,} report documents older than {settings().report_retention_days:,} days deleted."
        )
