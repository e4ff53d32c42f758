"""Typed parameters of job objects: a frozen dataclass gives validation, the admin form and the API schema.

Field types: ``str``, ``int``, ``Decimal``, ``bool``, ``date``, ``datetime`` (aware), ``time``, ``Literal[...]``, an
``Enum``, ``list[str]`` or ``tuple[str, ...]``, and each of them ``| None``. ``field(metadata={...})`` may give ``label``,
``help``, ``max_length`` (texts, and each text of a list), ``min`` and ``max`` (numbers, dates, times), ``multiline``
(texts) and ``choices`` (texts: a list, or a function returning one, of values or of (value, label) pairs). A
``ValueError`` raised by the dataclass's ``__post_init__`` becomes a refusal of the whole set.

Stored as JSON: decimals as text (“12.50”), dates and times in ISO 8601, moments with their offset.
"""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from jobqueue.errors import InvalidParameters, Problem
from jobqueue.objects import values
from jobqueue.objects.errors import BadJobObject

METADATA = frozenset({"label", "help", "max_length", "min", "max", "multiline", "choices"})
MISSING: Any = dataclasses.MISSING


class Kind(enum.StrEnum):
    """Type of a parameter, as the schema names it."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "datetime"
    TIME = "time"
    CHOICE = "choice"
    TEXT_LIST = "text list"


@dataclass(frozen=True)
class NoParameters:
    """The parameters of an object that has none."""


@dataclass(frozen=True, kw_only=True)
class ParameterField:
    """One parameter: its type, its words and its limits. ``default`` is ``MISSING`` for a required one."""

    name: str
    kind: Kind
    python_type: Any
    optional: bool = False
    default: Any
    default_factory: Any
    label: str = ""
    help: str = ""
    max_length: int | None = None
    minimum: Any = None
    maximum: Any = None
    multiline: bool = False
    choices_source: Any = None

    @property
    def required(self) -> bool:
        return self.default is MISSING and self.default_factory is MISSING

    @property
    def default_value(self) -> Any:
        """The default as a Python value; None when there is none."""
        if self.default_factory is not MISSING:
            return self.default_factory()
        return None if self.default is MISSING else self.default

    def choices(self) -> list[tuple[Any, str]]:
        """Allowed values in their stored form, each with its label; empty when anything of the type is allowed."""
        source = self.choices_source
        if source is None:
            return []
        if isinstance(source, type):
            return [(member.value, str(getattr(member, "label", member.value))) for member in source]
        found = source() if callable(source) else source
        return [item if isinstance(item, tuple) else (item, str(item)) for item in found]

    def schema(self) -> dict[str, Any]:
        """The field for forms and the API, as JSON values; limits that do not exist are left out."""
        found: dict[str, Any] = {
            "name": self.name,
            "type": str(self.kind),
            "label": self.label,
            "help": self.help,
            "required": self.required,
            "nullable": self.optional,
            "default": values.to_json(self.default_value),
            "choices": [{"value": value, "label": label} for value, label in self.choices()],
        }
        limits = {
            "max_length": self.max_length,
            "minimum": values.to_json(self.minimum),
            "maximum": values.to_json(self.maximum),
            "multiline": self.multiline or None,
        }
        return found | {key: value for key, value in limits.items() if value is not None}


_SIMPLE: dict[Any, Kind] = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    Decimal: Kind.DECIMAL,
    bool: Kind.BOOLEAN,
    date: Kind.DATE,
    datetime: Kind.MOMENT,
    time: Kind.TIME,
    list[str]: Kind.TEXT_LIST,
    tuple[str, ...]: Kind.TEXT_LIST,
}
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
    if parameters_type is None:
        return ()
    options = getattr(parameters_type, "__dataclass_params__", None)
    if not isinstance(parameters_type, type) or options is None or not options.frozen:
        raise BadJobObject(
            f"{owner}: parameters must be a frozen dataclass. Decorate {getattr(parameters_type, '__name__', parameters_type)} "
            "with @dataclass(frozen=True)."
        )
    try:
        hints = typing.get_type_hints(parameters_type)
    except (NameError, TypeError) as error:
        raise BadJobObject(
            f"{owner}: the parameter types cannot be read ({error}). Use types importable at module level."
        ) from None
    return tuple(
        _field(item, hint=hints[item.name], owner=owner) for item in dataclasses.fields(parameters_type) if item.init
    )


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
    return {
        item.name: values.to_json(getattr(parameters, item.name)) for item in dataclasses.fields(parameters) if item.init
    }


def _read_choice(item: ParameterField, value: Any) -> Any:
    known = item.choices()
    if not any(type(value) is type(choice) and value == choice for choice, _label in known):
        words = ", ".join(f"“{choice}”" for choice, _label in known[:20]) or "nothing at present"
        raise values.Unreadable("choice", f"is “{_short(value)}”, which is not offered. Choose one of: {words}.")
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


def _field(item: dataclasses.Field, *, hint: Any, owner: str) -> ParameterField:
    inner, optional = _without_none(hint)
    unknown = set(item.metadata) - METADATA
    if unknown:
        raise BadJobObject(
            f"{owner}: parameter “{item.name}” has unknown metadata {', '.join(sorted(unknown))}. "
            f"Known are {', '.join(sorted(METADATA))}."
        )
    kind, choices = _kind(inner, metadata=item.metadata)
    if kind is None:
        raise BadJobObject(
            f"{owner}: parameter “{item.name}” has the type {getattr(inner, '__name__', inner)}, which parameters cannot have. "
            "Use str, int, Decimal, bool, date, datetime, time, Literal, an Enum of texts or whole numbers, or list[str]."
        )
    found = ParameterField(
        name=item.name,
        kind=kind,
        python_type=inner,
        optional=optional,
        default=item.default,
        default_factory=item.default_factory,
        label=str(item.metadata.get("label", "")) or item.name.replace("_", " ").capitalize(),
        help=str(item.metadata.get("help", "")),
        max_length=item.metadata.get("max_length"),
        minimum=item.metadata.get("min"),
        maximum=item.metadata.get("max"),
        multiline=bool(item.metadata.get("multiline", False)),
        choices_source=choices,
    )
    _check_declaration(found, owner=owner)
    return found


def _check_declaration(item: ParameterField, *, owner: str) -> None:
    """Refuses limits that mean nothing for the type, and a default its own limits would refuse."""
    texts = item.kind in (Kind.TEXT, Kind.TEXT_LIST)
    ordered = item.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.MOMENT, Kind.TIME)
    if (item.max_length is not None or item.multiline) and not texts:
        raise BadJobObject(f"{owner}: parameter “{item.name}”: max_length and multiline are for texts. Remove them.")
    if (item.minimum is not None or item.maximum is not None) and not ordered:
        raise BadJobObject(f"{owner}: parameter “{item.name}”: min and max are for numbers, dates and times. Remove them.")
    if item.required or callable(item.choices_source) and not isinstance(item.choices_source, type):
        return
    try:
        read_value(item, values.to_json(item.default_value))
    except values.Unreadable as error:
        raise BadJobObject(f"{owner}: the default of parameter “{item.name}” {error}") from None


def _kind(hint: Any, *, metadata: Mapping[str, Any]) -> tuple[Kind | None, Any]:
    if typing.get_origin(hint) is typing.Literal:
        options = typing.get_args(hint)
        return (Kind.CHOICE if all(type(option) in (str, int) for option in options) else None), options
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        stored = all(type(member.value) in (str, int) for member in hint)
        return (Kind.CHOICE if stored else None), hint
    if hint is str and "choices" in metadata:
        return Kind.CHOICE, metadata["choices"]
    try:
        return _SIMPLE.get(hint), None
    except TypeError:
        return None, None


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint, False
    rest = [part for part in typing.get_args(hint) if part is not type(None)]
    optional = len(rest) < len(typing.get_args(hint))
    return (rest[0] if len(rest) == 1 else hint), optional


def _unknown_keys(given: Any, *, fields: tuple[ParameterField, ...], owner: str) -> list[Problem]:
    if not isinstance(given, Mapping):
        return [Problem("", "parameters", f"{owner}: the parameters must be names with values. Write a JSON object.")]
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
