"""What a message is about, as a page of the admin: apps say where their own are shown."""

import uuid
from collections.abc import Callable

from django.urls import reverse

from jobqueue.models import Entry
from notifications.models import Message

_addresses: dict[str, Callable[[str], str]] = {}


def add_source(kind: str, address: Callable[[str], str]) -> None:
    """Says where what messages name by ``kind`` is shown: reference → address, empty for what is gone."""
    _addresses[kind] = address


def about_address(message: Message) -> str:
    return _address(message.about_kind, message.about_reference)


def source_address(message: Message) -> str:
    return _address(message.source_kind, message.source_reference)


def _address(kind: str, reference: str) -> str:
    find = _addresses.get(kind)
    return find(reference) if find is not None and reference else ""


def _entry_address(reference: str) -> str:
    try:
        key = uuid.UUID(reference)
    except ValueError:
        return ""
    entry_no = Entry.objects.filter(id=key).values_list("entry_no", flat=True).first()
    return reverse("admin:jobqueue_entry_change", args=[entry_no]) if entry_no is not None else ""


add_source("entry", _entry_address)
