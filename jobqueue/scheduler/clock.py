"""The database's clock: every due, lease and heartbeat decision uses it, so hosts need not agree on the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

_fixed: ContextVar[datetime | None] = ContextVar("jobqueue_fixed_clock", default=None)


def database_now() -> datetime:
    """The moment by the database's clock, aware, in UTC.

    On SQLite the database lives on this host, so this host's clock is the database's. Inside :func:`fixed_clock` the
    given moment comes back. Read it once in an operation and pass it on.
    """
    fixed = _fixed.get()
    if fixed is not None:
        return fixed
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


def fixed_now() -> datetime | None:
    """The moment set by :func:`fixed_clock`, or None: the ``now`` parameter of the SQL building blocks."""
    return _fixed.get()


@contextmanager
def fixed_clock(moment: datetime | None) -> Iterator[None]:
    """Stops the clock of this thread of execution at an aware ``moment``; None leaves it running."""
    token = _fixed.set(moment)
    try:
        yield
    finally:
        _fixed.reset(token)
