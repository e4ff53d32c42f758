"""Values on their way into and out of raw SQL, on both databases."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection


@cache
def on_postgresql() -> bool:
    """Whether the product's database is PostgreSQL (else it is SQLite); asked dozens of times in every run."""
    return connection.vendor == "postgresql"


def db_moment(moment: datetime | None) -> Any:
    """An aware moment as a statement parameter; None stays None.

    SQLite stores UTC text that sorts by time, in exactly the form Django writes: without microseconds when they are
    0, so that a moment written here is equal to the same moment asked for by the ORM.
    """
    if moment is None or on_postgresql():
        return moment
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def db_uuid(value: UUID | str | None) -> Any:
    """A UUID as a statement parameter; None stays None."""
    if value is None:
        return None
    value = value if isinstance(value, UUID) else UUID(str(value))
    return value if on_postgresql() else value.hex


def read_moment(value: Any) -> Any:
    """A moment from a raw result row, aware, in UTC; None stays None."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def read_uuid(value: Any) -> Any:
    """A UUID from a raw result row; None stays None."""
    return value if value is None or isinstance(value, UUID) else UUID(str(value))


def encode_context(context: Any) -> str:
    """A routine's context as stored: JSON text, empty for None."""
    return "" if context is None else json.dumps(context, separators=(",", ":"))


def decode_context(text: str) -> Any:
    """The context handed to a routine; None when none was given."""
    return json.loads(text) if text else None
