"""A filter cut into tokens. Positions count characters from 1."""

import re
from dataclasses import dataclass

from jobqueue.api_v2.errors import QueryError

LONGEST_FILTER = 4_000

_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?"
_TEXT = r"'(?:[^']|'')*'"
_NAME = r"[A-Za-z_][A-Za-z0-9_.]*"
_TOKEN = re.compile(
    rf"(?P<blank>[ \t]+)"
    rf"|(?P<guid>{_GUID})(?![0-9A-Za-z_-])"
    rf"|(?P<moment>{_DATE}T{_TIME}(?:Z|[+-]\d{{2}}:\d{{2}}))(?![0-9A-Za-z_])"
    rf"|(?P<date>{_DATE})(?![0-9A-Za-z_:-])"
    rf"|(?P<time>{_TIME})(?![0-9A-Za-z_:])"
    rf"|(?P<number>[+-]?\d+(?:\.\d+)?)(?![0-9A-Za-z_.:-])"
    rf"|(?P<typed>{_NAME}{_TEXT})"
    rf"|(?P<name>{_NAME})"
    rf"|(?P<text>{_TEXT})"
    rf"|(?P<punctuation>[(),])",
    re.ASCII,
)
END = "end"
LITERALS = frozenset({"guid", "moment", "date", "time", "number", "typed", "text"})
LITERAL_NAMES = frozenset({"true", "false", "null"})


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is a group of the pattern; ``text`` the content: of texts without quotes, of typed texts their text.

    ``type_name`` is what stands before the quotes of a typed text, such as ``duration``.
    """

    kind: str
    text: str
    position: int
    type_name: str = ""

    @property
    def is_literal(self) -> bool:
        return self.kind in LITERALS or (self.kind == "name" and self.text in LITERAL_NAMES)

    @property
    def words(self) -> str:
        return "its end" if self.kind == END else f"“{self.text[:40]}”"


def tokens_of(text: str, *, option: str = "$filter") -> list[Token]:
    """All tokens, closed by one of the kind ``end``; ``QueryError`` naming the first place that is none."""
    if len(text) > LONGEST_FILTER:
        raise QueryError(
            f"{option} has {len(text):,} characters; at most {LONGEST_FILTER:,} are read. Ask for less at once."
        )
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise QueryError(_unread(text, place, option=option))
        kind = str(match.lastgroup)
        if kind != "blank":
            found.append(_token(kind, match[0], place + 1))
        place = match.end()
    return [*found, Token(END, "", len(text) + 1)]


def _token(kind: str, text: str, position: int) -> Token:
    if kind == "text":
        return Token(kind, text[1:-1].replace("''", "'"), position)
    if kind == "typed":
        type_name, _, rest = text.partition("'")
        return Token(kind, rest[:-1].replace("''", "'"), position, type_name)
    return Token(kind, text, position)


def _unread(text: str, place: int, *, option: str) -> str:
    if text[place] == "'":
        return (
            f"Syntax error in {option}: the text that begins at position {place + 1} has no closing quote. "
            "Write quotes inside a text twice."
        )
    shown = text[place : place + 20]
    return (
        f"Syntax error in {option} at position {place + 1}: “{shown}” is not understood. "
        "Texts stand in single quotes, ids and moments without, and a plus sign is written %2B."
    )
