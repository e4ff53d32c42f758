"""What packages add to the pages of notifications: whose list it is, who refers to it, and what a message is about."""

import uuid
from collections.abc import Sequence

from django.urls import reverse

from notifications.admin.owners import ListOwner, add_list_owner, add_users_of_lists
from notifications.admin.sources import add_source
from notifications.models import NotificationList
from packages.admin.filters import MOST_CHOICES
from packages.models import Package, Run
from packages.states import LIST_OWNER_KIND


def register() -> None:
    """Called once, while the admin of packages is imported."""
    add_list_owner(LIST_OWNER_KIND, owners)
    add_users_of_lists(users)
    add_source("package", package_address)
    add_source("package_run", run_address)


def owners(lists: Sequence[NotificationList]) -> dict[int, ListOwner]:
    """The packages that own these private lists, with the shared lists they refer to."""
    keys = {found.owner_reference: found.pk for found in lists}
    packages = Package.objects.filter(uuid__in=list(keys)).prefetch_related("notification_lists")
    return {
        keys[str(package.uuid)]: ListOwner(
            name=package.name,
            address=_card(package),
            label="package",
            shared=tuple(package.notification_lists.all()),
            choose_shared=_card(package),
        )
        for package in packages
    }


def users(found: NotificationList) -> list[tuple[str, str]]:
    """The packages that refer to a shared list."""
    packages = Package.objects.filter(company=found.company_id, notification_lists=found).order_by("name")
    return [(f"Package {package.name}", _card(package)) for package in packages[:MOST_CHOICES]]


def package_address(reference: str) -> str:
    try:
        package = Package.objects.filter(uuid=uuid.UUID(reference)).first()
    except ValueError:
        return ""
    return _card(package) if package is not None else ""


def run_address(reference: str) -> str:
    known = reference.isascii() and reference.isdecimal() and len(reference) < 19
    is_there = known and Run.objects.filter(pk=int(reference)).exists()
    return reverse("admin:packages_run_change", args=[reference]) if is_there else ""


def _card(package: Package) -> str:
    return reverse("admin:packages_package_change", args=[package.pk])
