"""Reading what people hand in for rows of packages: unknown fields, types, limits; every problem together."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from jobqueue.errors import Problem
from jobqueue.validation import switch_of


def write(row: models.Model, values: Mapping[str, Any], *, allowed: Iterable[str]) -> list[Problem]:
    """Sets the given fields on the unsaved row, as text or typed values, and returns what is wrong with them."""
    problems = []
    allowed = tuple(allowed)
    for name, value in values.items():
        if name not in allowed:
            sentence = f"“{name}” is no field that can be set here. Use one of {', '.join(allowed)}."
            problems.append(Problem(name, "unknown_field", sentence))
            continue
        field = row._meta.get_field(name)
        assert isinstance(field, models.Field)
        if isinstance(value, str):
            value = value.strip()
            if isinstance(field, models.BooleanField):
                found = switch_of(value)
                value = value if found is None else found
        if value in (None, "") and not isinstance(field, models.BooleanField):
            value = None if field.null else field.get_default()
        try:
            if isinstance(field, models.IntegerField) and isinstance(value, float | bool):
                raise ValidationError("Enter a whole number.")
            if value is not None or not field.null:
                value = field.clean(value, row)
        except ValidationError as error:
            sentence = f"{label(row, name)}: {' '.join(error.messages)}"
            problems.append(Problem(name, "invalid", sentence))
            continue
        setattr(row, name, value)
    return problems


def label(row: models.Model, name: str) -> str:
    """The field's name as screens show it."""
    field = row._meta.get_field(name)
    words = str(getattr(field, "verbose_name", name))
    return words[:1].upper() + words[1:]
