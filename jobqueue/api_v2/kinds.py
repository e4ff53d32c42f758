"""The types of properties: how a value is written in answers, read from literals, and compared in the database.

Columns may be NULL where the contract knows no null: an unset moment is written ``0001-01-01T00:00:00Z``, an unset
id as zeros, an unset number as 0, an unset text as the empty text. Comparisons treat the row as if that value were
stored, so what a filter finds is what the answers show.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Left, Right, StrIndex
from django.db.models.lookups import Exact, GreaterThan
from django.utils.dateparse import parse_duration

from jobqueue.api_v2.spelling import decode, encode, guid_of
from jobqueue.api_v2.tokens import Token
from jobqueue.schedule.queries import format_moment

UNSET_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
UNSET_GUID = UUID(int=0)
INT32 = range(-(2**31), 2**31)
LOOKUPS = {"eq": "exact", "gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    name: getattr(operator, name) for name in ("eq", "gt", "ge", "lt", "le")
}
ALWAYS, NEVER = ~Q(pk__in=[]), Q(pk__in=[])


class Unreadable(ValueError):
    """A literal that is no value of the type; says what is wanted."""


class Kind:
    """A type. ``edm`` is its name in the metadata; ``unset`` the value NULL stands for."""

    edm: ClassVar[str] = "Edm.String"
    unset: Any = None
    field: ClassVar[type[models.Field]] = models.CharField

    def shown(self, value: Any) -> Any:
        """The value as JSON."""
        return self.unset if value is None else value

    def literal(self, token: Token) -> Any:
        """The value a literal means; ``null`` is the unset value. Raises ``Unreadable``."""
        if token.kind == "name" and token.text == "null":
            return self.unset
        return self.read(token)

    def read(self, token: Token) -> Any:
        raise NotImplementedError

    def written(self, value: Any) -> Any:
        """A value of a request's body as the verbs take it. Raises ``Unreadable``."""
        return value

    def compared(self, column: str, word: str, value: Any, *, nullable: bool) -> Q:
        """The condition ``column <word> value``, ``word`` being eq, gt, ge, lt or le."""
        found = Q(**{f"{column}__{LOOKUPS[word]}": value})
        if not nullable:
            return found
        unset = Q(**{f"{column}__isnull": True})
        return found | unset if self._unset_is(word, value) else found & ~unset

    def _unset_is(self, word: str, value: Any) -> bool:
        return OPERATORS[word](self.unset, value)

    def tested(self, column: str, function: str, text: str, *, nullable: bool) -> Q:
        """The condition that ``function`` (contains, startswith, endswith) holds; ``Unreadable`` if never possible."""
        raise Unreadable("only texts can be searched in")

    def sort_key(self, column: str, *, nullable: bool) -> Any:
        """What to order by: never NULL."""
        if not nullable:
            return F(column)
        unset = Value(self._stored_unset(), output_field=self.field())
        return Coalesce(F(column), unset, output_field=self.field())

    def _stored_unset(self) -> Any:
        return self.unset

    def frozen(self, value: Any) -> Any:
        """A sort key as JSON, and back by :meth:`thawed`."""
        return value

    def thawed(self, value: Any) -> Any:
        return value


class Text(Kind):
    unset = ""

    def read(self, token: Token) -> str:
        if token.kind != "text":
            raise Unreadable("a text in single quotes is needed")
        return storable(token.text)

    def written(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Unreadable("a text is needed")
        return storable(value)

    def tested(self, column: str, function: str, text: str, *, nullable: bool) -> Q:
        text = storable(text)
        if not text:
            return ALWAYS
        source = Coalesce(F(column), Value("")) if nullable else F(column)
        if function == "contains":
            return Q(GreaterThan(StrIndex(source, Value(text)), 0))
        part = Left(source, len(text)) if function == "startswith" else Right(source, len(text))
        return Q(Exact(part, Value(text)))


class Code(Text):
    """A business code: always in capitals."""

    def read(self, token: Token) -> str:
        return super().read(token).strip().upper()

    def tested(self, column: str, function: str, text: str, *, nullable: bool) -> Q:
        return super().tested(column, function, text.upper(), nullable=nullable)


class Guid(Kind):
    edm = "Edm.Guid"
    unset = UNSET_GUID
    field = models.UUIDField

    def shown(self, value: Any) -> str:
        return str(value or UNSET_GUID)

    def read(self, token: Token) -> UUID:
        found = guid_of(token.text) if token.kind in ("guid", "text") else None
        if found is None:
            raise Unreadable("an id such as 00000000-0000-0000-0000-000000000000 is needed, without quotes")
        return found

    def frozen(self, value: Any) -> str:
        return str(value)

    def thawed(self, value: Any) -> UUID:
        return UUID(value)


class Int32(Kind):
    edm = "Edm.Int32"
    unset = 0
    field = models.BigIntegerField

    def read(self, token: Token) -> int:
        if token.kind != "number" or "." in token.text or len(token.text) > 11:
            raise Unreadable("a whole number is needed, without quotes")
        return self._within(int(token.text))

    def written(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unreadable("a whole number is needed")
        return self._within(value)

    @staticmethod
    def _within(number: int) -> int:
        if number not in INT32:
            raise Unreadable("a whole number of 32 bits is needed")
        return number


class Boolean(Kind):
    edm = "Edm.Boolean"
    unset = False
    field = models.BooleanField

    def shown(self, value: Any) -> bool:
        return bool(value)

    def read(self, token: Token) -> bool:
        if token.kind != "name" or token.text not in ("true", "false"):
            raise Unreadable("true or false is needed, without quotes")
        return token.text == "true"

    def written(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Unreadable("true or false is needed")
        return value

    def compared(self, column: str, word: str, value: Any, *, nullable: bool) -> Q:
        if word != "eq":
            raise Unreadable("yes-or-no properties know eq and ne only")
        return super().compared(column, word, value, nullable=nullable)


class Moment(Kind):
    edm = "Edm.DateTimeOffset"
    unset = UNSET_MOMENT
    field = models.DateTimeField

    def shown(self, value: Any) -> str:
        return format_moment(value or UNSET_MOMENT)

    def read(self, token: Token) -> datetime:
        if token.kind == "date":
            return self._moment(f"{token.text}T00:00:00Z")
        if token.kind == "moment" or (token.kind == "typed" and token.type_name == "datetimeoffset"):
            return self._moment(token.text)
        raise Unreadable("a moment such as 2026-03-02T08:00:00Z is needed, without quotes")

    def written(self, value: Any) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise Unreadable("a moment such as 2026-03-02T08:00:00Z is needed")
        found = self._moment(value)
        return None if found == UNSET_MOMENT else found

    @staticmethod
    def _moment(text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise Unreadable("a moment of the calendar with its offset, such as 2026-03-02T08:00:00Z, is needed")

    def frozen(self, value: Any) -> str:
        return value.isoformat()

    def thawed(self, value: Any) -> datetime:
        return datetime.fromisoformat(value)


class TimeOfDay(Kind):
    """A time of day as text; unset is the empty text, which is not midnight and comes before it."""

    unset = None
    field = models.TimeField

    def shown(self, value: Any) -> str:
        return "" if value is None else value.strftime("%H:%M:%S")

    def read(self, token: Token) -> time | None:
        if token.kind not in ("text", "time"):
            raise Unreadable("a time of day such as '08:00:00' is needed")
        return self._time(token.text)

    def written(self, value: Any) -> time | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise Unreadable("a time of day such as 08:00:00 is needed")
        return self._time(value)

    @staticmethod
    def _time(text: str) -> time | None:
        if not text:
            return None
        try:
            found = time.fromisoformat(text)
        except ValueError:
            raise Unreadable("a time of day such as '08:00:00' is needed") from None
        if found.tzinfo is not None:
            raise Unreadable("a time of day without an offset is needed")
        return found

    def compared(self, column: str, word: str, value: Any, *, nullable: bool) -> Q:
        if value is None:
            unset = Q(**{f"{column}__isnull": True})
            return {"eq": unset, "le": unset, "gt": ~unset, "ge": ALWAYS, "lt": NEVER}[word]
        return super().compared(column, word, value, nullable=nullable)

    def _unset_is(self, word: str, value: Any) -> bool:
        return word in ("lt", "le")

    def _stored_unset(self) -> time:
        return time(0)

    def frozen(self, value: Any) -> str:
        return value.isoformat()

    def thawed(self, value: Any) -> time:
        return time.fromisoformat(value)


class Seconds(Kind):
    """A duration, stored in seconds; the contract has it as text in the form of ISO 8601."""

    unset = 0
    field = models.BigIntegerField

    def shown(self, value: Any) -> str:
        return iso_duration(int(value or 0))

    def read(self, token: Token) -> int:
        if token.kind == "text" or (token.kind == "typed" and token.type_name == "duration"):
            return self._seconds(token.text)
        raise Unreadable("a duration such as duration'PT12H' is needed")

    def written(self, value: Any) -> int:
        if not isinstance(value, str):
            raise Unreadable("a duration such as PT12H is needed")
        return self._seconds(value)

    @staticmethod
    def _seconds(text: str) -> int:
        try:
            found = parse_duration(text) if text[:1] in ("P", "-") and text[-2:-1].isdigit() else None
        except (ValueError, OverflowError):
            found = None
        if found is None or int(found.total_seconds()) not in INT32:
            raise Unreadable("a duration such as PT12H is needed")
        return int(found.total_seconds())


@dataclass(frozen=True)
class Choice(Kind):
    """An option or enum: ``members`` pairs the words people see with the stored values that are shown so.

    Both spellings are read, the words and the encoded member name, whatever their capitals.
    """

    members: tuple[tuple[str, tuple[int, ...]], ...]
    enum_name: str = ""
    field = models.IntegerField

    @property
    def type_name(self) -> str:
        return f"Microsoft.NAV.{self.enum_name}" if self.enum_name else "Edm.String"

    def shown(self, value: Any) -> str:
        for words, stored in self.members:
            if value in stored:
                return encode(words)
        return ""

    def literal(self, token: Token) -> tuple[int, ...]:
        if token.kind not in ("text", "typed"):
            raise Unreadable(f"one of {self._offered()} is needed, in single quotes")
        return self._stored(token.text)

    def written(self, value: Any) -> int:
        if not isinstance(value, str):
            raise Unreadable(f"one of {self._offered()} is needed")
        return self._stored(value)[0]

    def compared(self, column: str, word: str, value: Any, *, nullable: bool) -> Q:
        if word != "eq":
            raise Unreadable("options know eq, ne and in only")
        return Q(**{f"{column}__in": value})

    def tested(self, column: str, function: str, text: str, *, nullable: bool) -> Q:
        wanted = decode(text)
        found: list[int] = []
        for words, stored in self.members:
            holds = {
                "contains": wanted in words,
                "startswith": words.startswith(wanted),
                "endswith": words.endswith(wanted),
            }[function]
            found += stored if holds else ()
        return Q(**{f"{column}__in": found})

    def _stored(self, text: str) -> tuple[int, ...]:
        wanted = decode(text).strip().lower()
        for words, stored in self.members:
            if words.lower() == wanted:
                return stored
        raise Unreadable(f"one of {self._offered()} is needed")

    def _offered(self) -> str:
        return ", ".join(f"'{words}'" for words, _ in self.members)


class Stream(Kind):
    """A long text with an address of its own."""

    edm = "Edm.Stream"


def storable(text: str) -> str:
    """The text, if a database can hold it; raises ``Unreadable``."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Unreadable("a text without the character NUL and without halves of characters is needed")
    return text


def iso_duration(seconds: int) -> str:
    """43,200 as ``PT12H`` and 90,061 as ``P1DT1H1M1S``: parts that are zero are left out."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (left, "S")) if count)
    return f"P{f'{days}D' if days else ''}{f'T{clock}' if clock or not days else ''}" if seconds else "PT0S"
