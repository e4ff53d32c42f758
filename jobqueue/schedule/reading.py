"""Reading the fields of a JSON question strictly: the right type, in range, or an error that names the field."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from jobqueue.schedule.errors import InvalidQuery
from jobqueue.schedule.zones import as_utc, to_utc

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ]([0-9:.,]+)\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?", re.ASCII | re.IGNORECASE
)


def read_object(line: str, *, known: Collection[str]) -> dict[str, object]:
    """Return the JSON object in *line*; refuse other JSON, NaN, a key given twice and a key not in *known*."""
    try:
        value = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeated_keys)
    except InvalidQuery:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidQuery(
            f"The question is not valid JSON ({str(error)[:80]}). Write one JSON object on one line.",
            code="invalid_json",
        ) from error
    if not isinstance(value, dict):
        raise InvalidQuery(
            f"The question is {_kind(value)}, not a JSON object. Write it in braces.", code="invalid_json"
        )
    for key in value:
        if key not in known:
            raise InvalidQuery(
                f"The key {shown(key)} is not known. Known keys: {', '.join(sorted(known))}.",
                code="unknown_key",
            )
    return value


def read_choice(fields: dict[str, object], key: str, *, choices: tuple[str, ...], default: str) -> str:
    """Return one of *choices*; *default* if the key is missing or null."""
    value = fields.get(key)
    if value is None:
        return default
    if not isinstance(value, str) or value not in choices:
        raise InvalidQuery(
            f"{key} is {shown(value)}. Use one of: {', '.join(choices)}.", code="unknown_choice"
        )
    return value


def read_text(fields: dict[str, object], key: str, *, default: str = "") -> str:
    """Return a text without outer blanks; *default* if missing, null or blank."""
    value = fields.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _wrong_type(key, value, expected="a text")
    return value.strip() or default


def read_integer(fields: dict[str, object], key: str, *, highest: int, default: int = 0) -> int:
    """Return a whole number from 0 to *highest*; true and false are no numbers here."""
    value = fields.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(key, value, expected="a whole number")
    if not 0 <= value <= highest:
        raise InvalidQuery(f"{key} must lie between 0 and {highest}. Correct it.", code="out_of_range")
    return value


def read_weekdays(fields: dict[str, object], key: str) -> frozenset[int]:
    """Return a set of weekdays, 1 (Monday) to 7; empty if missing or null."""
    value = fields.get(key)
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        raise _wrong_type(key, value, expected="a list of the numbers 1 (Monday) to 7")
    days = set()
    for day in value:
        if not isinstance(day, int) or isinstance(day, bool):
            raise _wrong_type(key, day, expected="a list of the numbers 1 (Monday) to 7", inside=True)
        if not 1 <= day <= 7:
            raise InvalidQuery(
                f"{key} may hold the numbers 1 (Monday) to 7 only. Correct it.", code="out_of_range"
            )
        days.add(day)
    return frozenset(days)


def read_time(fields: dict[str, object], key: str) -> time | None:
    """Return a time of day; None (unset, not midnight) if missing, null or empty."""
    text = read_text(fields, key)
    return _time(key, text) if text else None


def read_moment(fields: dict[str, object], key: str, *, zone: ZoneInfo) -> datetime | None:
    """Return a UTC moment; without an offset it is read on the wall clock of *zone*, a date alone as its 00:00."""
    text = read_text(fields, key)
    if not text:
        return None
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise InvalidQuery(
            f"{key} is {shown(text)}. Write a moment such as 2026-03-02T08:00:00 or 2026-03-02T08:00:00Z.",
            code="invalid_moment",
        )
    day = read_date(key, match[1])
    at = _time(key, match[2]) if match[2] else time(0)
    if match[3] is None:
        return to_utc(day, at, zone=zone)
    try:
        offset = datetime.fromisoformat(f"2000-01-01T00:00{match[3].upper()}").tzinfo
    except ValueError as error:
        raise InvalidQuery(
            f"The UTC offset of {key} is {shown(match[3])}. Write Z, +01:00 or the like.",
            code="invalid_moment",
        ) from error
    return as_utc(datetime.combine(day, at, tzinfo=offset))


def read_date(key: str, value: object) -> date:
    """Return the date written YYYY-MM-DD."""
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass  # such as 30 February: the sentence below fits
    raise InvalidQuery(
        f"{key} is {shown(value)}. Write an existing date such as 2026-03-02.", code="invalid_date"
    )


def shown(value: object) -> str:
    """Return *value* for a message: plain ASCII, cut short, whatever it is."""
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a huge number"
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _time(key: str, text: str) -> time:
    match = _TIME.fullmatch(text)
    if match is not None:
        hour, minute, second, fraction = match.groups(default="0")
        try:
            return time(int(hour), int(minute), int(second), int(fraction.ljust(6, "0")))
        except ValueError:
            pass  # such as 24:00: the sentence below fits
    raise InvalidQuery(
        f"{key} is {shown(text)}. Write a time of day from 00:00 to 23:59:59, such as 08:00.",
        code="invalid_time",
    )


def _wrong_type(key: str, value: object, *, expected: str, inside: bool = False) -> InvalidQuery:
    found = f"holds {_kind(value)}" if inside else f"is {_kind(value)}"
    return InvalidQuery(f"{key} {found}. Write {expected}.", code="wrong_type")


def _kind(value: object) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number with decimals",
        str: "a text",
        list: "a list",
    }
    return "null" if value is None else names.get(type(value), "an object")


def _refuse_constant(name: str) -> object:
    raise InvalidQuery(f"{name} is not a number JSON knows. Write a whole number.", code="invalid_json")


def _refuse_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        if key in result:
            raise InvalidQuery(f"The key {shown(key)} is given twice. Give it once.", code="repeated_key")
        result[key] = value
    return result
