"""One django-q2 cluster as its supervisor sees it: started, observed, drained, stopped or killed."""

import contextlib
import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

from django.db import connections
from django_q.cluster import Sentinel, get_mp_context

from jobqueue.scheduler import lease, rescue
from jobqueue.scheduler.board import BUSY, EXITED, IDLE, Board, Cell
from jobqueue.scheduler.children import Children, Departure, readable
from jobqueue.scheduler.lineage import lineage
from jobqueue.scheduler.models import Cluster, ScheduledTask
from jobqueue.scheduler.outcome import TaskError
from jobqueue.scheduler.processes import is_ending, is_running, kill_group
from jobqueue.scheduler.session_events import Kind
from jobqueue.scheduler.watchdog import Watchdog

logger = logging.getLogger("jobqueue.scheduler")

GIVE_BACK_SECONDS = 0.25
GIVE_BACK_EVERY_SECONDS = 0.2
GIVEN_BACK_BY_SECONDS = 1.0
GONE_WITHIN_SECONDS = 5.0

KINDS = ScheduledTask.ErrorKind


@dataclass(eq=False)
class Member:
    """A cluster under this supervisor. Its processes are watched through the board and process descriptors.

    ``abandoned``: its sentinel ended unexpectedly and took the workers along, which is no fault of what they ran.
    """

    cluster_id: int
    board: Board
    sentinel: BaseProcess
    sentinel_fd: int
    stop_event: Event
    children: Children = field(init=False)
    draining_since: float | None = None
    stopping: bool = False
    killed: bool = False
    abandoned: bool = False
    settled: bool = False
    end_state: str = Cluster.State.ENDED
    end_reason: str = "stopped"
    _watchdog: Watchdog = field(default_factory=Watchdog)
    _given_back_at: float = 0.0
    _quiet_since: float | None = None

    def __post_init__(self) -> None:
        self.children = Children(self.board, self._watchdog)

    @classmethod
    def start(cls, *, name: str, workers: int, version: str, held: bool = False) -> "Member":
        """Registers and forks a cluster, in the main thread, and does not wait until it works: the watchdog does.

        django-q2's own ``Cluster`` is left out: it waits without end, and takes over TERM with a handler that may
        deadlock.
        """
        cluster_id = lease.register_cluster(name=name, workers=workers, version=version)
        board = Board(cluster_id=cluster_id, workers=workers)
        board[Cell.SENTINEL_BEAT] = board[Cell.BROKER_BEAT] = time.monotonic_ns()
        board[Cell.HELD] = int(held)
        connections.close_all()
        context = get_mp_context()
        stop_event = context.Event()
        sentinel = context.Process(
            target=Sentinel, name=f"Cluster-{cluster_id}", args=(stop_event, context.Event(), uuid.uuid4())
        )
        lineage.expect_sentinel(board)
        try:
            sentinel.start()
        finally:
            lineage.expect_sentinel(None)
        return cls(cluster_id, board, sentinel, os.pidfd_open(sentinel.pid), stop_event)

    # --- What the supervisor's wait watches -------------------------------------------------------------------------

    def descriptors(self) -> Iterator[int]:
        """Descriptors that become readable when a process of the cluster ends."""
        if not self.killed:
            yield self.sentinel_fd
            yield from self.children.descriptors()

    @property
    def sentinel_pid(self) -> int:
        return self.sentinel.pid or 0

    @property
    def sentinel_ended(self) -> bool:
        return readable(self.sentinel_fd)

    @property
    def draining(self) -> bool:
        return self.draining_since is not None

    @property
    def draining_seconds(self) -> float:
        return 0.0 if self.draining_since is None else time.monotonic() - self.draining_since

    @property
    def idle(self) -> bool:
        """Whether no worker is executing anything."""
        return not self.board.in_state(BUSY)

    @property
    def has_idle_worker(self) -> bool:
        """Whether some worker waits for a task."""
        return bool(self.board.in_state(IDLE))

    def quiet_seconds(self) -> float:
        """How long no worker has been executing anything, as far as this was asked regularly."""
        now = time.monotonic()
        if not self.idle:
            self._quiet_since = None
            return 0.0
        self._quiet_since = self._quiet_since or now
        return now - self._quiet_since

    def troubles(self) -> str | None:
        """Why this cluster should be replaced, or None."""
        return self._watchdog.diagnose(self.board)

    # --- Settling: the database -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Settles the tasks of departed processes, and gives back what waits too long. Repeats until it succeeds."""
        if self.children.departed and is_ending(self.sentinel_pid):
            return  # it takes its workers along: whose end it was is settled when all are gone
        for slot, departure in list(self.children.departed.items()):
            if departure.worker_id:
                self._settle_worker(departure)
            self.board.free(slot)
            del self.children.departed[slot]
            self._given_back_at = 0.0
        now = time.monotonic()
        pause = GIVE_BACK_EVERY_SECONDS if self.draining or self._claims_wait() else 1.0
        if now - self._given_back_at >= pause:
            self._given_back_at = now
            rescue.give_back_claims(
                self.cluster_id, older_than_seconds=0 if self.draining else GIVE_BACK_SECONDS
            )

    def _claims_wait(self) -> bool:
        # Behind a task that began longer ago, everything has been given back already.
        since = time.monotonic_ns() - int(GIVEN_BACK_BY_SECONDS * 1e9)
        return self.board.outstanding() > 0 or self.board.waits_behind(since_ns=since)

    def fail_abandoned_sessions(self) -> None:
        """Settles tasks whose session is over without a recorded end."""
        held = rescue.running_sessions(self.cluster_id)
        current = self.children.sessions()
        departed = {departure.worker_id for departure in self.children.departed.values()}
        rescue.fail_abandoned_sessions(
            self.cluster_id, current=current, read_before=[row for row in held if row[2] not in departed]
        )

    def _settle_worker(self, departure: Departure) -> None:
        if self.abandoned and departure.state != EXITED and departure.verdict is None:
            return  # the end of the cluster was its end, too
        verdict = departure.verdict
        rescue.fail_worker_tasks(
            departure.worker_id,
            error=TaskError(
                KINDS.KILLED.value, f"The worker process {departure.pid} ended while the routine was running."
            ),
            session=verdict.session if verdict else 0,
            session_error=verdict.error if verdict else None,
        )
        if departure.state == EXITED:
            rescue.end_worker(departure.worker_id, reason="ended")
        else:
            comment = verdict.error.message if verdict else f"The worker process {departure.pid} died."
            rescue.end_worker(departure.worker_id, reason="died", comment=comment)

    # --- Ending -----------------------------------------------------------------------------------------------------

    def drain(self, reason: str) -> None:
        """Lets the cluster claim nothing more; what it runs goes on."""
        if self.draining_since is None:
            self.draining_since = time.monotonic()
            self.end_reason = reason
            self.board[Cell.DRAINING] = 1
            self.board.wake_broker()

    def hold(self, held: bool) -> None:
        """Pauses or resumes claims; what it runs goes on."""
        self.board[Cell.HELD] = int(held)

    def request_stop(self) -> None:
        """Asks the engine for its own orderly end: workers finish what they run."""
        self.stopping = True
        self.drain("stopped")
        # Its event may be held by a sentinel that is stopped or dead; never wait for it in the main thread.
        if not self.sentinel_ended:
            threading.Thread(target=self.stop_event.set, daemon=True).start()

    def kill(self, reason: str | None = None, *, state: str = Cluster.State.ENDED) -> None:
        """Ends all its processes now, together with what they have started."""
        if self.killed:
            return
        self.end_reason, self.end_state = reason or self.end_reason, state
        self.abandoned = not self.stopping and self.sentinel_ended
        kill_group(self.sentinel_pid)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.sentinel_fd, signal.SIGKILL)  # before it leads its group
        processes = self.children.kill_all()
        self.sentinel.join(GONE_WITHIN_SECONDS)
        until = time.monotonic() + GONE_WITHIN_SECONDS
        while any(is_running(*process) for process in processes) and time.monotonic() < until:
            time.sleep(0.002)
        os.close(self.sentinel_fd)
        self.children.close()
        self.killed = True

    def close(self) -> None:
        """After the kill: settles all it held in the database. Repeat until ``settled``."""
        for departure in self.children.departed.values():
            if departure.worker_id:
                self._settle_worker(departure)
        self.children.departed.clear()
        error = TaskError(KINDS.KILLED.value, f"Its cluster ended: {self.end_reason}.")
        event = Kind.STOP if self.stopping else Kind.REPLACED
        rescue.end_cluster(
            self.cluster_id,
            state=self.end_state,
            reason=self.end_reason,
            error=error,
            event=Kind.LOST if self.end_state == Cluster.State.LOST else event,
            comment="" if self.end_reason == "stopped" else f"Ended: {self.end_reason}.",
        )
        self.board.close()
        self.settled = True
