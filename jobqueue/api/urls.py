"""Addresses of the job queue below ``/api/v1/``."""

from collections.abc import Mapping

from django.urls import URLPattern, path

from jobqueue.api import entry_verbs
from jobqueue.api.categories import Categories
from jobqueue.api.enqueued import Enqueue, Enqueued
from jobqueue.api.entries import Entries, Explain, Preview
from jobqueue.api.me import Me

IN_COMPANY = "companies/<str:company>/"
ENTRIES = f"{IN_COMPANY}entries/"
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
    path(f"{IN_COMPANY}enqueue/", Enqueue.as_view({"post": "create"}), name="enqueue"),
    path(f"{IN_COMPANY}enqueue/<uuid:entry_id>/", Enqueued.as_view({"get": "retrieve"}), name="enqueued"),
    *entry_verbs.addresses(ENTRIES),
    *rows(ENTRIES, Entries, named="<str:entry>"),
    path(f"{ENTRIES}<str:entry>/explain/", Explain.as_view({"get": "retrieve"}), name="explain"),
    path(f"{ENTRIES}<str:entry>/preview/", Preview.as_view({"get": "retrieve"}), name="preview"),
    *rows(f"{IN_COMPANY}categories/", Categories, named="<str:code>"),
]
