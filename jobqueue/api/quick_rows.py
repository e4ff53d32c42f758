"""Rows of long lists: serializers that show many rows of many fields in little time, and people looked up once.

A ``ModelSerializer`` makes its fields anew for every answer and asks each of them twice per row. What a row of these
serializers shows depends on the row alone, never on the call; so the way to every column is found once per class.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model
from django.utils import timezone
from rest_framework import serializers

AS_STORED = (serializers.BooleanField, serializers.CharField, serializers.IntegerField)
"""Fields whose values are shown as the model gives them."""

Show = Callable[[Any], Any]


class RowSerializer(serializers.ModelSerializer):
    """A serializer whose answers need no context. Reads and shows exactly what a ``ModelSerializer`` does."""

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown_as: Any = type(self)
        in_utc = timezone.get_current_timezone_name() == "UTC"
        return {name: show(instance) for name, show in _columns(shown_as, in_utc)}


def share_people(rows: Sequence[Model], *names: str) -> None:
    """Fetches the users these relations of the rows lead to, each once and in one query, where they are not known."""
    fields: list[Any] = [rows[0]._meta.get_field(name) for name in names] if rows else []
    missing = [(row, field) for row in rows for field in fields if not field.is_cached(row)]
    keys = {getattr(row, field.attname) for row, field in missing} - {None}
    people = get_user_model()._default_manager.in_bulk(keys) if keys else {}
    for row, field in missing:
        field.set_cached_value(row, people.get(getattr(row, field.attname)))


@cache
def _columns(shown_as: Any, in_utc: bool) -> tuple[tuple[str, Show], ...]:
    """The fields of a serializer class in their order, each with what makes a row's value of it."""
    fields = shown_as().fields.items()
    return tuple((name, _way_to(field, in_utc)) for name, field in fields if not field.write_only)


def _way_to(field: serializers.Field, in_utc: bool) -> Show:
    if field.source == "*":
        return field.to_representation
    attribute = attrgetter(field.source)
    if type(field) in AS_STORED:
        return attribute
    is_moment = type(field) is serializers.DateTimeField
    convert = _moment_by(field) if is_moment and in_utc else field.to_representation

    def show(row: Any) -> Any:
        value = attribute(row)
        if callable(value):
            value = value()
        return None if value is None else convert(value)

    return show


def _moment_by(field: serializers.Field) -> Show:
    """Moments where UTC is spoken, as which the database gives them."""

    def show(value: datetime) -> Any:
        if value.tzinfo is UTC:
            return value.isoformat().replace("+00:00", "Z")
        return field.to_representation(value)

    return show
