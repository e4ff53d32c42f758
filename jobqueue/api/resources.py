"""Resources below a company: rows in lists and one by one, in the same way everywhere."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from jobqueue.api.conditions import polled_by_content
from jobqueue.api.views import ApiView, CompanyApiView


class Rows(ApiView, GenericViewSet):
    """Rows of ``model``, as :meth:`rows` gives them: what the caller may see, with all a row of the list shows.

    ``shown_as`` is the serializer of answers. A row is named in addresses by ``lookup_url_kwarg`` and found by
    ``lookup_field``. Lists and single rows answer 304 to a caller who has them already.
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

    def shown(self, row: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """The answer that shows one row."""
        body = self.shown_as(row, context=self.get_serializer_context()).data
        return Response(body, status=status, headers=headers)

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
        row = self.found()
        self.prepare([row])
        return polled_by_content(request, self.shown(row))

    def prepare(self, page: Sequence[Any]) -> None:
        """Gives the rows of a page what they show beside themselves, in a fixed number of queries."""


class CompanyRows(CompanyApiView, Rows):
    """Rows of the company in the address."""
