"""The clean-up job every company has: daily, as the System identity (*Job queue reference, Clean-up job*)."""

from jobqueue import housekeeping
from jobqueue.objects import Run, codeunit


@codeunit(housekeeping.CLEAN_UP_OBJECT, "Clean up failed jobs", permission="jobqueue.change_company")
def clean_up_jobs(run: Run) -> None:
    """Finds entries and log entries nobody stands behind any more and puts them in order.

    Every company has one such entry; the product makes it and keeps it going.
    """
    for words, count in housekeeping.clean_up(run.company, now=run.now).items():
        if count:
            run.log(f"{count:,} {words}.")
