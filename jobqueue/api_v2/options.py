"""The query options of a request, each read strictly: what is not understood is refused, never ignored."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q

from jobqueue.api_v2.conditions import condition_of
from jobqueue.api_v2.errors import QueryError
from jobqueue.api_v2.paging import Order, order_of
from jobqueue.api_v2.resources import Property, Resource
from jobqueue.api_v2.tokens import LONGEST_FILTER

IGNORED = frozenset({"$format", "$schemaversion"})
OF_COLLECTIONS = frozenset(
    {"$filter", "$orderby", "$select", "$top", "$skip", "$count", "$expand", "$skiptoken"}
)
OF_RECORDS = frozenset({"$select", "$expand"})
OF_COUNTS = frozenset({"$filter"})
OF_EXPANSIONS = frozenset({"$filter", "$orderby", "$select", "$top"})
LARGEST_NUMBER = 2**31 - 1
_EXPANSION = re.compile(r"\s*([A-Za-z]+)\s*(?:\((.*)\))?\s*", re.DOTALL)


@dataclass(frozen=True)
class Options:
    """What a request asks for. ``selected`` None means every property; ``given`` are the options as written."""

    order: Order
    condition: Q | None = None
    selected: tuple[Property, ...] | None = None
    top: int | None = None
    skip: int = 0
    count: bool = False
    token: str = ""
    expanded: "Options | None" = None
    given: Mapping[str, str] = field(default_factory=dict)

    def properties(self, resource: Resource) -> tuple[Property, ...]:
        return resource.properties if self.selected is None else self.selected


def read(
    query: Any,
    *,
    resource: Resource,
    known: Collection[str] = OF_COLLECTIONS,
    navigation: Mapping[str, Resource] | None = None,
) -> Options:
    """The options of an address. ``navigation`` are the collections ``$expand`` may name."""
    given: dict[str, str] = {}
    for name in query:
        if not name.startswith("$") or name in IGNORED:
            continue
        values = query.getlist(name)
        if len(values) > 1:
            raise QueryError(f"The query option {name} is given {len(values)} times. Give it once.")
        given[name] = values[0]
    return _options(given, resource=resource, known=known, navigation=navigation or {})


def _options(
    given: Mapping[str, str],
    *,
    resource: Resource,
    known: Collection[str],
    navigation: Mapping[str, Resource],
) -> Options:
    for name in given:
        if name not in known:
            raise QueryError(
                f"The query option “{name[:40]}” is not offered here. Use {', '.join(sorted(known))}."
            )
    found = Options(order=order_of(given.get("$orderby", ""), resource=resource), given=dict(given))
    if "$filter" in given:
        found = replace(found, condition=condition_of(given["$filter"], resource=resource))
    if "$select" in given:
        found = replace(found, selected=_selected(given["$select"], resource=resource, navigation=navigation))
    if "$top" in given:
        found = replace(found, top=_number("$top", given["$top"]))
    if "$skip" in given:
        found = replace(found, skip=_number("$skip", given["$skip"]))
    if "$count" in given:
        found = replace(found, count=_yes_or_no("$count", given["$count"]))
    if "$expand" in given:
        found = replace(found, expanded=_expanded(given["$expand"], navigation=navigation))
    return replace(found, token=given.get("$skiptoken", ""))


def _number(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,10}", text, re.ASCII) or int(text) > LARGEST_NUMBER:
        raise QueryError(f"{name} is “{text[:40]}”; a whole number of 0 or more is needed.")
    return int(text)


def _yes_or_no(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise QueryError(f"{name} is “{text[:40]}”; write true or false.")
    return text == "true"


def _selected(text: str, *, resource: Resource, navigation: Collection[str]) -> tuple[Property, ...] | None:
    """The named properties in the order of the resource; None, every one, for ``*``.

    A collection ``$expand`` may name can be named too: it comes by ``$expand`` alone.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name == "*":
            continue
        if name not in resource.by_name and name not in navigation:
            raise QueryError(
                f"Could not find a property named “{name[:60]}” on {resource.entity} for $select. "
                "Names are spelled as in the answers."
            )
    if "*" in names:
        return None
    return tuple(found for found in resource.properties if found.name in names)


def _expanded(text: str, *, navigation: Mapping[str, Resource]) -> Options:
    match = _EXPANSION.fullmatch(text)
    resource = navigation.get(match[1]) if match is not None else None
    if match is None or resource is None:
        offered = ", ".join(navigation) or "nothing"
        raise QueryError(
            f"$expand is “{text[:60]}”; offered here is {offered}, with options in parentheses if need be."
        )
    given: dict[str, str] = {}
    for part in _parts(match[2] or ""):
        name, sign, value = part.partition("=")
        name = name.strip()
        if not sign or name in given:
            raise QueryError(
                f"“{part[:60]}” in $expand is not understood. Write options once, as $select=status;$top=5."
            )
        given[name] = value.strip()
    return _options(given, resource=resource, known=OF_EXPANSIONS, navigation={})


def _parts(text: str) -> Iterable[str]:
    """Options between semicolons; those inside a quoted text do not part."""
    if len(text) > LONGEST_FILTER:
        raise QueryError(f"$expand has more than {LONGEST_FILTER:,} characters. Ask for less at once.")
    pieces = re.findall(r"(?:'[^']*'|[^;'])+|'", text)
    return [piece.strip() for piece in pieces if piece.strip()]
