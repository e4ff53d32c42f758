"""What the pages of packages share: the rights of packages in place of those of job queue entries."""

from typing import Any

from django.http import HttpRequest

from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.admin.company import actor_of
from jobqueue.admin.verbs import VerbsAdmin
from jobqueue.permissions import Level
from packages import permissions


def may(request: HttpRequest, level: Level | None) -> bool:
    """Whether the viewer holds the package right that stands for the level; asked once per request and level."""
    if level is None or getattr(request, "company", None) is None:
        return False
    known: dict[Level, bool] = request.__dict__.setdefault("_package_levels", {})
    if level not in known:
        known[level] = permissions.may(actor_of(request), permissions.MEANING[level])
    return known[level]


class PackagesAdmin(VerbsAdmin):
    """Base of the pages with verbs."""

    def holds(self, request: HttpRequest, level: Level | None) -> bool:
        return may(request, level)


class ReadOnlyPackagesAdmin(ReadOnlyAdmin):
    """Base of the pages that only show."""

    actions: Any = None

    def holds(self, request: HttpRequest, level: Level | None) -> bool:
        return may(request, level)
