"""Record references: how an entry names the record to process, ``app.model:key``, for example ``sales.order:42``."""

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models

from jobqueue.errors import NotFound

REFERENCE_LENGTH = 250


def record_reference(record: models.Model | str | None) -> str:
    """The reference of a stored record. Texts are taken as they are; nothing gives an empty text."""
    if record is None or isinstance(record, str):
        return (record or "")[:REFERENCE_LENGTH]
    if record.pk is None:
        raise ValueError(f"{record!r} is not stored yet, so nothing can refer to it. Save it first.")
    return f"{record._meta.label_lower}:{record.pk}"


def find_record(reference: str) -> models.Model | None:
    """The record a reference names; None for an empty reference.

    Raises ``NotFound`` for a reference that cannot be read or a record that is gone (*Job queue reference, Parameters,
    record to process*).
    """
    if not reference:
        return None
    label, separator, key = reference.partition(":")
    try:
        model = apps.get_model(label) if separator else None
    except (LookupError, ValueError):
        model = None
    if model is None:
        raise NotFound(
            f"“{reference}” names no kind of record. Write app.model:key, for example “sales.order:42”.",
            code="unknown_record_type",
        )
    try:
        return model._base_manager.get(pk=key)
    except (model.DoesNotExist, ValidationError, ValueError, OverflowError):
        raise NotFound(
            f"The {model._meta.verbose_name} “{key}” does not exist any more. "
            "Choose another record to process, or delete the entry.",
            code="record_gone",
        ) from None
