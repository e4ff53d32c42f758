"""The session: one execution in a worker process, and how code running in it learns about it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class Slot(Protocol):
    """Where a worker tells its supervisor when the present session must be killed."""

    def announce_kill_at(self, monotonic_ns: int) -> None: ...


@dataclass(slots=True)
class Session:
    """Who executes: the worker's row id (None inline), the number of the execution in it, and the task.

    ``soft_deadline`` is on the clock of ``time.monotonic()``, in seconds; None outside a time limit.
    """

    worker_id: int | None
    session_number: int
    task_id: UUID
    soft_deadline: float | None = None
    slot: Slot | None = None


current_session: ContextVar[Session | None] = ContextVar("jobqueue_current_session", default=None)
