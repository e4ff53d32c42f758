"""Rows as JSON objects with their annotations, and collections with the address of their next page."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from jobqueue.api_v2.kinds import Stream
from jobqueue.api_v2.options import Options
from jobqueue.api_v2.resources import Property, Resource

Json = dict[str, Any]


def row_json(
    row: Any, *, resource: Resource, properties: Iterable[Property], address: str, own_id: Any = None
) -> Json:
    """One row. ``address`` is that of its collection, from which streams get theirs."""
    found: Json = {}
    if resource.etag is not None:
        found["@odata.etag"] = resource.etag(row)
    for one in properties:
        if isinstance(one.kind, Stream):
            found[f"{one.name}@odata.mediaReadLink"] = f"{address}({own_id or row.id})/{one.name}"
        else:
            found[one.name] = one.kind.shown(one.read(row))
    return found


def context(base: str, fragment: str, *, options: Options, single: bool = False) -> str:
    """``@odata.context``: where the shape of the answer is described, with what was selected and expanded."""
    picked = [one.name for one in options.selected or ()]
    if options.expanded is not None:
        picked.append(f"jobQueueLogEntries({','.join(one.name for one in options.expanded.selected or ())})")
    chosen = f"({','.join(picked)})" if picked else ""
    return f"{base}/$metadata#{fragment}{chosen}{'/$entity' if single else ''}"


def next_link(address: str, given: Mapping[str, str], *, token: str, left: int | None) -> str:
    """The address of the next page: the same options, ``$top`` reduced by what was given, from the token on."""
    options = {name: text for name, text in given.items() if name not in ("$skip", "$skiptoken", "$top")}
    if left is not None:
        options["$top"] = str(left)
    options["$skiptoken"] = token
    return f"{address}?{urlencode(options, quote_via=quote, safe='$,():')}"
