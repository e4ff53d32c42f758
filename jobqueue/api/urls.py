"""Addresses of the job queue below ``/api/v1/``."""

from collections.abc import Mapping

from django.urls import URLPattern, path

from jobqueue.api.categories import Categories
from jobqueue.api.me import Me

IN_COMPANY = "companies/<str:company>/"
MANY = {"get": "list", "post": "create"}
ONE = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}


def rows(
    address: str,
    view: type,
    *,
    named: str,
    many: Mapping[str, str] = MANY,
    one: Mapping[str, str] = ONE,
    name: str = "",
) -> list[URLPattern]:
    """The two addresses of a resource: its list, and one row, as ``named`` says (a path converter and argument)."""
    name = name or address.rstrip("/").rpartition("/")[2]
    return [
        path(address, view.as_view(dict(many)), name=name),  # type: ignore[attr-defined]
        path(f"{address}{named}/", view.as_view(dict(one)), name=f"{name}-one"),  # type: ignore[attr-defined]
    ]


urlpatterns = [
    path("me/", Me.as_view(), name="me"),
    *rows(f"{IN_COMPANY}categories/", Categories, named="<str:code>"),
]
