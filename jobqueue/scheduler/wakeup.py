"""How the broker process learns that there may be work: a notification, a change of the file, or the poll."""

import contextlib
import time
from typing import Any

from django.db import connection

from jobqueue.scheduler.board import Board
from jobqueue.scheduler.sql import CHANNEL, on_postgresql


class NotificationWaiter:
    """Listens on a PostgreSQL connection of its own, so that no other work delays a notification."""

    def __init__(self) -> None:
        self._listener: Any = None

    def wait(self, board: Board, *, seconds: float, for_tasks: bool) -> bool:
        """Waits for a due task (only if ``for_tasks``) or a free worker; True if a notification came.

        The first call after a lost connection only connects: what was missed meanwhile is found by the next claim.
        """
        if self._listener is None or self._listener.closed:
            self._listen()
            return True
        also = (self._listener.fileno(),) if for_tasks else ()
        if self._listener.fileno() not in board.wait(seconds, also=also):
            return False
        for _ in self._listener.notifies(timeout=0):
            pass
        return True

    def reset(self) -> None:
        """Drops the connection after an error."""
        if self._listener is not None:
            with contextlib.suppress(Exception):
                self._listener.close()
        self._listener = None

    def _listen(self) -> None:
        import psycopg

        self.reset()
        parameters = {
            key: value
            for key, value in connection.get_connection_params().items()
            if key not in ("cursor_factory", "context", "prepare_threshold")
        }
        parameters.setdefault("keepalives_idle", 10)
        self._listener = psycopg.connect(**parameters, autocommit=True)
        self._listener.execute(f"LISTEN {CHANNEL}")


class FileWaiter:
    """Watches SQLite's change counter: other connections' commits raise it, and a look costs some microseconds."""

    def __init__(self, *, watch_seconds: float) -> None:
        self._watch_seconds = watch_seconds
        self._version: int | None = None

    def wait(self, board: Board, *, seconds: float, for_tasks: bool) -> bool:
        """Waits for a change of the database (only if ``for_tasks``) or a free worker; True if it changed."""
        if not for_tasks:
            board.wait(seconds)
            return False
        until = time.monotonic() + seconds
        while True:
            version = self._data_version()
            if version != self._version:
                self._version = version
                return True
            left = until - time.monotonic()
            if left <= 0 or board.wait(min(self._watch_seconds, left)):
                return False

    def reset(self) -> None:
        """Forgets the counter after an error: it belongs to a connection."""
        self._version = None

    def _data_version(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            return cursor.fetchone()[0]


def make_waiter(*, watch_seconds: float) -> NotificationWaiter | FileWaiter:
    """The waiter for the database in use; ``watch_seconds`` is how often SQLite's counter is looked at."""
    return NotificationWaiter() if on_postgresql() else FileWaiter(watch_seconds=watch_seconds)
