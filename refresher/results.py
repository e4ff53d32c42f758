"""What a pass found and did, also one that was only simulated."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from refresher.models import MonitoredJob, RefreshLog, Runner
from refresher.states import Action, PassState, Why

Changes = dict[str, list[str]]
"""Field in words → [as it is, as it shall be], in words."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, or would be done, to one monitored job and why.

    ``changes`` is what differs; ``due_at`` the next run afterwards (aware, UTC), None where nothing is planned anew.
    """

    job: MonitoredJob
    action: Action
    why: Why
    reason: str
    entry_id: UUID | None = None
    changes: Changes = field(default_factory=dict)
    due_at: datetime | None = None

    @property
    def failed(self) -> bool:
        return self.action is Action.FAILED


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registration phase did with one job registered by code; ``error`` for a subscriber that failed."""

    registered_by: str
    registered_as: str = ""
    job: MonitoredJob | None = None
    is_new: bool = False
    changes: Changes = field(default_factory=dict)
    error: str = ""


@dataclass(slots=True)
class PassResult:
    """A whole pass. ``state`` None: not enabled, so nothing was touched; ``log`` None: nothing was written."""

    state: PassState | None
    message: str
    runner: Runner | None = None
    log: RefreshLog | None = None
    registered: list[Registered] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, *actions: Action) -> int:
        """How many jobs met with one of these actions."""
        return sum(outcome.action in actions for outcome in self.outcomes)
