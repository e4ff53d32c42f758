"""The tabs above a list: each an address that keeps what else narrows the list, and begins at its first page."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

PARAMETER = "tab"
NOT_KEPT = (
    PARAMETER,
    "p",
    "e",
)  # the page, and Django's sign that a filter was refused, belong to the old list


def chosen_tab(request: HttpRequest) -> str:
    """The name of the tab looked at; empty for the first one."""
    return request.GET.get(PARAMETER, "")


def tab(
    request: HttpRequest, name: str, label: str, *, count: int | None = None, look: str = ""
) -> dict[str, Any]:
    """What the template shows of one tab. ``look`` (*error*, *late*) colours a count that is not zero."""
    query: dict[str, Any] = {key: value for key, value in request.GET.items() if key not in NOT_KEPT}
    if name:
        query[PARAMETER] = name
    return {
        "name": look or name,
        "label": label,
        "count": count,
        "is_chosen": name == chosen_tab(request),
        "address": "?" + urlencode(query),
    }
