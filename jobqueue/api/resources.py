"""Resources below a company: rows in lists and one by one, in the same way everywhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from jobqueue.api.conditions import (
    content_tag,
    expected_tags,
    polled_by_content,
    polled_by_tag,
    require_tag,
)
from jobqueue.api.views import ApiView, CompanyApiView


class Rows(ApiView, GenericViewSet):
    """Rows of ``model``, as :meth:`rows` gives them: what the caller may see, with all a row of the list shows.

    ``shown_as`` is the serializer of answers. A row is named in addresses by ``lookup_url_kwarg`` and found by
    ``lookup_field``. Lists and single rows answer 304 to a caller who has them already; changes go through
    :meth:`expecting`, so that ``If-Match`` guards them.
    """

    model: type[Model]
    shown_as: Any

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.model._default_manager.none()
        return self.rows()

    def get_serializer_class(self) -> Any:
        return self.serializer_class or self.shown_as

    def found(self) -> Any:
        """The row the address names; 404 if there is none for this caller."""
        name = self.lookup_url_kwarg or self.lookup_field
        try:
            row = self.get_queryset().filter(**{self.lookup_field: self.kwargs[name]}).first()
        except (ValueError, OverflowError):
            row = None
        if row is None:
            words = self.model._meta.verbose_name
            raise Http404(f"There is no {words} “{str(self.kwargs[name])[:80]}” here that you may see.")
        return row

    @contextmanager
    def expecting(self) -> Iterator[Any]:
        """The row the address names, as the caller expects it (``If-Match``), in a transaction around its change.

        With an expectation the row is locked and compared: of two callers who saw the same, one gets 412.
        """
        with transaction.atomic():
            row = self.found()
            if expected_tags(self.request) is not None:
                rows = type(row)._default_manager.select_for_update(of=("self",), no_key=True)
                rows.filter(pk=row.pk).first()
                row = self.found()
                require_tag(self.request, self._body(row), what=f"“{row}”")
            yield row

    def shown(self, row: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """The answer that shows one row, with the ETag a later ``If-Match`` compares."""
        body = self._body(row)
        return Response(body, status=status, headers={"ETag": content_tag(body)} | (headers or {}))

    def _body(self, row: Any) -> Any:
        self.prepare([row])
        return self.shown_as(row, context=self.get_serializer_context()).data

    def read(self, serializer_class: Any, *, partial: bool = False) -> dict[str, Any]:
        """The request's body as valid values; an absent body is an empty object."""
        data = self.request.data
        serializer = serializer_class(data=data, partial=partial, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assert page is not None
        self.prepare(page)
        body = self.shown_as(page, many=True, context=self.get_serializer_context()).data
        return polled_by_content(request, self.get_paginated_response(body))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return polled_by_tag(request, self._body(self.found()))

    def prepare(self, page: Sequence[Any]) -> None:
        """Gives the rows of a page what they show beside themselves, in a fixed number of queries."""


class CompanyRows(CompanyApiView, Rows):
    """Rows of the company in the address."""
