"""Owners of private lists, as the pages of lists show them: the apps above say who they are."""

from collections.abc import Callable
from dataclasses import dataclass

from notifications.models import NotificationList


@dataclass(frozen=True, kw_only=True)
class ListOwner:
    """The owner of one private list: its name and page, and the shared lists that hear of it too.

    ``choose_shared`` is the address where those are chosen.
    """

    name: str
    address: str
    label: str
    shared: tuple[NotificationList, ...] = ()
    choose_shared: str = ""


FindOwner = Callable[[NotificationList], ListOwner | None]
Users = Callable[[NotificationList], list[tuple[str, str]]]
_owners: dict[str, FindOwner] = {}
_users: list[Users] = []


def add_list_owner(kind: str, find: FindOwner) -> None:
    """Says who owns private lists of this ``owner_kind``; None for an owner that is gone."""
    _owners[kind] = find


def add_users_of_lists(find: Users) -> None:
    """Says who refers to a shared list, as names and addresses of pages: packages, monitored jobs, …"""
    _users.append(find)


def owner_of(found: NotificationList) -> ListOwner | None:
    find = _owners.get(found.owner_kind) if found.owner_kind else None
    return find(found) if find is not None else None


def users_of(found: NotificationList) -> list[tuple[str, str]]:
    return [user for find in _users for user in find(found)]
