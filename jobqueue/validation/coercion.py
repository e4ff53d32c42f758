"""Values as doors hand them in (text, JSON) turned into the values an entry stores."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from jobqueue.errors import Problem
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.schedule import ScheduleError, as_utc, load_zone, to_utc
from jobqueue.states import CategoryPriority, LabelledInt, ObjectType, OutputType, Priority
from jobqueue.validation.fields import PROGRAM_ONLY, SETTABLE, label
from jobqueue.validation.fields import field as entry_field

CHOICES: dict[str, type[LabelledInt]] = {
    "object_type": ObjectType,
    "report_output_type": OutputType,
    "priority_within_category": CategoryPriority,
    "priority": Priority,
}
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TRUE_WORDS = frozenset({"true", "yes", "on", "1", "t", "y"})
FALSE_WORDS = frozenset({"false", "no", "off", "0", "f", "n"})
EARLIEST_YEAR, LATEST_YEAR = 1900, 2999


def coerce(
    values: Mapping[str, Any], *, time_zone: str, by_code: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """Reads ``values`` by field name; returns what can be stored and a problem for each that cannot.

    Besides field names, ``weekdays`` is taken (a list of 1–7, or “mon,tue”), and ``recurring``, which is derived and
    therefore only compared later. Moments without an offset are read on the clock of ``time_zone``.
    """
    allowed = {*SETTABLE, "recurring", *(PROGRAM_ONLY if by_code else ())}
    clean: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in values.items():
        try:
            if name == "weekdays":
                days = _weekdays(value)
                clean |= {field: day in days for day, field in enumerate(WEEKDAY_FIELDS, start=1)}
            elif name in allowed:
                clean[name] = _value(name, value, time_zone=time_zone)
            else:
                problems.append(_unknown(name))
        except (ValidationError, ScheduleError, TypeError, ValueError, OverflowError) as error:
            problems.append(Problem(name, "invalid", _sentence(name, error)))
    return clean, problems


def switch_of(value: Any) -> bool | None:
    """Yes or no in any of the words people write, such as “on” or “false”; None for everything else.

    >>> [switch_of(value) for value in (True, "On", "0", "maybe", "")]
    [True, True, False, None, None]
    """
    word = str(value).strip().lower()
    return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def _value(name: str, value: Any, *, time_zone: str) -> Any:
    field = entry_field(name)
    if name in CHOICES:
        return _choice(CHOICES[name], value)
    if value is None or (value == "" and not isinstance(field, models.CharField | models.JSONField)):
        return _empty(field)
    for kind, read in _READERS.items():
        if isinstance(field, kind):
            return read(field, value, time_zone)
    return field.to_python(value)


def _empty(field: models.Field) -> Any:
    if field.null:
        return None
    if isinstance(field, models.CharField):
        return ""
    if isinstance(field, models.JSONField):
        return {}
    raise ValueError("a value is needed")


def _text(field: models.Field, value: Any, time_zone: str) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError("a text is needed")
    text = field.to_python(str(value))
    if "\x00" in text:
        raise ValueError("a text may not contain the character NUL")
    return _named_choice(field, text) if field.choices else text


def _named_choice(field: models.Field, text: str) -> str:
    words = text.strip().lower()
    for value, caption in field.flatchoices:
        if words in (str(value), str(caption).lower()):
            return value
    raise ValueError(f"choose one of {', '.join(str(caption) for _, caption in field.flatchoices)}")


def _whole_number(field: models.Field, value: Any, time_zone: str) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("a whole number is needed")
    return field.to_python(value)


def _yes_or_no(field: models.Field, value: Any, time_zone: str) -> bool:
    found = switch_of(value) if str(value).strip() else False
    if found is None:
        raise ValueError("yes or no is needed")
    return found


def _moment(field: models.Field, value: Any, time_zone: str) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(
            f"“{str(value)[:40]}” is no moment; write one such as 2026-03-02T08:00:00Z"
        ) from None
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise ValueError(f"a moment between the years {EARLIEST_YEAR} and {LATEST_YEAR} is needed")
    if moment.tzinfo is None:
        return to_utc(moment.date(), moment.time(), zone=load_zone(time_zone))
    return as_utc(moment).astimezone(UTC)


def _time_of_day(field: models.Field, value: Any, time_zone: str) -> time:
    try:
        at = value if isinstance(value, time) else time.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"“{str(value)[:40]}” is no time of day; write one such as 08:00") from None
    if at.tzinfo is not None:
        raise ValueError("a time of day without an offset is needed")
    return at


def _parameters(field: models.Field, value: Any, time_zone: str) -> dict[str, Any]:
    if isinstance(value, str):
        value = json.loads(value) if value.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("parameters are needed as an object of names and values")
    if "\\u0000" in json.dumps(value, allow_nan=False):
        raise ValueError("a parameter may not contain the character NUL")
    return value


_READERS: dict[type[models.Field], Callable[[models.Field, Any, str], Any]] = {
    models.JSONField: _parameters,
    models.BooleanField: _yes_or_no,
    models.DateTimeField: _moment,
    models.TimeField: _time_of_day,
    models.IntegerField: _whole_number,
    models.CharField: _text,
}


def _choice(choices: type[LabelledInt], value: Any) -> int:
    if isinstance(value, str):
        words = value.strip().lower()
        for member in choices:
            if words in (member.label.lower(), member.name.lower(), str(int(member))):
                return int(member)
    elif (
        isinstance(value, int)
        and not isinstance(value, bool)
        and value in [int(member) for member in choices]
    ):
        return int(value)
    raise ValueError(f"choose one of {', '.join(member.label for member in choices)}")


def _weekdays(value: Any) -> frozenset[int]:
    items = value.replace(",", " ").split() if isinstance(value, str) else list(value)
    days = set()
    for item in items:
        text = str(item).strip().lower()
        day = DAY_NAMES.index(text[:3]) + 1 if text[:3] in DAY_NAMES else int(text)
        if not 1 <= day <= 7:
            raise ValueError("weekdays are 1 (Monday) to 7 (Sunday)")
        days.add(day)
    return frozenset(days)


def _unknown(name: str) -> Problem:
    return Problem(
        name,
        "unknown_field",
        f"“{name}” is not a field of a job queue entry that can be set. Check its name.",
    )


def _sentence(name: str, error: Exception) -> str:
    reason = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    words = label(name) if name != "weekdays" else "Weekdays"
    return f"{words}: {reason.rstrip('.')}."
