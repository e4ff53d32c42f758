"""Owners of private lists, as the pages of lists show them: the apps above say who they are."""

from collections.abc import Callable, Iterable, Sequence
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


FindOwners = Callable[[Sequence[NotificationList]], dict[int, ListOwner]]
Users = Callable[[NotificationList], list[tuple[str, str]]]
_owners: dict[str, FindOwners] = {}
_users: list[Users] = []


def add_list_owner(kind: str, find: FindOwners) -> None:
    """Says who owns private lists of this ``owner_kind``, by the keys of the lists and in a fixed number of queries."""
    _owners[kind] = find


def add_users_of_lists(find: Users) -> None:
    """Says who refers to a shared list, as names and addresses of pages: packages, monitored jobs, …"""
    _users.append(find)


def owners_of(lists: Iterable[NotificationList]) -> dict[int, ListOwner]:
    """The owners of those lists that have one, by the keys of the lists."""
    by_kind: dict[str, list[NotificationList]] = {}
    for found in lists:
        if found.owner_kind in _owners:
            by_kind.setdefault(found.owner_kind, []).append(found)
    return {key: owner for kind, owned in by_kind.items() for key, owner in _owners[kind](owned).items()}


def users_of(found: NotificationList) -> list[tuple[str, str]]:
    return [user for find in _users for user in find(found)]
