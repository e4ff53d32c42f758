"""The errors of the job queue: each has a stable code and says what was refused, why, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass, field


class JobQueueError(Exception):
    """Base of every refusal a person or program can meet.

    ``code`` is stable and the same on every door (admin, API, command line); ``message`` is a full sentence.
    """

    code = "job_queue_error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class NotAllowed(JobQueueError):
    """The acting user lacks a permission or may not work in the company."""

    code = "not_allowed"


class NotFound(JobQueueError):
    """The named entry, log entry, category, company or object does not exist (for this user)."""

    code = "not_found"


class Refused(JobQueueError):
    """The verb is not possible in the present status; the message names the status and the way out."""

    code = "refused"


class LockedField(Refused):
    """A field that may change only while the entry is On Hold was to be changed in another status."""

    code = "locked_field"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of a validation. ``field`` is the entry's field name, or empty for the whole record."""

    field: str
    code: str
    message: str


@dataclass
class Invalid(JobQueueError):
    """Input that breaks one or more rules; all problems are reported together."""

    problems: list[Problem] = field(default_factory=list)
    code = "invalid"

    def __post_init__(self) -> None:
        super().__init__(" ".join(problem.message for problem in self.problems))


class NonRetriable(JobQueueError):
    """A failure that another attempt cannot cure: it uses up all attempts at once."""

    code = "non_retriable"


class UnknownObject(NonRetriable):
    """No installed app registers the job object."""

    code = "unknown_object"


class InvalidParameters(NonRetriable):
    """The entry's parameters do not fit the job object; ``problems`` names each parameter and its reason."""

    code = "invalid_parameters"

    def __init__(self, message: str, *, problems: Sequence[Problem] = (), code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.problems = tuple(problems)


class ForbiddenUser(NonRetriable):
    """The running user is disabled, gone, or no longer permitted to run the object."""

    code = "forbidden_user"


class CallbackNotAllowed(NonRetriable):
    """A job asked for a person's answer in a background session (*Job queue reference, No-UI rule*)."""

    code = "callback_not_allowed"
