"""How long the scheduler waits for an answer of the database before it takes the connection for dead.

A connection may hang half-open: the other side is gone, nobody says so, and a statement waits for ever. What must go
on (the supervisor's look after its processes, the record of a finished run) gives up on such a connection and connects
anew. Every step is fenced, so one that was carried out after all is not carried out twice.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from django.db import OperationalError
from django.db.backends.signals import connection_created

from jobqueue.scheduler import alarm

START_SECONDS = 15.0
RECORD_SECONDS = 30.0
SUPERVISOR_SECONDS = 10.0
SUPERVISOR_LOCK_SECONDS = 2.0


class DatabaseSilent(OperationalError):
    """The database did not answer in time; the connection must be closed."""


@contextlib.contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Runs the body, and raises ``DatabaseSilent`` in it when it takes longer.

    For bookkeeping in the main thread, outside a routine's time limit, which uses the same timer: inside one, and in
    other threads, it does nothing. Does not nest. SQLite's wait for its lock is not interrupted; it has its own limit.
    """
    if threading.current_thread() is not threading.main_thread() or alarm.is_armed():
        yield
        return

    def give_up() -> None:
        raise DatabaseSilent(f"The database did not answer within {seconds:g} seconds.")

    previous = alarm.arm(seconds, give_up)
    try:
        yield
    finally:
        alarm.disarm(previous)


def wait_briefly_for_sqlite(*, is_here: Any) -> None:
    """Where ``is_here()`` holds, new SQLite connections wait only 2 seconds for the write lock.

    For the supervisor: whoever holds the lock may be a stopped process of its own, which it must come round to end.
    """

    def connected(connection: Any, **_: Any) -> None:
        if connection.vendor == "sqlite" and is_here():
            connection.connection.execute(f"PRAGMA busy_timeout = {int(SUPERVISOR_LOCK_SECONDS * 1000)}")

    connection_created.connect(connected, weak=False, dispatch_uid="jobqueue.supervisor.lock")
