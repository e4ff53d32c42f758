"""What the refresher refuses; each error has a stable code and says what to do next."""

from jobqueue.errors import Refused


class NotOperational(Refused):
    """The runner user cannot refresh or run jobs; the message says everything that stands against it."""

    code = "runner_not_operational"


class PassFailed(Refused):
    """A whole pass failed before any job was touched."""

    code = "pass_failed"
