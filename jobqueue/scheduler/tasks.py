"""What a routine is handed: the claim before the start, the running task after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from jobqueue.scheduler.values import db_uuid, decode_context, read_moment, read_uuid


class Turn(Protocol):
    """A claim's place among the claims of its message (``scheduler.line``)."""

    prepared: Any
    started: bool

    def following(self) -> "ClaimedTask | None": ...


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A claim on a task, not yet started: the fencing token and the session that is to run it.

    ``routine`` is the name to run now: the main routine, or the failure routine when ``is_failure``. ``worker_id`` is
    None outside a worker process (inline execution), as is ``turn``.
    """

    id: UUID
    claim_number: int
    routine: str
    is_failure: bool
    timeout_seconds: int
    worker_id: int | None = None
    session_number: int = 0
    turn: Turn | None = field(default=None, compare=False, repr=False)

    def parameters(self) -> dict[str, Any]:
        """The claim as parameters of the SQL building blocks (without ``now``)."""
        return {
            "task_id": db_uuid(self.id),
            "claim_number": self.claim_number,
            "worker_id": self.worker_id,
            "session_number": self.session_number,
        }


@dataclass(frozen=True, slots=True)
class RunningTask:
    """A started task as its routine sees it. Moments are aware, in UTC.

    In a failure routine ``error_kind`` (exception, non_retriable, timeout, killed, lost, cancelled), ``error_message``
    and ``error_call_stack`` tell how the main routine ended; ``non_retriable`` that another attempt cannot cure it.
    """

    id: UUID
    claim_number: int
    main_routine: str
    record: UUID | None
    company_id: UUID | None
    user_id: Any
    not_before: datetime
    claimed_at: datetime
    started_at: datetime
    worker_id: int | None
    session_number: int
    context: Any
    timeout_seconds: int
    priority: int
    attempt: int
    error_kind: str
    error_message: str
    error_call_stack: str
    non_retriable: bool
    cancel_requested_by_id: Any
    cancel_reason: str

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "RunningTask":
        """From a raw row of ``sql.RUNNING_COLUMNS``."""
        values = list(row)
        for place in (0, 3, 4):
            values[place] = read_uuid(values[place])
        for place in (6, 7, 8):
            values[place] = read_moment(values[place])
        values[11] = decode_context(values[11])
        values[18] = bool(values[18])
        return cls(*values)
