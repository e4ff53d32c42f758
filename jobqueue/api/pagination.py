"""Lists in pages: page numbers where people may count, cursors where rows keep arriving."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.request import Request

LARGEST_PAGE = 500


class PagePages(PageNumberPagination):
    """``?page=2&page_size=100``; a page beyond the last is 404 with the code ``page_out_of_range``."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = LARGEST_PAGE

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except exceptions.NotFound:
            raise PageOutOfRange from None


class CursorPages(CursorPagination):
    """``?cursor=…`` as given in ``next`` and ``previous``: no total, and no page shifts while rows arrive."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = LARGEST_PAGE
    ordering = "-pk"

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except exceptions.NotFound:
            raise CursorUnknown from None


class PageOutOfRange(exceptions.APIException):
    status_code = 404
    default_code = "page_out_of_range"
    default_detail = "There is no such page. Begin with page 1 and follow “next” to the last one."


class CursorUnknown(exceptions.APIException):
    status_code = 404
    default_code = "cursor_unknown"
    default_detail = "The cursor is not one this list gave. Begin without it and follow “next”."
