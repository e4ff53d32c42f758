"""Small steps from stored data to what a page shows: the page of a record, the first line of a message."""

from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from jobqueue.errors import NotFound
from jobqueue.objects.records import find_record


def record_address(reference: str) -> str:
    """The admin page of the record; ``NotFound`` if there is no reference, no such record, or no page for it."""
    if not reference:
        raise NotFound("The entry has no record to process.")
    record = find_record(reference)
    name = f"{record._meta.app_label}_{record._meta.model_name}_change"
    try:
        if type(record) in admin.site._registry:
            return reverse(f"admin:{name}", args=[record.pk])
        return record.get_absolute_url()
    except (NoReverseMatch, AttributeError):
        raise NotFound(f"The record “{reference}” exists, but there is no page that shows it.") from None


def first_line(text: str, *, length: int = 220) -> str:
    """The first line of a message, shortened."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= length else f"{line[: length - 1]}…"
