"""What can be wrong with a request to another host."""

from jobqueue.errors import JobQueueError


class OutboundRefused(JobQueueError):
    """The address may not be called from here; the message says why and who can allow it."""

    code = "outbound_refused"


class OutboundFailed(JobQueueError):
    """The other host could not be reached, or answered in a way that cannot be used."""

    code = "outbound_failed"
