"""How a parameter is declared: a field of a frozen dataclass, with its type, words and limits."""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

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
        source: Any = self.choices_source
        if source is None:
            return []
        if isinstance(source, enum.EnumType):
            members: list[Any] = list(source)
            return [(member.value, str(getattr(member, "label", member.value))) for member in members]
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


def fields_of(parameters_type: type | None, *, owner: str = "The job object") -> tuple[ParameterField, ...]:
    """The fields of a parameters dataclass. Raises ``BadJobObject`` naming ``owner``, field, reason and remedy."""
    if parameters_type is None:
        return ()
    options = getattr(parameters_type, "__dataclass_params__", None)
    if not isinstance(parameters_type, type) or options is None or not options.frozen:
        name = getattr(parameters_type, "__name__", parameters_type)
        raise BadJobObject(
            f"{owner}: parameters must be a frozen dataclass. Decorate {name} with @dataclass(frozen=True)."
        )
    try:
        hints = typing.get_type_hints(parameters_type)
    except (NameError, TypeError) as error:
        raise BadJobObject(
            f"{owner}: the parameter types cannot be read ({error}). Use types importable at module level."
        ) from None
    return tuple(
        _field(item, hint=hints[item.name], owner=owner)
        for item in dataclasses.fields(parameters_type)
        if item.init
    )


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
            f"{owner}: parameter “{item.name}” has the type {getattr(inner, '__name__', inner)}, which parameters "
            "cannot have. Use str, int, Decimal, bool, date, datetime, time, Literal, an Enum of texts or whole "
            "numbers, or list[str]."
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
    _check_limits_fit(found, owner=owner)
    return found


def _check_limits_fit(item: ParameterField, *, owner: str) -> None:
    """Refuses limits that mean nothing for the type."""
    where = f"{owner}: parameter “{item.name}”"
    texts = item.kind in (Kind.TEXT, Kind.TEXT_LIST)
    ordered = item.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.MOMENT, Kind.TIME)
    if (item.max_length is not None or item.multiline) and not texts:
        raise BadJobObject(f"{where}: max_length and multiline are for texts. Remove them.")
    if (item.minimum is not None or item.maximum is not None) and not ordered:
        raise BadJobObject(f"{where}: min and max are for numbers, dates and times. Remove them.")


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
