"""Choices in the words of the screens: “On Hold”, “Codeunit”, “High”, never their stored numbers."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobqueue.states import (
    LabelledInt,
    Level,
    LogStatus,
    ObjectType,
    OutputType,
    Priority,
    Status,
)


class WordField(serializers.ChoiceField):
    """A stored number by its word; read without regard to capitals."""

    def __init__(self, words: type[LabelledInt], **kwargs: Any) -> None:
        self.words = words
        super().__init__(choices=words_of(words), **kwargs)

    def to_representation(self, value: Any) -> Any:
        return self.words(value).label

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            for member in self.words:
                if data.strip().lower() == member.label.lower():
                    return int(member)
        self.fail("invalid_choice", input=f"{data}"[:50])

    def __deepcopy__(self, memo: dict[int, Any]) -> "WordField":
        return type(self)(self.words, **{k: v for k, v in self._kwargs.items() if k != "choices"})


def words_of(words: type[LabelledInt]) -> list[tuple[str, str]]:
    return [(member.label, member.label) for member in words]


@extend_schema_field(OpenApiTypes.STR)
class PersonField(serializers.Field):
    """A user by name; null stands for the System identity or nobody."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return value.get_username()


# Names of the enumerations in the OpenAPI document (settings SPECTACULAR_SETTINGS).
ENTRY_STATUS = words_of(Status)
LOG_STATUS = words_of(LogStatus)
OBJECT_TYPE = words_of(ObjectType)
OUTPUT_TYPE = words_of(OutputType)
PRIORITY = words_of(Priority)
MESSAGE_LEVEL = words_of(Level)
