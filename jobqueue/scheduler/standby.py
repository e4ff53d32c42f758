"""The stand-by: what has to go on while every worker is busy, such as telling people that jobs wait.

Tasks wait for a worker. People must not: that nothing starts any more is what they have to hear. When no worker has
been idle for a while, the supervisor forks a process once a minute that performs the registered duties and ends.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NoReturn

from django.db import connections

from jobqueue.conf import settings
from jobqueue.scheduler.children import readable
from jobqueue.scheduler.claim import seconds_until_due
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.processes import die_with_parent, kill_group, lead_own_group

logger = logging.getLogger("jobqueue.scheduler")

EVERY_SECONDS = 60.0
LONGEST_SECONDS = 120.0
"""A stand-by that hangs is ended after this time."""

Duty = Callable[[datetime], object]

_duties: dict[str, tuple[int, Duty]] = {}


def duty(name: str, *, rank: int) -> Callable[[Duty], Duty]:
    """Registers what is done while no worker is free, by ascending rank; it gets the database's present moment.

    It runs beside workers and other stand-bys, again at any time, and may be killed: it must be safe to repeat.
    """

    def register(function: Duty) -> Duty:
        _duties[name] = rank, function
        return function

    return register


def perform(*, overdue_seconds: float) -> bool:
    """Performs every duty if a task has been due for so long and nobody takes it; one that fails stops no other.

    False if nothing is overdue: the workers are busy, and keep up.
    """
    due = seconds_until_due()
    if due is None or due > -overdue_seconds:
        return False
    for name, (_rank, function) in sorted(_duties.items(), key=lambda item: item[1][0]):
        try:
            function(database_now())
        except Exception:
            logger.exception("Stand-by: %s failed.", name)
    return True


class StandBy:
    """The supervisor's view of it: when one is called for, and that it ends."""

    def __init__(self) -> None:
        self._busy_since: float | None = None
        self._again_at = 0.0
        self._pid = 0
        self._descriptor = -1
        self._kill_at = 0.0

    def look(self, *, all_busy: bool) -> None:
        """Starts a stand-by when all workers have been busy for the seconds of the settings, once a minute."""
        now = time.monotonic()
        self._see_to_its_end(now)
        if not all_busy:
            self._busy_since = None
            return
        self._busy_since = self._busy_since or now
        after = settings().standby_seconds
        if now - self._busy_since >= after and now >= self._again_at and not self._pid:
            self._again_at = now + min(EVERY_SECONDS, max(after, 1.0))
            self._start(now, overdue_seconds=after)

    def _start(self, now: float, *, overdue_seconds: float) -> None:
        connections.close_all()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            _work(supervisor, overdue_seconds=overdue_seconds)
        self._pid, self._descriptor = pid, os.pidfd_open(pid)
        self._kill_at = now + LONGEST_SECONDS

    def _see_to_its_end(self, now: float) -> None:
        if not self._pid:
            return
        if readable(self._descriptor):
            os.close(self._descriptor)
            self._pid, self._descriptor = 0, -1
        elif now > self._kill_at:
            logger.warning("Stand-by %s took too long and was ended.", self._pid)
            kill_group(self._pid)
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)


def _work(supervisor: int, *, overdue_seconds: float) -> NoReturn:
    """The life of the forked process; never returns."""
    try:
        die_with_parent(supervisor)
        lead_own_group()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        perform(overdue_seconds=overdue_seconds)
        connections.close_all()
    except BaseException:
        logger.exception("The stand-by failed.")
    finally:
        os._exit(0)
