"""The child processes of one cluster: noticing their ends, and ending sessions that are over their time.

Memory and processes only, never the database: an outage of the database must delay no kill.
"""

import contextlib
import logging
import os
import select
import signal
import time
from dataclasses import dataclass

from jobqueue.conf import settings
from jobqueue.scheduler.board import BUSY, EXITED, IDLE, Board, Cell, SlotCell
from jobqueue.scheduler.interruption import CANCEL_SIGNAL
from jobqueue.scheduler.models import ScheduledTask
from jobqueue.scheduler.outcome import TaskError
from jobqueue.scheduler.processes import is_running, is_stopped, kill_group, process_start
from jobqueue.scheduler.rescue import RequestedCancel
from jobqueue.scheduler.watchdog import Watchdog

logger = logging.getLogger("jobqueue.scheduler")

FORK_SECONDS = 5.0
REPEAT_CANCEL_SECONDS = 1.0
STOPPED_IDLE_SECONDS = 4.0

KINDS = ScheduledTask.ErrorKind


@dataclass(slots=True)
class Verdict:
    """Why the supervisor kills a session, recorded as the error of its task."""

    session: int
    error: TaskError


@dataclass(slots=True)
class Departure:
    """A child process that is gone and not yet settled in the database. ``state`` is its last on the board."""

    pid: int
    worker_id: int
    state: int
    verdict: Verdict | None


@dataclass(slots=True)
class Cancel:
    """A cancel being delivered to a session."""

    session: int
    since: float
    signalled: float = 0.0


class Children:
    """The processes that have a slot on a cluster's board, watched through process descriptors."""

    def __init__(self, board: Board, watchdog: Watchdog) -> None:
        self.departed: dict[int, Departure] = {}
        self._board = board
        self._watchdog = watchdog
        self._fds: dict[int, int] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._cancels: dict[int, Cancel] = {}
        self._stopped: dict[int, float] = {}

    def descriptors(self) -> list[int]:
        """Descriptors that become readable when a child ends."""
        return list(self._fds.values())

    def worker_ids(self) -> list[int]:
        """Rows of the workers that have a slot."""
        return [key for slot in self._board.used() if (key := self._board.get(slot, SlotCell.WORKER))]

    def sessions(self) -> list[tuple[int, int]]:
        """Worker and number of the sessions being executed, or just being started.

        Read in this order: an expected session becomes the present one.
        """
        board = self._board
        return [
            (board.get(slot, SlotCell.WORKER), board.get(slot, cell))
            for slot in board.in_state(BUSY)
            for cell in (SlotCell.EXPECTED, SlotCell.SESSION)
        ]

    def observe(self) -> None:
        """Notices ends of processes and kills sessions beyond their time."""
        for slot in self._board.used():
            if slot in self.departed:
                continue
            pid = self._board.get(slot, SlotCell.PID)
            if not pid:
                self._clear_failed_fork(slot)
            elif not self._alive(slot, pid):
                self._depart(slot, pid)
            else:
                self._enforce_time(slot, pid)

    def observe_stopped(self) -> None:
        """Deals with workers held by a stop signal: busy ones are lost after the lease, idle ones hold up the queue."""
        now = time.monotonic()
        for slot in [*self._board.in_state(BUSY), *self._board.in_state(IDLE)]:
            pid = self._board.get(slot, SlotCell.PID)
            if slot in self.departed or not is_stopped(pid):
                self._stopped.pop(slot, None)
                continue
            held = now - self._stopped.setdefault(slot, now)
            if self._board.get(slot, SlotCell.STATE) == IDLE:
                if held > STOPPED_IDLE_SECONDS:
                    self._watchdog.report("an idle worker is stopped")
            elif held > settings().lease_seconds:
                error = TaskError(
                    KINDS.LOST.value, f"The worker process {pid} was stopped for longer than its lease."
                )
                self._kill_session(slot, pid, error)

    def cancel(self, requested: RequestedCancel) -> None:
        """Begins to deliver a cancel, if the session runs here."""
        for slot in self._board.in_state(BUSY):
            here = (self._board.get(slot, SlotCell.WORKER), self._board.get(slot, SlotCell.SESSION))
            if here == (requested.worker_id, requested.session_number) and slot in self._fds:
                known = self._cancels.get(slot)
                if known is None or known.session != requested.session_number:
                    self._cancels[slot] = Cancel(requested.session_number, time.monotonic())

    def kill_all(self) -> list[tuple[int, int]]:
        """Kills every child with what it has started; returns them as (pid, process start)."""
        living = [
            (pid, self._board.get(slot, SlotCell.START))
            for slot in self._board.used()
            if slot not in self.departed and (pid := self._board.get(slot, SlotCell.PID))
        ]
        for pid, start in living:
            if is_running(pid, start):
                kill_group(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return living

    def close(self) -> None:
        """Gives the descriptors back."""
        for descriptor in self._fds.values():
            os.close(descriptor)
        self._fds.clear()

    def _clear_failed_fork(self, slot: int) -> None:
        if time.monotonic_ns() - self._board.get(slot, SlotCell.SINCE) > FORK_SECONDS * 1e9:
            self._board.free(slot)

    def _alive(self, slot: int, pid: int) -> bool:
        if slot not in self._fds:
            try:
                self._fds[slot] = os.pidfd_open(pid)
            except ProcessLookupError:
                return False
            if process_start(pid) != self._board.get(slot, SlotCell.START):
                return False
        return not readable(self._fds[slot])

    def _depart(self, slot: int, pid: int) -> None:
        kill_group(pid)  # what the job had started
        if slot in self._fds:
            os.close(self._fds.pop(slot))
        self._cancels.pop(slot, None)
        self._stopped.pop(slot, None)
        state, worker_id = self._board.get(slot, SlotCell.STATE), self._board.get(slot, SlotCell.WORKER)
        self.departed[slot] = Departure(pid, worker_id, state, self._verdicts.pop(slot, None))
        if state == EXITED or self._board[Cell.DRAINING]:
            return
        logger.warning("Process %s of cluster %s ended unexpectedly.", pid, self._board.cluster_id)
        if state == IDLE and worker_id:
            # An idle worker waits holding the queue's lock or for it; killed there it may have taken the lock along.
            self._watchdog.report("a worker died while idle")

    def _enforce_time(self, slot: int, pid: int) -> None:
        kill_at = self._board.get(slot, SlotCell.KILL_AT)
        if kill_at and time.monotonic_ns() > kill_at and self._board.get(slot, SlotCell.STATE) == BUSY:
            error = TaskError(KINDS.TIMEOUT.value, "The run took longer than its timeout and was killed.")
            self._kill_session(slot, pid, error)
        cancel = self._cancels.get(slot)
        if cancel is not None:
            self._enforce_cancel(slot, pid, cancel)

    def _enforce_cancel(self, slot: int, pid: int, cancel: Cancel) -> None:
        if (
            self._board.get(slot, SlotCell.SESSION) != cancel.session
            or self._board.get(slot, SlotCell.STATE) != BUSY
        ):
            del self._cancels[slot]
            return
        now = time.monotonic()
        if now - cancel.since > settings().hard_kill_grace_seconds:
            self._kill_session(
                slot, pid, TaskError(KINDS.CANCELLED.value, "The run was cancelled and killed.")
            )
        elif now - cancel.signalled >= REPEAT_CANCEL_SECONDS:
            cancel.signalled = now
            self._board.put(slot, SlotCell.CANCEL, cancel.session)
            signal.pidfd_send_signal(self._fds[slot], CANCEL_SIGNAL)

    def _kill_session(self, slot: int, pid: int, error: TaskError) -> None:
        self._verdicts.setdefault(slot, Verdict(self._board.get(slot, SlotCell.SESSION), error))
        logger.warning("Killing worker process %s: %s", pid, error.message)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fds[slot], signal.SIGKILL)
        kill_group(pid)


def readable(descriptor: int) -> bool:
    """Whether the process behind a descriptor has ended."""
    return bool(select.select([descriptor], [], [], 0)[0])
