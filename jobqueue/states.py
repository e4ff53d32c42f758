"""Status values of entries, log entries and holds, and which verb may leave which status.

Source: *Job queue reference, Status values and state machine*, and the decisions on holds and the ledger.
"""

import enum


class LabelledInt(enum.IntEnum):
    """An integer enum whose members carry the words people see; ``choices`` feeds model fields."""

    label: str

    def __new__(cls, value: int, label: str = "") -> "LabelledInt":
        member = int.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def choices(cls) -> list[tuple[int, str]]:
        return [(int(member), member.label) for member in cls]


class Status(LabelledInt):
    """Status of a job queue entry."""

    READY = 0, "Ready"
    IN_PROCESS = 1, "In Process"
    ERROR = 2, "Error"
    ON_HOLD = 3, "On Hold"
    FINISHED = 4, "Finished"
    INACTIVITY = 5, "On Hold with Inactivity Timeout"
    WAITING = 6, "Waiting"


STARTABLE = frozenset({Status.READY, Status.WAITING, Status.IN_PROCESS, Status.INACTIVITY})
EDITABLE = frozenset({Status.ON_HOLD})
SET_READY_FROM = frozenset({Status.ON_HOLD, Status.ERROR, Status.FINISHED, Status.INACTIVITY, Status.WAITING})
RESTART_FROM = SET_READY_FROM | {Status.READY}
DELETE_FROM = frozenset(Status) - {Status.IN_PROCESS}
CANCEL_FROM = frozenset({Status.IN_PROCESS})
RUN_NOW_FROM = frozenset(Status) - {Status.IN_PROCESS, Status.FINISHED}


class LogStatus(LabelledInt):
    """Outcome of one attempt, or of a due moment that brought no run."""

    SUCCESS = 0, "Success"
    IN_PROCESS = 1, "In Process"
    ERROR = 2, "Error"
    CANCELLED = 3, "Cancelled"
    SKIPPED = 4, "Skipped"
    MISSED = 5, "Missed"


class ObjectType(LabelledInt):
    """Kind of routine an entry runs; the numbers are the stored option values."""

    REPORT = 3, "Report"
    CODEUNIT = 5, "Codeunit"


class OutputType(LabelledInt):
    """What a report run leaves behind. Word, Excel and Print are reserved until their runners exist."""

    PDF = 0, "PDF"
    WORD = 1, "Word"
    EXCEL = 2, "Excel"
    PRINT = 3, "Print"
    NONE = 4, "None (Processing only)"
    CSV = 5, "CSV"


class CategoryPriority(LabelledInt):
    """Order of Waiting entries of one category: lower number first."""

    HIGH = 1000, "High"
    NORMAL = 2000, "Normal"
    LOW = 3000, "Low"


class Priority(LabelledInt):
    """Order among all due entries: high counts as due 5 minutes earlier, low as 5 minutes later."""

    HIGH = -1, "High"
    NORMAL = 0, "Normal"
    LOW = 1, "Low"


class HoldKind(enum.StrEnum):
    """Who put an entry On Hold, which decides who may end the hold by itself."""

    MANUAL = "manual"
    DRAFT = "draft"
    POISON = "poison"
    COPY = "copy"
    OWNER = "owner"
    PROGRAM = "program"


HOLD_WORDS = {
    HoldKind.MANUAL: "Set by a person",
    HoldKind.DRAFT: "New, not yet released",
    HoldKind.POISON: "Its runs kept killing their worker",
    HoldKind.COPY: "The database is a copy",
    HoldKind.OWNER: "Held by its owner",
    HoldKind.PROGRAM: "Set by a job or program",
}


class Anchor(enum.StrEnum):
    """What the next due time of a recurring entry is counted from."""

    FIXED = "fixed"
    COMPLETION = "completion"


class MissedRuns(enum.StrEnum):
    """What happens to due moments nobody could serve."""

    RUN_ONCE_LATE = "run_once_late"
    SKIP = "skip"


class Origin(enum.StrEnum):
    """The door a change or run came through."""

    SCHEDULE = "schedule"
    RETRY = "retry"
    ADMIN = "admin"
    COMMAND = "command"
    API = "api"
    PROGRAM = "program"
    SYSTEM = "system"


class Level(LabelledInt):
    """Severity of a line a job writes, and of an error message."""

    ERROR = 0, "Error"
    WARNING = 1, "Warning"
    INFORMATION = 2, "Information"
