"""Mistakes in job objects, and the error of a run that collected several."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobqueue.errors import JobQueueError
from jobqueue.states import Level


class BadJobObject(Exception):
    """A job object is declared wrongly. Raised while its module is imported; the message names object and remedy."""


@dataclass(frozen=True, slots=True)
class RunMessage:
    """One message a run collected; becomes a row of the error message register if the run fails.

    ``record`` is a record reference (``app.model:key``) or empty.
    """

    level: Level
    message: str
    record: str = ""
    field_name: str = ""
    additional_information: str = ""
    support_url: str = ""


class CollectedErrors(JobQueueError):
    """A run went on after its errors and now fails with all of them (*Job queue reference, Error message register*).

    ``messages`` holds every collected message in the order of collection, warnings included.
    """

    code = "collected_errors"

    def __init__(self, messages: Sequence[RunMessage]) -> None:
        self.messages = tuple(messages)
        errors = [item.message for item in self.messages if item.level == Level.ERROR]
        more = len(errors) - 1
        tail = (
            f" ({more} more {'error' if more == 1 else 'errors'}: see the error messages.)"
            if more > 0
            else ""
        )
        super().__init__(f"{errors[0] if errors else ''}{tail}")


@dataclass(frozen=True, slots=True)
class RunFailure:
    """A failed attempt as an object's own failure routine gets to know it.

    ``kind`` is the scheduler's kind of error (exception, non_retriable, timeout, killed, lost, cancelled); ``attempt``
    counts from 0; ``final`` says that no retry follows.
    """

    kind: str
    message: str
    call_stack: str = ""
    attempt: int = 0
    final: bool = False
