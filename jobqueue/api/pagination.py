"""Lists in pages: page numbers where people may count, cursors where rows keep arriving."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request

LARGEST_PAGE = 500


class PageSize:
    """``page_size`` is 1 to 500; anything else is refused instead of being replaced silently."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = LARGEST_PAGE

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= LARGEST_PAGE):
            sentence = f"A page holds 1 to {LARGEST_PAGE} rows, not “{text[:20]}”."
            raise exceptions.ValidationError(
                {self.page_size_query_param: [exceptions.ErrorDetail(sentence, code="page_size")]}
            )
        return int(text)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        found = super().get_schema_operation_parameters(view)
        for parameter in found:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": LARGEST_PAGE, "default": self.page_size}
            elif parameter["name"] == "page":
                parameter["schema"] |= {"minimum": 1, "default": 1}
        return found


class PagePages(PageSize, PageNumberPagination):
    """``?page=2&page_size=100``; a page beyond the last is 404 with the code ``page_out_of_range``."""

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except exceptions.NotFound:
            raise PageOutOfRange from None


class CursorPages(PageSize, CursorPagination):
    """``?cursor=…`` as given in ``next`` and ``previous``: no total, and no page shifts while rows arrive."""

    ordering = "-pk"

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, ValidationError, ValueError, OverflowError):
            raise CursorUnknown from None


class PageOutOfRange(exceptions.APIException):
    status_code = 404
    default_code = "page_out_of_range"
    default_detail = "There is no such page. Begin with page 1 and follow “next” to the last one."


class CursorUnknown(exceptions.APIException):
    status_code = 404
    default_code = "cursor_unknown"
    default_detail = "The cursor is not one this list gave. Begin without it and follow “next”."
