"""The entry as its job sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from jobqueue.models import Entry
from jobqueue.states import ObjectType, Origin, OutputType


@dataclass(frozen=True, slots=True)
class EntryView:
    """The entry as its job sees it: the values it was started with. Moments are aware UTC."""

    id: UUID
    entry_no: int = 0
    company_id: Any = None
    user_id: Any = None
    object_type: int = ObjectType.CODEUNIT
    object_id: int = 0
    description: str = ""
    parameter_string: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    record_to_process: str = ""
    report_output_type: int = OutputType.PDF
    category_code: str = ""
    recurring: bool = False
    time_zone: str = "UTC"
    user_language: str = "en"
    due_at: datetime | None = None
    attempt: int = 0
    origin: str = Origin.SCHEDULE
    log_entry_id: UUID | None = None

    @classmethod
    def of(cls, entry: Entry, **changes: Any) -> "EntryView":
        """The view of a stored entry; ``changes`` replaces values, for example the attempt or the origin."""
        taken = {name: getattr(entry, name) for name in _TAKEN_FROM_ENTRY}
        return cls(**{**taken, "attempt": entry.attempts, **changes})


_TAKEN_FROM_ENTRY = tuple(
    name for name in EntryView.__slots__ if name not in ("attempt", "origin", "log_entry_id")
)
