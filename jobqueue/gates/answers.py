"""What a gate answers: open or closed, why, who can open it, and when it opens by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GateName(StrEnum):
    """The gates in the words of the screens."""

    EXISTS = "Entry exists"
    STARTABLE = "Status allows a start"
    EXPIRED = "Not expired"
    HELD = "Not held"
    OWNER = "Started by its owner"
    DUE = "Earliest start reached"
    MISSED = "In time"
    HOOK = "No extension objects"
    WINDOW = "Inside the daily window"
    PARALLEL = "Not running already"
    CATEGORY = "Category has a free slot"
    USER_ACTIVE = "Running user is active"
    USER_COMPANY = "Running user may work in the company"
    OBJECT = "Job object is known"
    USER_PERMITTED = "Running user may run the object"
    PARAMETERS = "Parameters fit the object"
    WORKER = "A worker is alive"


class Opener(StrEnum):
    """Who can open a closed gate."""

    ITSELF = "opens by itself"
    OPERATOR = "an operator"
    SCHEDULER = "a scheduler"
    ADMINISTRATOR = "an administrator"
    OWNER = "its owner"
    DEVELOPER = "whoever installs apps"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Gate:
    """One answer. ``open`` None: not asked. ``verb`` is the command that opens the gate, where there is one."""

    name: GateName
    open: bool | None
    reason: str = ""
    opener: Opener = Opener.NOBODY
    opens_at: datetime | None = None
    verb: str = ""
