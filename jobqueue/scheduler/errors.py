"""Refusals of the task scheduler."""

from jobqueue.errors import JobQueueError, NonRetriable


class StaleClaim(JobQueueError):
    """The task was given back, failed, cancelled or claimed anew since: the caller must not record anything."""

    code = "stale_claim"


class ReportedLate(StaleClaim):
    """A run has ended, and its task belongs to somebody else by now: the worker was taken for dead."""

    code = "reported_late"


class UnknownRoutine(NonRetriable):
    """No installed app registers a routine of this name."""

    code = "unknown_routine"
