"""What verbs ask before they change a list."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.errors import NotFound
from jobqueue.permissions import Level, require
from notifications.events import before_change_list
from notifications.models import NotificationList


def level_of(found: NotificationList) -> Level:
    """Shared lists are set-up; a private one belongs to whoever maintains its owner."""
    return "schedule" if found.is_private else "administer"


def changeable(found: NotificationList, *, actor: Actor, change: str, as_owner: bool) -> NotificationList:
    """The list as stored now, locked, if the actor may change it now and nobody objects.

    Raises ``NotFound``, ``NotAllowed``, and what a receiver of ``before_change_list`` raises.
    """
    row = (
        NotificationList.objects.select_for_update(of=("self",))
        .select_related("company")
        .filter(pk=found.pk)
        .first()
    )
    if row is None:
        raise NotFound(f"The notification list “{found}” does not exist any more.")
    if not as_owner:
        require(actor, level_of(row), row.company)
        before_change_list.send(sender=NotificationList, list=row, actor=actor, change=change)
    return row


def touch(found: NotificationList, *, now: Any) -> None:
    """Notes the change; a remark about what happened by itself has been seen by then."""
    found.changed_at, found.remark = now, ""
    found.save(update_fields=["changed_at", "remark"])
