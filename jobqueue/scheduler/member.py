"""One django-q2 cluster as its supervisor sees it: started, observed, drained, stopped or killed."""

import contextlib
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connections
from django_q.cluster import Cluster as QCluster

from jobqueue.conf import settings
from jobqueue.scheduler import lease, rescue
from jobqueue.scheduler.board import BUSY, EXITED, IDLE, Board, Cell, SlotCell
from jobqueue.scheduler.interruption import CANCEL_SIGNAL
from jobqueue.scheduler.lineage import lineage
from jobqueue.scheduler.models import Cluster, ScheduledTask
from jobqueue.scheduler.outcome import TaskError
from jobqueue.scheduler.processes import is_running, kill_group, process_start
from jobqueue.scheduler.watchdog import Watchdog

logger = logging.getLogger("jobqueue.scheduler")

GIVE_BACK_SECONDS = 0.25
GIVE_BACK_EVERY_SECONDS = 0.2
FORK_SECONDS = 5.0
REPEAT_CANCEL_SECONDS = 1.0
GONE_WITHIN_SECONDS = 5.0

KINDS = ScheduledTask.ErrorKind


@dataclass(slots=True)
class Verdict:
    """Why the supervisor kills a session, recorded as the error of its task."""

    session: int
    error: TaskError


@dataclass(slots=True)
class Departure:
    """A child process that is gone and not yet settled in the database."""

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


@dataclass(eq=False)
class Member:
    """A cluster under this supervisor. Its processes are watched through the board and process descriptors."""

    cluster_id: int
    board: Board
    engine: QCluster
    sentinel_fd: int
    draining_since: float | None = None
    killed: bool = False
    settled: bool = False
    end_state: str = Cluster.State.ENDED
    end_reason: str = "stopped"
    _fds: dict[int, int] = field(default_factory=dict)
    _departed: dict[int, Departure] = field(default_factory=dict)
    _verdicts: dict[int, Verdict] = field(default_factory=dict)
    _cancels: dict[int, Cancel] = field(default_factory=dict)
    _watchdog: Watchdog = field(default_factory=Watchdog)
    _given_back_at: float = 0.0

    @classmethod
    def start(cls, *, name: str, workers: int, version: str) -> "Member":
        """Registers and forks a cluster, in the main thread; the signal handlers stay as they are."""
        cluster_id = lease.register_cluster(name=name, workers=workers, version=version)
        board = Board(cluster_id=cluster_id, workers=workers)
        connections.close_all()
        # The constructor takes over TERM and INT, with a handler that may deadlock.
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        engine = QCluster()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        lineage.expect_sentinel(board)
        try:
            engine.start()
        except BaseException:
            rescue.end_cluster(
                cluster_id,
                state=Cluster.State.ENDED,
                reason="failed to start",
                error=TaskError(KINDS.KILLED.value, "The cluster failed to start."),
            )
            raise
        finally:
            lineage.expect_sentinel(None)
        return cls(cluster_id, board, engine, os.pidfd_open(engine.sentinel.pid))

    # --- What the supervisor's wait watches -------------------------------------------------------------------------

    def descriptors(self) -> Iterator[int]:
        """Descriptors that become readable when a process of the cluster ends."""
        if not self.killed:
            yield self.sentinel_fd
            yield from self._fds.values()

    @property
    def sentinel_ended(self) -> bool:
        return _readable(self.sentinel_fd)

    @property
    def draining(self) -> bool:
        return self.draining_since is not None

    @property
    def idle(self) -> bool:
        """Whether no worker is executing anything."""
        return not self.board.in_state(BUSY)

    def worker_ids(self) -> list[int]:
        return [key for slot in self.board.used() if (key := self.board.get(slot, SlotCell.WORKER))]

    # --- Observing: memory and processes only, never the database ---------------------------------------------------

    def observe(self) -> None:
        """Notices ends of processes and kills sessions beyond their time."""
        for slot in self.board.used():
            if slot in self._departed:
                continue
            pid = self.board.get(slot, SlotCell.PID)
            if not pid:
                self._clear_failed_fork(slot)
            elif not self._alive(slot, pid):
                self._depart(slot, pid)
            else:
                self._enforce_time(slot, pid)

    def troubles(self) -> str | None:
        """Why this cluster should be replaced, or None."""
        return self._watchdog.diagnose(self.board)

    def _clear_failed_fork(self, slot: int) -> None:
        if time.monotonic_ns() - self.board.get(slot, SlotCell.SINCE) > FORK_SECONDS * 1e9:
            self.board.free(slot)

    def _alive(self, slot: int, pid: int) -> bool:
        if slot not in self._fds:
            try:
                self._fds[slot] = os.pidfd_open(pid)
            except ProcessLookupError:
                return False
            if process_start(pid) != self.board.get(slot, SlotCell.START):
                return False
        return not _readable(self._fds[slot])

    def _depart(self, slot: int, pid: int) -> None:
        kill_group(pid)  # what the job had started
        if slot in self._fds:
            os.close(self._fds.pop(slot))
        self._cancels.pop(slot, None)
        state, worker_id = self.board.get(slot, SlotCell.STATE), self.board.get(slot, SlotCell.WORKER)
        self._departed[slot] = Departure(pid, worker_id, state, self._verdicts.pop(slot, None))
        if state == EXITED or self.draining:
            return
        logger.warning("Process %s of cluster %s ended unexpectedly.", pid, self.cluster_id)
        if state == IDLE and worker_id:
            # An idle worker waits holding the queue's lock or for it; killed there it may have taken the lock along.
            self._watchdog.report("a worker died while idle")

    def _enforce_time(self, slot: int, pid: int) -> None:
        kill_at = self.board.get(slot, SlotCell.KILL_AT)
        if kill_at and time.monotonic_ns() > kill_at and self.board.get(slot, SlotCell.STATE) == BUSY:
            error = TaskError(KINDS.TIMEOUT.value, "The run took longer than its timeout and was killed.")
            self._kill_session(slot, pid, error)
        cancel = self._cancels.get(slot)
        if cancel is not None:
            self._enforce_cancel(slot, pid, cancel)

    def _enforce_cancel(self, slot: int, pid: int, cancel: Cancel) -> None:
        if (
            self.board.get(slot, SlotCell.SESSION) != cancel.session
            or self.board.get(slot, SlotCell.STATE) != BUSY
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
            self.board.put(slot, SlotCell.CANCEL, cancel.session)
            signal.pidfd_send_signal(self._fds[slot], CANCEL_SIGNAL)

    def _kill_session(self, slot: int, pid: int, error: TaskError) -> None:
        self._verdicts.setdefault(slot, Verdict(self.board.get(slot, SlotCell.SESSION), error))
        logger.warning("Killing worker process %s: %s", pid, error.message)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fds[slot], signal.SIGKILL)
        kill_group(pid)

    def cancel(self, requested: rescue.RequestedCancel) -> None:
        """Begins to deliver a cancel, if the session runs here."""
        for slot in self.board.in_state(BUSY):
            here = (self.board.get(slot, SlotCell.WORKER), self.board.get(slot, SlotCell.SESSION))
            if here == (requested.worker_id, requested.session_number) and slot in self._fds:
                known = self._cancels.get(slot)
                if known is None or known.session != requested.session_number:
                    self._cancels[slot] = Cancel(requested.session_number, time.monotonic())

    # --- Settling: the database -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Settles the tasks of departed processes, and gives back what waits too long. Repeats until it succeeds."""
        for slot, departure in list(self._departed.items()):
            if departure.worker_id:
                self._settle_worker(departure)
            self.board.free(slot)
            del self._departed[slot]
            self._given_back_at = 0.0
        now = time.monotonic()
        pause = GIVE_BACK_EVERY_SECONDS if self.draining or self.board.outstanding() > 0 else 1.0
        if now - self._given_back_at >= pause:
            self._given_back_at = now
            rescue.give_back_claims(
                self.cluster_id, older_than_seconds=0 if self.draining else GIVE_BACK_SECONDS
            )

    def fail_abandoned_sessions(self) -> None:
        """Settles tasks whose session is over without a recorded end."""
        held = rescue.running_sessions(self.cluster_id)
        board = self.board
        current = [
            (board.get(slot, SlotCell.WORKER), board.get(slot, SlotCell.SESSION))
            for slot in board.in_state(BUSY)
        ]
        departed = {departure.worker_id for departure in self._departed.values()}
        rescue.fail_abandoned_sessions(
            self.cluster_id, current=current, read_before=[row for row in held if row[2] not in departed]
        )

    def _settle_worker(self, departure: Departure) -> None:
        verdict = departure.verdict
        rescue.fail_worker_tasks(
            departure.worker_id,
            error=TaskError(
                KINDS.KILLED.value, f"The worker process {departure.pid} ended while the routine was running."
            ),
            session=verdict.session if verdict else 0,
            session_error=verdict.error if verdict else None,
        )
        rescue.end_worker(departure.worker_id, reason="ended" if departure.state == EXITED else "died")

    # --- Ending -----------------------------------------------------------------------------------------------------

    def drain(self, reason: str) -> None:
        """Lets the cluster claim nothing more; what it runs goes on."""
        if self.draining_since is None:
            self.draining_since = time.monotonic()
            self.end_reason = reason
            self.board[Cell.DRAINING] = 1
            self.board.wake_broker()

    def request_stop(self) -> None:
        """Asks the engine for its own orderly end: workers finish what they run."""
        self.drain("stopped")
        # Its event may be held by a sentinel that is stopped or dead; never wait for it in the main thread.
        if is_running(self.engine.sentinel.pid, process_start(self.engine.sentinel.pid)):
            threading.Thread(target=self.engine.stop_event.set, daemon=True).start()

    def kill(self, reason: str | None = None, *, state: str = Cluster.State.ENDED) -> None:
        """Ends all its processes now, together with what they have started."""
        if self.killed:
            return
        self.end_reason, self.end_state = reason or self.end_reason, state
        processes = [
            (pid, self.board.get(slot, SlotCell.START))
            for slot in self.board.used()
            if slot not in self._departed and (pid := self.board.get(slot, SlotCell.PID))
        ]
        sentinel = self.engine.sentinel
        kill_group(sentinel.pid)
        for pid, start in processes:
            if is_running(pid, start):
                kill_group(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        sentinel.join(GONE_WITHIN_SECONDS)
        until = time.monotonic() + GONE_WITHIN_SECONDS
        while any(is_running(*process) for process in processes) and time.monotonic() < until:
            time.sleep(0.002)
        for descriptor in (self.sentinel_fd, *self._fds.values()):
            os.close(descriptor)
        self._fds.clear()
        self.killed = True

    def close(self) -> None:
        """After the kill: settles all it held in the database. Repeat until ``settled``."""
        for departure in self._departed.values():
            if departure.worker_id:
                self._settle_worker(departure)
        self._departed.clear()
        error = TaskError(
            KINDS.KILLED.value, f"The worker ended while the routine was running: {self.end_reason}."
        )
        rescue.end_cluster(self.cluster_id, state=self.end_state, reason=self.end_reason, error=error)
        self.board.close()
        self.settled = True


def _readable(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])
