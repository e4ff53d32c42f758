"""The session: one execution in a worker process, and how code running in it learns about it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class Slot(Protocol):
    """What a worker and its supervisor tell each other about sessions."""

    @property
    def stopping(self) -> bool:
        """Whether this worker is to start nothing more."""
        ...

    def open_session(self, number: int) -> None:
        """The next session begins."""

    def expect_session(self, number: int) -> None:
        """The start of that session may be stored before it begins."""

    def announce_kill_at(self, monotonic_ns: int) -> None:
        """When the present session must be killed; 0 takes it back."""


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
