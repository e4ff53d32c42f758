"""Bodies of requests that create or change an entry, and the record they were made for.

Offered only where the setting ``API_V2_WRITES`` is on: the contract itself knows reading and restarting only.
"""

from typing import Any

from jobqueue.api_v2.entries import ENTRIES, etag_of
from jobqueue.api_v2.errors import ODataError, PreconditionFailed
from jobqueue.api_v2.kinds import Unreadable
from jobqueue.errors import Invalid, Problem
from jobqueue.models import Entry


def values_of(body: Any) -> dict[str, Any]:
    """The fields a body sets, by the names of the verbs; annotations (``@odata…``) are passed over.

    Raises ``Invalid`` naming every property that does not exist, is only read, or has no value of its type.
    """
    if not isinstance(body, dict):
        raise ODataError("The body must be a JSON object of properties and values.")
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in body.items():
        if "@" in name:
            continue
        found = ENTRIES.by_name.get(name)
        if found is None:
            problems.append(
                _problem(name, "unknown_field", f"There is no property “{name[:60]}” on {ENTRIES.entity}.")
            )
        elif not found.written:
            problems.append(
                _problem(name, "read_only_field", f"“{name}” is only read; leave it out. Verbs change it.")
            )
        else:
            try:
                written = found.kind.written(value)
                values[found.written] = found.to_field(written) if found.to_field else written
            except Unreadable as error:
                problems.append(_problem(name, "invalid", f"“{name}” ({found.type_name}): {error}."))
    if problems:
        raise Invalid(problems)
    return values


def require_match(entry: Entry, header: str | None) -> None:
    """Raises ``PreconditionFailed`` if ``If-Match`` names another state of the entry; None and ``*`` name any."""
    if header is None or header.strip() == "*":
        return
    if etag_of(entry) not in [tag.strip() for tag in header.split(",")]:
        raise PreconditionFailed(
            f"“{entry}” was changed since it was read: its ETag is no longer the one in If-Match. "
            "Read it again and repeat the request."
        )


def _problem(name: str, code: str, message: str) -> Problem:
    return Problem(name, code, message)
