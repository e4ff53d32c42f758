"""Narrowing and ordering lists; a query parameter nobody knows is refused with the list of known ones."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField
from rest_framework import exceptions
from rest_framework.request import Request

from jobqueue.states import LabelledInt

LARGEST_NUMBER = 2**63 - 1
SEARCHED_ROWS = 100_000
"""A search through a log looks at the newest rows only, as in the admin: no index finds words inside texts."""


class ListFilters(filters.FilterSet):
    """Base of the filters of a list. ``searched`` names the fields ``?search=`` looks into, all words together."""

    searched: tuple[str, ...] = ()
    newest_first = ""
    """Of a log: the field by which rows get newer; a search then looks at the newest 100,000 rows."""

    @classmethod
    def get_filters(cls) -> Any:
        found = super().get_filters()
        if cls.searched:
            found["search"] = filters.CharFilter(
                method="filter_search",
                max_length=200,
                label="Words that all have to occur in the texts the list shows.",
            )
        return found

    def filter_search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        if self.newest_first:
            newest = rows.order_by(f"-{self.newest_first}").values_list(self.newest_first, flat=True)
            last = newest[SEARCHED_ROWS : SEARCHED_ROWS + 1].first()
            rows = rows if last is None else rows.filter(**{f"{self.newest_first}__gt": last})
        for word in value.split()[:10]:
            found = Q()
            for field in self.searched:
                found |= _has_word(field, word)
            rows = rows.filter(found)
        return rows


def _has_word(field: str, word: str) -> Q:
    """Names of people are looked up among the people, of whom there are few, instead of once for every row."""
    if not field.endswith("__username"):
        return Q(**{f"{field}__icontains": word})
    people = get_user_model()._default_manager.filter(username__icontains=word)
    return Q(**{f"{field.removesuffix('__username')}__in": people.values("pk")})


class WholeNumberFilter(filters.NumberFilter):
    """A whole number the database can hold."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs = {"decimal_places": 0, "min_value": -LARGEST_NUMBER, "max_value": LARGEST_NUMBER} | kwargs
        super().__init__(*args, **kwargs)


class _Moment(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        try:
            # In UTC: PostgreSQL refuses offsets from 16 hours on, which ISO 8601 can write.
            return None if found is None else found.astimezone(UTC)
        except OverflowError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(filters.IsoDateTimeFilter):
    """A moment in ISO 8601, with any offset; without one, in the server's time zone."""

    field_class = _Moment


class _YesOrNo(forms.NullBooleanField):
    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]
        if value is None or value in ("", True, False):
            return None if value in (None, "") else bool(value)
        if str(value).lower() not in ("true", "false", "1", "0"):
            raise forms.ValidationError("Write true or false.", code="invalid")
        return str(value).lower() in ("true", "1")


class YesNoFilter(filters.BooleanFilter):
    """``true`` or ``false``; anything else is refused instead of being ignored."""

    field_class = _YesOrNo

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"widget": forms.TextInput} | kwargs)


class WordsFilter(filters.MultipleChoiceFilter):
    """A choice by its word, such as ``?status=Ready``; given several times, any of them."""

    def __init__(self, words: type[LabelledInt], **kwargs: Any) -> None:
        self.words = words
        super().__init__(choices=[(member.label, member.label) for member in words], **kwargs)

    def filter(self, rows: QuerySet, value: Any) -> QuerySet:
        if not value:
            return rows
        numbers = [int(member) for member in self.words if member.label in value]
        return rows.filter(**{f"{self.field_name}__in": numbers})


def require_known_parameters(request: Request, known: Iterable[str]) -> None:
    """Raises a validation error naming each query parameter this address does not have, and those it has."""
    names = sorted(known)
    offered = f"Known are {', '.join(names)}." if names else "This address takes none."
    unknown = {
        name[:50]: [
            exceptions.ErrorDetail(f"There is no such query parameter. {offered}", "unknown_parameter")
        ]
        for name in request.query_params
        if name not in names
    }
    if unknown:
        raise exceptions.ValidationError(unknown)
    if any("\x00" in value for values in request.query_params.lists() for value in values[1]):
        sentence = "A query parameter may not contain the character NUL."
        raise exceptions.ValidationError([exceptions.ErrorDetail(sentence, "nul")])
