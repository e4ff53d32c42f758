"""What apps above the job queue add to its pages; the job queue asks these registries and knows none of the apps.

An app registers while its own ``admin`` package is imported. What a registered function returns is shown as it is: it
checks itself what the viewer may see, and needs a fixed number of queries.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

SidebarGroup = Callable[[HttpRequest], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One row of *Needs you*: what needs somebody, since when, its message, and the buttons that help."""

    name: str
    address: str
    note: str
    message: str
    at: Any = None
    buttons: list[Any] = field(default_factory=list)
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class NextRun:
    """One row of *Next runs*: what runs when; ``time_zone`` is the one of its schedule."""

    name: str
    address: str
    at: datetime
    time_zone: str
    is_late: bool = False


@dataclass(frozen=True, kw_only=True)
class UserUse:
    """What runs as a user: ``what``, without its full stop, and what follows ``without`` the user, once disabled."""

    what: str
    without: str


@dataclass(frozen=True, kw_only=True)
class OwnerShown:
    """The owner of one entry: its name and page, and why the entry cannot be changed now (empty: it can)."""

    name: str
    address: str
    place: str = ""
    locked: str = ""


@dataclass(frozen=True, kw_only=True)
class OwnerPages:
    """How entries of one ``owner_kind`` are shown in the list and on their card.

    ``describe`` answers for many entries in one query, by entry number; ``choices`` and ``narrow`` are the list's
    filter; ``change`` stores the fields of the card (values by field name) and returns the entry.
    """

    kind: str
    label: str
    describe: Callable[[Iterable[Any]], dict[int, OwnerShown]]
    choices: Callable[[HttpRequest], list[tuple[str, str]]]
    narrow: Callable[[QuerySet, str], QuerySet]
    change: Callable[..., Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Banner:
    """A red notice above every page: what is wrong with the installation, and where to read on.

    ``links`` are labels with addresses of this site.
    """

    title: str
    text: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel beside the form of an entry: a template of the app, and what it needs beside the card's own context."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EntryLock:
    """Why what an entry runs, and when, is not changed on its card: something else decides it.

    Category, priorities, moments and the note on success stay open. ``sentence`` says what is left to the card.
    """

    name: str
    address: str
    label: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class EntryColumn:
    """A column of the entry list, shown where ``is_used``; ``describe`` fills its cells by entry number."""

    label: str
    is_used: Callable[[HttpRequest], bool]
    describe: Callable[[HttpRequest, Iterable[Any]], dict[int, Any]]


_sidebar: list[tuple[int, SidebarGroup]] = []
_tiles: list[Callable[[HttpRequest], list[Any]]] = []
_calls: list[Callable[[HttpRequest], list[Call]]] = []
_lights: list[Callable[[HttpRequest], list[Any]]] = []
_banners: list[Callable[[HttpRequest], Banner | None]] = []
_entry_panels: list[Callable[[HttpRequest, Any], Panel | None]] = []
_next_runs: list[Callable[[HttpRequest], list[NextRun]]] = []
_entry_locks: list[Callable[[Any], EntryLock | None]] = []
_entry_columns: list[EntryColumn] = []
_user_uses: list[Callable[[Any], list[UserUse]]] = []
_owners: dict[str, OwnerPages] = {}


def add_sidebar_group(build: SidebarGroup, *, order: int = 50) -> None:
    """A group (``navigation.group``) below *Job queue*, in the order of the numbers; one without items is left out."""
    _sidebar.append((order, build))


def add_tiles(build: Callable[[HttpRequest], list[Any]]) -> None:
    """Tiles (``role_centre.Tile``) of the role centre, after those of the entries."""
    _tiles.append(build)


def add_calls(build: Callable[[HttpRequest], list[Call]]) -> None:
    """Rows of *Needs you* on the role centre, above the entries in Error."""
    _calls.append(build)


def add_lights(build: Callable[[HttpRequest], list[Any]]) -> None:
    """Signs (``role_centre.Light``) on the status line of the role centre, after those of the workers."""
    _lights.append(build)


def add_banner(build: Callable[[HttpRequest], Banner | None]) -> None:
    """A notice above every page; it is asked on each, so it must not need the database."""
    _banners.append(build)


def add_entry_panel(build: Callable[[HttpRequest, Any], Panel | None]) -> None:
    """A panel on the card of an entry, below its latest runs; None for entries it does not concern."""
    _entry_panels.append(build)


def add_next_runs(build: Callable[[HttpRequest], list[NextRun]]) -> None:
    """Rows of *Next runs* on the role centre, put among the entries by their moment."""
    _next_runs.append(build)


def add_entry_lock(build: Callable[[Any], EntryLock | None]) -> None:
    """Says of an entry that what it runs, and when, is decided elsewhere; None if not."""
    _entry_locks.append(build)


def add_entry_column(column: EntryColumn) -> None:
    """A column of the entry list, after the description."""
    _entry_columns.append(column)


def add_user_uses(find: Callable[[Any], list[UserUse]]) -> None:
    """Adds what runs as a user, and stops when the user is disabled."""
    _user_uses.append(find)


def add_owner(pages: OwnerPages) -> None:
    _owners[pages.kind] = pages


class OwnerLabel:
    """What the column and the filter of owners are called: “Package”, once its app has registered."""

    def __str__(self) -> str:
        return " / ".join(pages.label for pages in _owners.values()) or "Owner"


class ColumnLabel:
    """What the column of other apps is called: “Monitored”, once its app has registered."""

    def __str__(self) -> str:
        return " / ".join(column.label for column in _entry_columns)


def sidebar_groups(request: HttpRequest) -> list[dict[str, Any]]:
    return [build(request) for _, build in sorted(_sidebar, key=lambda pair: pair[0])]


def tiles(request: HttpRequest) -> list[Any]:
    return [tile for build in _tiles for tile in build(request)]


def calls(request: HttpRequest) -> list[Call]:
    return [call for build in _calls for call in build(request)]


def lights(request: HttpRequest) -> list[Any]:
    return [light for build in _lights for light in build(request)]


def banners(request: HttpRequest) -> list[Banner]:
    return [banner for build in _banners if (banner := build(request)) is not None]


def entry_panels(request: HttpRequest, entry: Any) -> list[Panel]:
    return [panel for build in _entry_panels if (panel := build(request, entry)) is not None]


def next_runs(request: HttpRequest) -> list[NextRun]:
    return [run for build in _next_runs for run in build(request)]


def entry_lock(entry: Any) -> EntryLock | None:
    """The first lock on the entry; asked once for each row read from the database."""
    if not hasattr(entry, "lock_shown"):
        found = (build(entry) for build in _entry_locks)
        entry.lock_shown = next((lock for lock in found if lock is not None), None)
    lock: EntryLock | None = entry.lock_shown
    return lock


def entry_columns(request: HttpRequest) -> list[EntryColumn]:
    return [column for column in _entry_columns if column.is_used(request)]


def uses_of_user(user: Any) -> list[UserUse]:
    return [use for find in _user_uses for use in find(user)]


def owners() -> list[OwnerPages]:
    return list(_owners.values())


def owner_of(entry: Any) -> OwnerPages | None:
    """The pages of the entry's owner; None for entries nobody owns or whose owner's app is gone."""
    return _owners.get(entry.owner_kind) if entry.owner_kind else None


def describe_owners(entries: Iterable[Any]) -> dict[int, OwnerShown]:
    """The owners of those entries that have one, by entry number: one query for each kind of owner."""
    by_kind: dict[str, list[Any]] = {}
    for entry in entries:
        if entry.owner_kind in _owners:
            by_kind.setdefault(entry.owner_kind, []).append(entry)
    found: dict[int, OwnerShown] = {}
    for kind, owned in by_kind.items():
        found |= _owners[kind].describe(owned)
    return found
