"""The notification lists of a package: its private one, and the shared ones it refers to (decisions on packages)."""

from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.scheduler import database_now
from notifications.events import LOOK
from notifications.models import NotificationList
from notifications.verbs import copy_lines
from packages.models import Package
from packages.permissions import require
from packages.rows import locked, require_editable, require_revision, store_change, verb
from packages.states import LIST_OWNER_KIND

DELETE = "delete-list"


def private_list(package: Package) -> NotificationList | None:
    """The package's own list, locked, copied and deleted with it."""
    return NotificationList.objects.filter(
        owner_kind=LIST_OWNER_KIND, owner_reference=str(package.uuid)
    ).first()


def lists_of(package: Package) -> tuple[NotificationList, ...]:
    """Every list that is told of the package: its own one first."""
    own = private_list(package)
    shared = tuple(package.notification_lists.all())
    return shared if own is None else (own, *shared)


def package_of(notification_list: NotificationList) -> Package | None:
    """The package that owns a private list."""
    if notification_list.owner_kind != LIST_OWNER_KIND:
        return None
    return Package.objects.filter(uuid=notification_list.owner_reference).first()


def create_private(package: Package, *, now: datetime) -> NotificationList:
    """Makes the package's own list, empty; the one it has comes back."""
    return NotificationList.objects.get_or_create(
        owner_kind=LIST_OWNER_KIND,
        owner_reference=str(package.uuid),
        defaults={"company": package.company, "name": package.name, "changed_at": now},
    )[0]


def rename_private(package: Package, *, now: datetime) -> None:
    NotificationList.objects.filter(owner_kind=LIST_OWNER_KIND, owner_reference=str(package.uuid)).update(
        name=package.name, changed_at=now
    )


def copy_all(package: Package, *, to: Package, actor: Actor, now: datetime) -> None:
    """Gives ``to`` the lines of the package's own list and its references to shared lists."""
    copy = create_private(to, now=now)
    source = private_list(package)
    if source is not None:
        copy_lines(source, copy, actor=actor, as_owner=True)
    to.notification_lists.set(package.notification_lists.all())


def delete_private(package: Package) -> None:
    NotificationList.objects.filter(owner_kind=LIST_OWNER_KIND, owner_reference=str(package.uuid)).delete()


def set_shared_lists(
    package: Package,
    keys: list[Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> Package:
    """Refers the package to exactly these shared lists (rows or keys) of its company; locked like everything else."""
    wanted = [getattr(key, "pk", key) for key in keys]
    return _set_shared(
        package, wanted, actor=actor, expected_revision=expected_revision, now=now or database_now()
    )


@verb
def _set_shared(
    package: Package, wanted: list[Any], *, actor: Actor, expected_revision: int | None, now: datetime
) -> Package:
    require(actor, "maintain", package.company)
    require_revision(package, expected_revision)
    require_editable(package)
    found = list(NotificationList.objects.filter(pk__in=wanted, company=package.company, owner_kind=""))
    if len(found) != len(set(wanted)):
        raise Refused(
            f"“{package}” can refer only to shared notification lists of its own company. Choose among those.",
            code="unknown_list",
        )
    package.notification_lists.set(found)
    store_change(package, actor=actor, now=now)
    return package


def refuse_while_locked(*, list: NotificationList, actor: Actor, change: str = "", **_: Any) -> None:
    """A private list is locked with its package, a shared one is kept while packages refer to it.

    Receiver of ``before_change_list``.
    """
    if change == DELETE:
        _refuse_if_referred_to(list)
    package = package_of(list)
    if package is not None:
        require(actor, "maintain", package.company)
        require_editable(package if change == LOOK else locked(package.pk))


def _refuse_if_referred_to(notification_list: NotificationList) -> None:
    names = ", ".join(f"“{package}”" for package in notification_list.packages.all())
    if names:
        raise Refused(
            f"Job queue packages refer to the notification list “{notification_list}”: {names}. "
            "Remove it from them first.",
            code="list_in_use",
        )
