"""Typed parameters of job objects: a frozen dataclass gives validation, the admin form and the API schema.

Field types: ``str``, ``int``, ``Decimal``, ``bool``, ``date``, ``datetime`` (aware), ``time``, ``Literal[...]``, an
``Enum``, ``list[str]`` or ``tuple[str, ...]``, and each of them ``| None``. ``field(metadata={...})`` may give
``label``, ``help``, ``max_length`` (texts, and each text of a list), ``min`` and ``max`` (numbers, dates, times),
``multiline`` (texts) and ``choices`` (texts: a list, or a function returning one, of values or (value, label) pairs). A
``ValueError`` raised by the dataclass's ``__post_init__`` becomes a refusal of the whole set.

Stored as JSON: decimals as text (“12.50”), dates and times in ISO 8601, moments with their offset.
"""

import dataclasses
import enum
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobqueue.errors import InvalidParameters, Problem
from jobqueue.objects import parameter_types, values
from jobqueue.objects.errors import BadJobObject
from jobqueue.objects.parameter_types import Kind, ParameterField


@dataclass(frozen=True)
class NoParameters:
    """The parameters of an object that has none."""


_READERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: values.read_text,
    Kind.INTEGER: values.read_integer,
    Kind.DECIMAL: values.read_decimal,
    Kind.BOOLEAN: values.read_boolean,
    Kind.DATE: values.read_date,
    Kind.MOMENT: values.read_moment,
    Kind.TIME: values.read_time,
    Kind.TEXT_LIST: values.read_text_list,
}


def fields_of(parameters_type: type | None, *, owner: str = "The job object") -> tuple[ParameterField, ...]:
    """The fields of a parameters dataclass. Raises ``BadJobObject`` naming ``owner``, field, reason and remedy."""
    fields = parameter_types.fields_of(parameters_type, owner=owner)
    for item in fields:
        offered_later = callable(item.choices_source) and not isinstance(item.choices_source, type)
        if item.required or offered_later:
            continue
        try:
            read_value(item, values.to_json(item.default_value))
        except values.Unreadable as error:
            raise BadJobObject(f"{owner}: the default of parameter “{item.name}” {error}") from None
    return fields


def parse(
    parameters_type: type | None,
    given: Mapping[str, Any],
    *,
    fields: tuple[ParameterField, ...] | None = None,
    owner: str = "The job object",
) -> Any:
    """The dataclass instance for JSON values ``given``.

    Raises ``InvalidParameters`` with all problems together; each names ``owner``, the parameter, the reason and what
    to write instead.
    """
    if not isinstance(given, Mapping):
        message = f"{owner}: the parameters must be names with values. Write a JSON object."
        raise InvalidParameters(message, problems=[Problem("", "parameters", message)])
    fields = fields_of(parameters_type, owner=owner) if fields is None else fields
    problems = _unknown_keys(given, fields=fields, owner=owner)
    found: dict[str, Any] = {}
    for item in fields:
        if item.name not in given:
            if item.required:
                problems.append(_problem(item, "missing", "is required. Enter a value.", owner=owner))
            continue
        try:
            found[item.name] = read_value(item, given[item.name])
        except values.Unreadable as error:
            problems.append(_problem(item, error.code, str(error), owner=owner))
    if not problems:
        try:
            return (parameters_type or NoParameters)(**found)
        except ValueError as error:
            problems.append(Problem("", "parameters", f"{owner}: {error}"))
    raise InvalidParameters(" ".join(problem.message for problem in problems), problems=problems)


def read_value(item: ParameterField, value: Any) -> Any:
    """One JSON value as the Python value of its field; raises ``values.Unreadable`` with reason and next step."""
    if value is None or (value == "" and item.optional and item.kind != Kind.TEXT):
        if item.optional:
            return None
        raise values.Unreadable("missing", "may not be empty. Enter a value.")
    if item.kind == Kind.CHOICE:
        return _read_choice(item, value)
    read = _READERS[item.kind](value)
    if item.kind == Kind.TEXT_LIST and typing.get_origin(item.python_type) is tuple:
        read = tuple(read)
    _check_limits(item, read)
    return read


def to_json(parameters: Any) -> dict[str, Any]:
    """The stored form of a parameters instance: what :func:`parse` reads."""
    if parameters is None:
        return {}
    stored = [item.name for item in dataclasses.fields(parameters) if item.init]
    return {name: values.to_json(getattr(parameters, name)) for name in stored}


def _read_choice(item: ParameterField, value: Any) -> Any:
    known = item.choices()
    if not any(type(value) is type(choice) and value == choice for choice, _label in known):
        words = ", ".join(f"“{choice}”" for choice, _label in known[:20]) or "nothing at present"
        raise values.Unreadable(
            "choice", f"is “{_short(value)}”, which is not offered. Choose one of: {words}."
        )
    is_enum = isinstance(item.python_type, type) and issubclass(item.python_type, enum.Enum)
    return item.python_type(value) if is_enum else value


def _check_limits(item: ParameterField, value: Any) -> None:
    texts: Iterable[str] = [value] if item.kind == Kind.TEXT else value if item.kind == Kind.TEXT_LIST else ()
    if item.kind in (Kind.TEXT, Kind.TEXT_LIST) and item.required and not item.optional and not value:
        raise values.Unreadable("missing", "is required. Enter a value.")
    for text in texts:
        if item.max_length is not None and len(text) > item.max_length:
            raise values.Unreadable(
                "too_long", f"has {len(text)} characters, {item.max_length} are allowed. Shorten it."
            )
        if item.kind == Kind.TEXT and not item.multiline and ("\n" in text or "\r" in text):
            raise values.Unreadable("multiline", "contains a line break. Write it on one line.")
    if item.minimum is not None and value < item.minimum:
        raise values.Unreadable("too_small", f"is {_short(value)}. Enter {item.minimum} or more.")
    if item.maximum is not None and value > item.maximum:
        raise values.Unreadable("too_large", f"is {_short(value)}. Enter {item.maximum} or less.")


def _unknown_keys(
    given: Mapping[str, Any], *, fields: tuple[ParameterField, ...], owner: str
) -> list[Problem]:
    names = [item.name for item in fields]
    known = f"Known are: {', '.join(names)}." if names else "It has no parameters; remove it."
    return [
        Problem(str(key), "unknown_parameter", f"{owner} knows no parameter “{_short(key)}”. {known}")
        for key in given
        if key not in names
    ]


def _problem(item: ParameterField, code: str, reason: str, *, owner: str) -> Problem:
    return Problem(item.name, code, f"{owner}: parameter “{item.label}” {reason}")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
