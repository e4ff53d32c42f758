"""Interrupting a running routine from inside its process: the soft timeout and the soft cancel.

Both raise an exception derived from ``BaseException``, so that ``except Exception`` in a job does not swallow it, and
both come only while a :func:`time_limit` is open. A job that swallows them anyway is killed by the supervisor.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

from django.db import connections

from jobqueue.conf import settings
from jobqueue.scheduler import alarm
from jobqueue.scheduler.session import current_session

CANCEL_SIGNAL = signal.SIGUSR1
REPEAT_SECONDS = 1.0
"""A job that catches the exception gets it again after this time."""


class SessionInterrupted(BaseException):
    """The running session must end. ``kind`` is the kind of error recorded for the task."""

    kind = "cancelled"


class SoftTimeout(SessionInterrupted):
    """The routine ran longer than its task allows."""

    kind = "timeout"


class SessionCancelled(SessionInterrupted):
    """Somebody asked for the end of this run."""


_open = False


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Runs the body for at most ``seconds``; then ``SoftTimeout`` is raised in it, again every second.

    Inside it a requested cancel raises ``SessionCancelled``. The supervisor is told to kill the process
    ``hard_kill_grace_seconds`` after the limit. Does not nest. Outside the main thread of a process, where no signal
    can be delivered, the body runs unlimited.
    """
    global _open
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    session = current_session.get()
    if session is not None:
        session.soft_deadline = time.monotonic() + seconds
        if session.slot is not None:
            kill_after = seconds + settings().hard_kill_grace_seconds
            session.slot.announce_kill_at(time.monotonic_ns() + int(kill_after * 1e9))
    previous = alarm.arm(seconds, _on_alarm, repeat_seconds=REPEAT_SECONDS)
    _open = True
    try:
        yield
    finally:
        _open = False
        alarm.disarm(previous)
        alarm.take_back()
        if session is not None:
            session.soft_deadline = None
            if session.slot is not None:
                session.slot.announce_kill_at(0)


def interrupt_if_open() -> None:
    """Raises ``SessionCancelled`` where the main thread stands, if it is inside a :func:`time_limit`.

    For the handler of the cancel signal, after it has checked that this very session is meant. The supervisor repeats
    the signal every second and finally kills.
    """
    if _open:
        cancel_server_queries()
        raise SessionCancelled("The run was cancelled.")


def cancel_server_queries() -> None:
    """Asks the server to stop what this process has it do: without this the query runs on after the exception."""
    for connection in connections.all(initialized_only=True):
        raw = connection.connection
        if raw is None or connection.vendor != "postgresql":
            continue
        with contextlib.suppress(Exception):
            if raw.info.transaction_status.name == "ACTIVE":
                raw.cancel()


def drop_connections() -> None:
    """Closes this process's database connections after an interruption: they may be in the middle of anything.

    Inside somebody else's transaction (inline execution in a test) they are left alone.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            with contextlib.suppress(Exception):
                connection.close()


def _on_alarm() -> None:
    if _open:
        cancel_server_queries()
        raise SoftTimeout("The run took longer than its timeout.")
