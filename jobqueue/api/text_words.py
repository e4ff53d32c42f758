"""Choices stored as codes, by the words people see; users by their names."""

from typing import Any

from django.db import models
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework import serializers


class TextWordField(serializers.ChoiceField):
    """A choice of a ``TextChoices``, written and read as its word; the stored code is understood, too.

    An empty value is read as null.
    """

    def __init__(self, words: type[models.TextChoices], **kwargs: Any) -> None:
        self.words = words
        super().__init__(choices=words_of(words), **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = data.strip().casefold() if isinstance(data, str) else None
        for member in self.words:
            if text is not None and text in (member.label.casefold(), member.value):
                return str(member.value)
        self.fail("invalid_choice", input=f"{data}"[:50])
        raise AssertionError("fail() raises")

    def __deepcopy__(self, memo: dict[int, Any]) -> "TextWordField":
        return type(self)(self.words, **{k: v for k, v in self._kwargs.items() if k != "choices"})

    def to_representation(self, value: Any) -> str | None:
        return str(self.words(value).label) if value else None


def words_of(words: type[models.TextChoices]) -> list[tuple[str, str]]:
    """The words as choices."""
    return [(str(label), str(label)) for label in words.labels]


class UserNameField(serializers.CharField):
    """A user, by user name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, **kwargs)

    def to_representation(self, value: Any) -> str:
        return str(value.get_username())


def seen_user(**kwargs: Any) -> UserNameField:
    """A user who is only shown; null where nobody did it."""
    return UserNameField(read_only=True, allow_null=True, **kwargs)


class TextWordsFilter(filters.MultipleChoiceFilter):
    """A choice by its word, such as ``?status=On Hold``; given several times, any of them."""

    def __init__(self, words: type, **kwargs: object) -> None:
        self.words = words
        super().__init__(choices=[(label, label) for label in words.labels], **kwargs)  # type: ignore[attr-defined]

    def filter(self, rows: QuerySet, value: object) -> QuerySet:
        if not value:
            return rows
        chosen = [member.value for member in self.words if member.label in value]  # type: ignore
        return rows.filter(**{f"{self.field_name}__in": chosen})
