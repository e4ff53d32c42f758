"""The parameters of a job object as a JSON Schema (draft 2020-12), for integrations and generated clients."""

from collections.abc import Iterable
from typing import Any

from jobqueue.objects import values
from jobqueue.objects.parameter_types import Kind, ParameterField

DIALECT = "https://json-schema.org/draft/2020-12/schema"

TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.DECIMAL: {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.MOMENT: {"type": "string", "format": "date-time"},
    Kind.TIME: {"type": "string", "pattern": r"^\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"},
    Kind.TEXT_LIST: {"type": "array", "items": {"type": "string"}},
}


def json_schema(fields: Iterable[ParameterField]) -> dict[str, Any]:
    """The schema of the object an entry's ``parameters`` hold; unknown names are not allowed."""
    fields = tuple(fields)
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _property(field: ParameterField) -> dict[str, Any]:
    choices = [value for value, _label in field.choices()]
    if field.kind == Kind.CHOICE:
        found: dict[str, Any] = {"enum": [*choices, None] if field.optional else choices}
    else:
        found = {**TYPES[field.kind]}
        if field.optional:
            found["type"] = [found["type"], "null"]
    found["title"] = field.label
    if field.help:
        found["description"] = field.help
    if not field.required:
        found["default"] = values.to_json(field.default_value)
    if field.max_length is not None:
        if field.kind == Kind.TEXT_LIST:
            found["items"] = {"type": "string", "maxLength": field.max_length}
        else:
            found["maxLength"] = field.max_length
    if field.kind == Kind.INTEGER:
        limits = {"minimum": field.minimum, "maximum": field.maximum}
        found |= {name: limit for name, limit in limits.items() if limit is not None}
    return found
