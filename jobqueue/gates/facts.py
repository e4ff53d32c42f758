"""What the gates look at, as one value: no gate asks anything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jobqueue.schedule import Recurrence
from jobqueue.states import MissedRuns, Status


@dataclass(frozen=True, slots=True)
class Busy:
    """A run that occupies a slot: of which entry, since when."""

    description: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All a decision needs. Moments are aware, in UTC; None means unknown or not set.

    ``is_extra``: an extra run asked for by a person, which leaves status, schedule, holds and window aside.
    ``is_current``: the asking task is the entry's own (``Explain`` asks as if it were). ``due_since`` is when the task
    could first be claimed. ``owner_line`` is the run line the owner handed to the task. ``objection`` is why an
    extension does not want the start. ``category_slots`` is None where no serialisation takes place. ``live_workers``
    None: not looked up; ``busy_workers`` of them run something. ``limit_reached`` names the limit that lets no further
    task start at this moment. ``database_held``: the copy guard lets no worker start anything.
    """

    now: datetime
    exists: bool = True
    is_extra: bool = False
    is_current: bool = True
    has_task: bool = True
    status: int = Status.READY
    error_message: str = ""
    due_since: datetime | None = None
    expires_at: datetime | None = None
    recurrence: Recurrence | None = None
    attempts: int = 0
    max_attempts: int = 0
    missed_runs: str = MissedRuns.RUN_ONCE_LATE
    hold_kind: str = ""
    hold_reason: str = ""
    held_by: str = ""
    held_until: datetime | None = None
    owner_kind: str = ""
    owner_reference: str = ""
    owner_line: str = ""
    objection: str = ""
    running: Busy | None = None
    category_code: str = ""
    category_slots: int | None = None
    category_busy: tuple[Busy, ...] = ()
    user_name: str = "System"
    user_active: bool = True
    user_enters: bool = True
    user_permitted: bool = True
    permission: str = ""
    object_name: str = ""
    object_known: bool = True
    parameter_problem: str = ""
    live_workers: int | None = None
    busy_workers: int = 0
    limit_reached: str = ""
    database_held: bool = False

    @property
    def all_workers_busy(self) -> bool:
        """Whether workers are alive and none is free."""
        return bool(self.live_workers) and self.busy_workers >= (self.live_workers or 0)
