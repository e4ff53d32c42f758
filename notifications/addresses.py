"""Addresses of pages of this installation, as they stand in messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import NoReverseMatch, reverse

from jobqueue.models import Company
from notifications.conf import settings


def page_address(company: Company, view: str, *arguments: Any) -> str:
    """The full address of an admin page in the company, such as ``jobqueue_entry_change`` with an entry's number.

    Empty without ``PUBLIC_URL``, or if there is no such page.
    """
    root = settings().public_url.rstrip("/")
    if not root:
        return ""
    try:
        path = reverse(f"admin:{view}", args=arguments)
    except NoReverseMatch:
        return ""
    return f"{root}/c/{company.code}/{path[path.index('admin/') :]}"


def addresses_of(company: Company, pages: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Full addresses by name, of pages named as ``{"address": ["jobqueue_entry_change", 5]}``."""
    found = {name: page_address(company, str(page[0]), *page[1:]) for name, page in pages.items() if page}
    return {name: address for name, address in found.items() if address}
