"""One page of a collection, and of the collections inside its rows."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from jobqueue.api_v2.log_entries import log_entries_of
from jobqueue.api_v2.options import Options
from jobqueue.api_v2.paging import LARGEST_PAGE
from jobqueue.models import Company

LARGEST_EXPANDED_PAGE = 100
LOG_ENTRIES_PER_ENTRY = 100
LOG_ENTRIES_OF_ONE_ENTRY = 1_000
_PREFERENCE = re.compile(r"(?:odata\.)?maxpagesize\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Page:
    """``left`` is what remains of ``$top``; ``token`` empty where the list ends."""

    rows: list[Any]
    token: str = ""
    left: int | None = None
    total: int | None = None


def preferred_size(header: str) -> int | None:
    """The page size of a ``Prefer`` header, if it names a usable one."""
    found = _PREFERENCE.search(header)
    return min(int(found[1]), LARGEST_PAGE) if found is not None and int(found[1]) else None


def page_of(rows: QuerySet[Any], options: Options, *, size: int | None) -> Page:
    """The asked page: filtered, counted if asked for, in order, from the token or the skipped rows on."""
    if options.condition is not None:
        rows = rows.filter(options.condition)
    total = rows.count() if options.count else None
    largest = LARGEST_PAGE if options.expanded is None else LARGEST_EXPANDED_PAGE
    size = min(size or largest, largest)
    wanted = size if options.top is None else min(size, options.top)
    ordered = options.order.applied(rows)
    if options.token:
        ordered = options.order.after(ordered, options.token)
    elif options.skip:
        ordered = ordered[options.skip :]
    if not wanted:
        return Page([], total=total)
    found = list(ordered[: wanted + 1])
    left = None if options.top is None else options.top - wanted
    if len(found) <= wanted or left == 0:
        return Page(found[:wanted], total=total)
    return Page(found[:wanted], options.order.token(found[wanted - 1]), left, total)


def log_entries_by_entry(
    ids: Sequence[UUID], options: Options, *, company: Company, single: bool
) -> dict[UUID, Page]:
    """The newest runs of each entry, by one query; a page of them, with a token where there are more."""
    most = LOG_ENTRIES_OF_ONE_ENTRY if single else LOG_ENTRIES_PER_ENTRY
    wanted = most if options.top is None else min(most, options.top)
    rows = log_entries_of(company).filter(entry_id__in=ids)
    if options.condition is not None:
        rows = rows.filter(options.condition)
    rows = options.order.applied(rows)
    by_entry: dict[UUID, list[Any]] = defaultdict(list)
    if single:
        by_entry[ids[0]] = list(rows[: wanted + 1])
    elif ids:
        place = Window(RowNumber(), partition_by=F("entry_id"), order_by=options.order.expressions())
        for row in rows.annotate(place=place).filter(place__lte=wanted + 1):
            by_entry[row.entry_id].append(row)
    return {key: _cut(found, wanted, options) for key, found in by_entry.items()}


def _cut(found: list[Any], wanted: int, options: Options) -> Page:
    left = None if options.top is None else options.top - wanted
    if len(found) <= wanted or left == 0 or not wanted:
        return Page(found[:wanted])
    return Page(found[:wanted], options.order.token(found[wanted - 1]), left)
