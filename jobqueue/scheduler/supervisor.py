"""The supervisor: keeps one healthy cluster working, and settles everything that ends badly.

Its loop first looks at memory and processes, then at the database, so that an outage of the database delays no kill.
"""

import contextlib
import logging
import multiprocessing
import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType

from django.conf import settings as django_settings
from django.db import connection, connections
from django_q.conf import Conf

from jobqueue.conf import settings
from jobqueue.scheduler import lease, rescue
from jobqueue.scheduler.copy_guard import CopyGuard
from jobqueue.scheduler.lineage import Role, lineage
from jobqueue.scheduler.lookahead import MOST_AHEAD
from jobqueue.scheduler.member import Member
from jobqueue.scheduler.models import Cluster
from jobqueue.scheduler.patience import SUPERVISOR_SECONDS, patience, wait_briefly_for_sqlite
from jobqueue.scheduler.processes import adopt_orphans
from jobqueue.scheduler.sqlite import flush_by_hand
from jobqueue.scheduler.standby import StandBy
from jobqueue.scheduler.worker import connect_signals

logger = logging.getLogger("jobqueue.scheduler")

TICK_SECONDS = 0.1
CANCEL_LOOK_SECONDS = 0.5
HELD_LOOK_SECONDS = 1.0
RESTART_PAUSE_SECONDS = 1.0
DRAINED_AFTER_SECONDS = 0.3
"""A claim may commit, and its message be taken, just after the drain began."""
STOP_QUIET_SECONDS = 3.0
"""An engine that runs nothing and still does not end is wedged; nothing is left to wait for."""
RECYCLE_AFTER_TASKS = 20_000
ONLY_ON_REQUEST = 2**31


class Supervisor:
    """Runs clusters of ``workers`` worker processes until a signal ends it."""

    def __init__(self, *, name: str, workers: int, version: str = "") -> None:
        self._name, self._workers, self._version = name, workers, version
        self._members: list[Member] = []
        self._stop_at: float | None = None
        self._signals = 0
        self._loss = lease.LossWatch()
        self._guard = CopyGuard()
        self._standby = StandBy()
        self._guard_at = 0.0
        self._beat_at = self._cancel_at = self._start_at = 0.0
        self._wake_read, self._wake_write = os.pipe()

    def run(self) -> None:
        """Works until TERM or INT; running jobs then get ``stop_grace_seconds``. A second signal ends them at once."""
        self._prepare()
        while not self._finished():
            self._wait()
            self._tick()
        logger.info("jobworker %s stopped.", os.getpid())

    # --- Set-up -----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        multiprocessing.set_start_method("fork", force=True)
        configure_engine(workers=self._workers)
        configure_connections()
        connect_signals()
        adopt_orphans()
        lineage.become_supervisor()
        wait_briefly_for_sqlite(is_here=lambda: lineage.role is Role.SUPERVISOR)
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._signals += 1  # the loop does the rest

    def _start_member(self) -> None:
        self._start_at = time.monotonic() + RESTART_PAUSE_SECONDS
        member = Member.start(
            name=self._name, workers=self._workers, version=self._version, held=self._guard.held
        )
        self._members.append(member)
        logger.info("Cluster %s works with %s workers.", member.cluster_id, self._workers)

    # --- The loop ---------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for member in self._members:
            for descriptor in member.descriptors():
                poll.register(descriptor, select.POLLIN)
        ready = poll.poll(TICK_SECONDS * 1000)
        if any(descriptor == self._wake_read for descriptor, _ in ready):
            os.read(self._wake_read, 1024)

    def _tick(self) -> None:
        for member in self._members:
            self._watch(member)
        self._follow_stop()
        if time.monotonic() >= self._guard_at:
            self._guarded(self._judge_database)
        self._guarded(self._settle)
        self._guarded(self._replace, patient=True)
        self._guarded(self._stand_by, patient=True)
        if time.monotonic() >= self._cancel_at:
            self._guarded(self._deliver_cancels)
        if time.monotonic() >= self._beat_at:
            self._guarded(self._beat)
        self._members = [member for member in self._members if not member.settled]
        self._reap()

    def _watch(self, member: Member) -> None:
        """Memory and processes only."""
        if member.killed:
            return
        member.children.observe()
        member.children.observe_stopped()
        if member.sentinel_ended:
            member.kill(
                "stopped"
                if self._stopping
                else f"its sentinel (process {member.sentinel_pid}) ended unexpectedly"
            )
            return
        nothing_left = min(member.quiet_seconds(), member.draining_seconds)
        if self._stopping:
            if nothing_left > STOP_QUIET_SECONDS:
                member.kill("stopped")
            return
        trouble = None if member.draining else member.troubles()
        if trouble:
            logger.warning("Cluster %s is replaced: %s.", member.cluster_id, trouble)
            member.drain(trouble)
        elif nothing_left > DRAINED_AFTER_SECONDS:
            member.kill()

    def _judge_database(self) -> None:
        """Whether the database is ours: the answer lies on the boards, so that no claim has to ask."""
        held = self._guard.beat()
        self._guard_at = time.monotonic() + (HELD_LOOK_SECONDS if held else settings().heartbeat_seconds)
        self._hold(held)

    def _doubt_database(self) -> None:
        """After an outage it may come back from a backup: nothing is claimed before it has been looked at again."""
        self._guard.unsure()
        self._guard_at = 0.0
        self._hold(True)

    def _hold(self, held: bool) -> None:
        for member in self._members:
            if not member.killed:
                member.hold(held)

    def _settle(self) -> None:
        for member in self._members:
            if member.killed:
                member.close()
            else:
                member.settle()

    def _replace(self) -> None:
        """Starts a new cluster as soon as none is taking work, beside those that still finish theirs."""
        if self._stopping or time.monotonic() < self._start_at:
            return
        if not any(not member.draining and not member.killed for member in self._members):
            self._start_member()

    def _stand_by(self) -> None:
        """While no worker is free, and has not been for a while, people are told what waits all the same."""
        working = [member for member in self._members if not member.killed]
        some_idle = any(member.has_idle_worker for member in working if not member.draining)
        busy = any(not member.idle for member in working)
        self._standby.look(all_busy=busy and not some_idle and not self._stopping and not self._guard.held)

    def _deliver_cancels(self) -> None:
        self._cancel_at = time.monotonic() + CANCEL_LOOK_SECONDS
        busy = [member for member in self._members if not member.killed and not member.idle]
        if not busy:
            return
        for requested in rescue.requested_cancels([member.cluster_id for member in busy]):
            for member in busy:
                member.children.cancel(requested)

    def _beat(self) -> None:
        alive = [member for member in self._members if not member.killed]
        ids = [member.cluster_id for member in alive]
        workers = [key for member in alive for key in member.children.worker_ids()]
        ours = lease.beat(ids, worker_ids=workers)
        self._beat_at = time.monotonic() + settings().heartbeat_seconds
        for member in alive:
            if member.cluster_id not in ours:
                logger.error(
                    "Cluster %s was declared lost meanwhile; its processes are ended.", member.cluster_id
                )
                member.kill("declared lost", state=Cluster.State.LOST)
                continue
            if member.draining:
                lease.mark_draining(member.cluster_id)
            member.fail_abandoned_sessions()
        if self._guard.held:
            return  # what a copy says is running runs elsewhere, or did in the past
        for cluster_id in self._loss.look(except_clusters=ids):
            logger.warning("Cluster %s is lost; its tasks were settled.", cluster_id)

    def _guarded(self, step: Callable[[], None], *, patient: bool = False) -> None:
        """A step that needs the database: when it fails it is tried again in the next round.

        It is given up when the database does not answer, unless ``patient``: a fork must not be cut short.
        """
        try:
            with contextlib.nullcontext() if patient else patience(SUPERVISOR_SECONDS):
                step()
        except Exception as error:
            logger.warning("Supervisor: %s: %s", step.__name__.strip("_"), error)
            self._loss.database_failed()
            if "locked" not in str(error):  # SQLite's writer is busy, which is no outage
                self._doubt_database()
            connection.close()
            time.sleep(TICK_SECONDS)

    # --- The end ----------------------------------------------------------------------------------------------------

    @property
    def _stopping(self) -> bool:
        return self._stop_at is not None

    def _follow_stop(self) -> None:
        if not self._signals:
            return
        now = time.monotonic()
        if self._stop_at is None:
            logger.info(
                "jobworker %s stops: running jobs have %s s.", os.getpid(), settings().stop_grace_seconds
            )
            self._stop_at = now + settings().stop_grace_seconds
            for member in self._members:
                if not member.killed:
                    member.request_stop()
        elif self._signals > 1:
            self._stop_at = min(self._stop_at, now)
        if now >= self._stop_at:
            for member in self._members:
                member.kill("the worker was stopped and its grace period is over")

    def _finished(self) -> bool:
        if not self._stopping:
            return False
        if not self._members:
            connections.close_all()
            return True
        # The database is away: leases and the other clusters settle the rest.
        return time.monotonic() > (self._stop_at or 0) + settings().heartbeat_seconds

    def _reap(self) -> None:
        """Collects ended processes that became ours when their parent died; sentinels are collected by their member."""
        sentinels = {member.sentinel_pid for member in self._members}
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is None or ended.si_pid in sentinels:
                    return
                os.waitpid(ended.si_pid, 0)
            except ChildProcessError:
                return


def configure_engine(*, workers: int) -> None:
    """Sets what the supervisor relies on, whatever ``Q_CLUSTER`` says.

    Our messages are bounded by the look-ahead, never by the queue, whose limit would block the broker process. The
    integer timeout of plain tasks stays as configured.
    """
    Conf.WORKERS = workers
    Conf.QUEUE_LIMIT = 2 * MOST_AHEAD + workers
    Conf.BROKER_CLASS = "jobqueue.scheduler.broker.TaskBroker"
    Conf.ORM = "default"
    Conf.SCHEDULER = False
    Conf.GUARD_CYCLE = 0.5
    Conf.POLL = 0
    Conf.BULK = 1
    Conf.RECYCLE = getattr(django_settings, "Q_CLUSTER", {}).get("recycle", RECYCLE_AFTER_TASKS)
    engine_log = logging.getLogger("django-q")
    if engine_log.getEffectiveLevel() < logging.WARNING:
        engine_log.setLevel(logging.WARNING)  # a line or two for every task otherwise


def configure_connections() -> None:
    """Has the connections of this process and its descendants keep prepared statements and skip health probes.

    Only statements that ask for it are prepared; ``prepare_threshold`` set to None in the connection's OPTIONS (for a
    pooler that cannot keep them) forbids it. A claim that meets a dead connection is given back at once, so nothing is
    gained by a probe before every task; plain tasks of other code get theirs (``Worker.begin``).
    """
    found = connection.settings_dict
    found["CONN_HEALTH_CHECKS"] = False
    if connection.vendor == "postgresql":
        found["OPTIONS"].setdefault("prepare_threshold", ONLY_ON_REQUEST)
    else:
        flush_by_hand()
