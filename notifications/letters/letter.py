"""A letter: what a recipient is told, in words but not yet in the shape of a channel (mail, Teams, Slack, webhook)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: decides colour and sign, never alone, a word always stands beside it."""

    ERROR = "error"
    WARNING = "warning"
    SUCCESS = "success"
    INFO = "info"


# Never colour alone: each severity has a sign that any mail client and chat shows.
SIGNS = {Severity.ERROR: "■", Severity.WARNING: "▲", Severity.SUCCESS: "✔", Severity.INFO: "●"}


@dataclass(frozen=True, slots=True)
class Colours:
    """Three colours of a severity on light paper: text, tint behind it (4.5:1 or more), and a bar."""

    text: str
    tint: str
    bar: str


COLOURS = {
    Severity.ERROR: Colours("#b42318", "#fdecea", "#c9372c"),
    Severity.WARNING: Colours("#8a4b06", "#fdf1d8", "#c98a1b"),
    Severity.SUCCESS: Colours("#14693b", "#e3f5ea", "#1f8a4d"),
    Severity.INFO: Colours("#1d4ed8", "#e6eefe", "#2f6fd6"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the list of facts."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Link:
    """An address of this installation; the first link of a letter is its main one."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: its cells in the order of the columns, and how its result looks.

    ``rest`` says on one line what a narrow screen has no columns for.
    """

    cells: tuple[str, ...]
    severity: Severity | None = None
    rest: str = ""

    @property
    def sign(self) -> str:
        return SIGNS[self.severity] if self.severity is not None else ""

    @property
    def colours(self) -> Colours | None:
        return COLOURS[self.severity] if self.severity is not None else None


@dataclass(frozen=True, slots=True)
class Table:
    """``result_column`` is the column the severity of a row is shown in."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    result_column: int = 2


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in one line, in the words of the job."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What happened, what it means for the schedule, what happens next; facts, table, failures and links.

    Every text is plain, in the recipient's language, and may hold line breaks only in ``failures``.
    """

    severity: Severity
    status: str
    subject: str
    heading: str
    happened: str
    meaning: str = ""
    next: str = ""
    place: str = ""
    description: str = ""
    facts: Sequence[Fact] = ()
    failures: Sequence[Failure] = ()
    table: Table | None = None
    links: Sequence[Link] = ()
    notes: Sequence[str] = field(default=())
    why: str = ""

    @property
    def sign(self) -> str:
        return SIGNS[self.severity]

    @property
    def colours(self) -> Colours:
        return COLOURS[self.severity]
