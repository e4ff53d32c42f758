"""Which lists hear of an entry."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from jobqueue import lifecycle
from jobqueue.actors import Actor
from jobqueue.errors import NotAllowed, Refused
from jobqueue.models import Entry
from jobqueue.permissions import level_for, require
from notifications.errors import PrivateList
from notifications.models import EntryLink, NotificationList
from notifications.subscriptions import wants_ends


def linked_lists(entry: Entry) -> list[NotificationList]:
    """The lists linked to the entry, also the disabled ones."""
    return list(NotificationList.objects.filter(entry_links__entry_id=entry.id).order_by("name", "pk"))


def link_entry(entry: Entry, found: NotificationList, *, actor: Actor) -> EntryLink:
    """Lets the list hear of the entry, from its next ending on; nothing happens if it does already.

    Possible in every status. Refused for private lists, lists of other companies, and entries of a package or another
    owner, which are told through that owner.
    """
    with transaction.atomic():
        _require(entry, actor)
        if entry.owner_kind:
            raise Refused(
                f"“{entry}” belongs to a {entry.owner_kind}, and people are told through that. "
                f"Add them to the notification list of the {entry.owner_kind}.",
                code="owned",
            )
        if found.company_id != entry.company_id:
            raise NotAllowed(
                f"The list “{found}” belongs to another company. Choose one of “{entry.company}”."
            )
        if found.is_private:
            raise PrivateList(f"“{found}” is the private list of a {found.owner_kind}. Choose a shared list.")
        link, is_new = EntryLink.objects.get_or_create(entry_id=entry.id, list=found)
        action = "link-list" if is_new else ""
        lifecycle.set_watched(entry, True, actor=actor, action=action, reason=f"Notification list “{found}”")
    return link


def unlink_entry(entry: Entry, found: NotificationList, *, actor: Actor) -> bool:
    """Takes the list off the entry; False if it was not linked."""
    with transaction.atomic():
        _require(entry, actor)
        deleted, _ = EntryLink.objects.filter(entry_id=entry.id, list=found).delete()
        if deleted:
            left = EntryLink.objects.filter(entry_id=entry.id).exists() or wants_ends(entry.company_id)
            lifecycle.set_watched(
                entry, left, actor=actor, action="unlink-list", reason=f"Notification list “{found}”"
            )
    return bool(deleted)


def forget_links(entry_ids: Iterable[UUID], *, actor: Actor) -> None:
    """Entries that have lost their last list are watched no longer; their runs take the fast lane again."""
    linked = set(EntryLink.objects.filter(entry_id__in=list(entry_ids)).values_list("entry_id", flat=True))
    for entry in Entry.objects.filter(id__in=set(entry_ids) - linked, is_watched=True):
        if not wants_ends(entry.company_id):
            lifecycle.set_watched(entry, False, actor=actor)


def _require(entry: Entry, actor: Actor) -> None:
    require(actor, level_for(entry, "schedule"), entry.company)
