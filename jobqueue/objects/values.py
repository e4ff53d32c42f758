"""Values of typed parameters between their JSON form and Python. Readers raise :class:`Unreadable`."""

import enum
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_DIGITS = 40
"""Of a decimal, before and after the point: 1e999999 is a number, too, and takes a megabyte to write."""


class Unreadable(ValueError):
    """A value that does not fit its type. The text goes on after the parameter's name: reason, then next step."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("text", "must be a text. Write it in quotation marks.")
    if "\x00" in value:
        raise Unreadable("text", "contains a NUL character. Remove it.")
    return value


def read_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable(
            "integer", f"is “{_short(value)}”, not a whole number. Write digits only, for example 5."
        )
    return value


def read_decimal(value: Any) -> Decimal:
    """Text or number; numbers go through their shortest text, so 1.1 stays 1.1."""
    if not isinstance(value, bool) and isinstance(value, (int, float, str)):
        try:
            found = Decimal(str(value).strip())
        except InvalidOperation:
            found = Decimal("NaN")
        if found.is_finite() and abs(found.adjusted()) < MOST_DIGITS:
            return found
    raise Unreadable("decimal", f"is “{_short(value)}”, not a number. Write it like 1234.50.")


def read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unreadable("boolean", f"is “{_short(value)}”. Write true or false.")
    return value


def read_date(value: Any) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == 10 else "")
    except ValueError:
        raise Unreadable("date", f"is “{_short(value)}”, not a date. Write it like 2026-03-02.") from None


def read_moment(value: Any) -> datetime:
    """An aware moment in UTC; a moment without offset is refused, because its zone would be a guess."""
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) and len(value) > 10 else "")
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unreadable(
        "datetime",
        f"is “{_short(value)}”, not a moment with its offset. Write it like 2026-03-02T09:00:00Z or …+01:00.",
    )


def read_time(value: Any) -> time:
    try:
        found = time.fromisoformat(value if isinstance(value, str) and ":" in value else "")
        if found.tzinfo is None:
            return found
    except ValueError:
        pass
    raise Unreadable("time", f"is “{_short(value)}”, not a time of day. Write it like 08:30.")


def read_text_list(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise Unreadable("text_list", "must be a list of texts. Write it like [“one”, “two”].")
    return [read_text(item) for item in value]


def to_json(value: Any) -> Any:
    """The JSON form of a parameter value; what the readers accept."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
