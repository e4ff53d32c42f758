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

    Whoever objects may lock what owns the list, so they are asked first: owners lock themselves before their list.
    Raises ``NotFound``, ``NotAllowed``, and what a receiver of ``before_change_list`` raises.
    """
    rows = NotificationList.objects.select_related("company").filter(pk=found.pk)
    if not as_owner:
        row = _there(rows.first(), found)
        require(actor, level_of(row), row.company)
        before_change_list.send(sender=NotificationList, list=row, actor=actor, change=change)
    return _there(rows.select_for_update(of=("self",)).first(), found)


def _there(row: NotificationList | None, found: NotificationList) -> NotificationList:
    if row is None:
        raise NotFound(f"The notification list “{found}” does not exist any more.")
    return row


def touch(found: NotificationList, *, now: Any) -> None:
    """Notes the change; a remark about what happened by itself has been seen by then."""
    found.changed_at, found.remark = now, ""
    found.save(update_fields=["changed_at", "remark"])
