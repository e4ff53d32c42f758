"""Fields of the API: choices by the words people see, users by their names."""

from typing import Any

from django.db import models
from rest_framework import serializers


class WordField(serializers.ChoiceField):
    """A choice of a ``TextChoices``, written and read as its word; the stored code is understood, too.

    An empty value is read as null.
    """

    def __init__(self, words: type[models.TextChoices], **kwargs: Any) -> None:
        self.words = words
        super().__init__(choices=[(label, label) for label in words.labels], **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = data.strip().casefold() if isinstance(data, str) else None
        for member in self.words:
            if text is not None and text in (member.label.casefold(), member.value):
                return str(member.value)
        self.fail("invalid_choice", input=f"{data}"[:50])
        raise AssertionError("fail() raises")

    def __deepcopy__(self, memo: dict[int, Any]) -> "WordField":
        return type(self)(self.words, **{k: v for k, v in self._kwargs.items() if k != "choices"})

    def to_representation(self, value: Any) -> str | None:
        return str(self.words(value).label) if value else None


class UserNameField(serializers.CharField):
    """A user, by user name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, **kwargs)

    def to_representation(self, value: Any) -> str:
        return str(value.get_username())


def seen_user(**kwargs: Any) -> UserNameField:
    """A user who is only shown; null where nobody did it."""
    return UserNameField(read_only=True, allow_null=True, **kwargs)
