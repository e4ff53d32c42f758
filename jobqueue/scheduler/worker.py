"""What a worker process tells its supervisor: django-q2's signals, written to the board.

None of these may raise or wait: a receiver that raises kills the worker, and one of them runs under a lock of the
sentinel.
"""

import logging
import multiprocessing.util
import os
import signal
import socket
import time
from types import FrameType
from typing import Any

from django.db import connection, transaction
from django_q.signals import post_execute, post_execute_in_worker, post_spawn, pre_execute

from jobqueue.scheduler import alarm, session_events
from jobqueue.scheduler.board import BUSY, EXITED, IDLE, Board, Cell, SlotCell
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.interruption import CANCEL_SIGNAL, interrupt_if_open
from jobqueue.scheduler.lineage import lineage
from jobqueue.scheduler.models import WorkerSession
from jobqueue.scheduler.processes import lead_own_group, process_start
from jobqueue.scheduler.session_events import Kind

logger = logging.getLogger("jobqueue.scheduler")

MESSAGE_FUNCTION = "run_message"
PACE_WEIGHT = 8


class Worker:
    """This worker process: its row's id, the number of its present session, its slot on the board."""

    def __init__(self) -> None:
        self.worker_id: int | None = None
        self.session_number = 0
        self._board: Board | None = None
        self._slot = -1
        self._began = self._laps = 0

    def spawned(self, **_: Any) -> None:
        """Registers the process before it takes its first message."""
        if lineage.board is None or lineage.slot < 0:
            return
        lead_own_group()
        self._board, self._slot = lineage.board, lineage.slot
        signal.signal(CANCEL_SIGNAL, self._cancel_requested)
        alarm.share()
        self.worker_id = _insert_row(self._board.cluster_id)
        self._put(SlotCell.WORKER, self.worker_id)
        self._put(SlotCell.SESSION, 0)
        # Without this a recycled worker would look like one that died.
        multiprocessing.util.Finalize(None, self._put, args=(SlotCell.STATE, EXITED), exitpriority=100)
        self._put(SlotCell.STATE, IDLE)
        self._board.wake_broker()

    @property
    def stopping(self) -> bool:
        """Whether the cluster is to start nothing more."""
        return self._board is not None and bool(self._board[Cell.DRAINING])

    def begin(self, *, task: dict[str, Any], **_: Any) -> None:
        """A message was taken: some claims, or a plain task of other code."""
        if self._board is None:
            return
        ours = getattr(task["func"], "__name__", "") == MESSAGE_FUNCTION
        tasks = len(task["args"]) if ours else 1
        if ours:
            alarm.take_back()  # a plain task before this one used the engine's alarm
        # A claim on a dead connection is given back at once, so only foreign code needs the connection probed.
        setattr(connection, "health_check_enabled", not ours)  # noqa: B010  (unknown to the type stubs)
        self._laps = 0
        self._began = time.monotonic_ns()
        self._put(SlotCell.SINCE, self._began)
        self._put(SlotCell.WAITING, tasks)
        self._put(SlotCell.STATE, BUSY)
        self._put(SlotCell.TAKEN, self._get(SlotCell.TAKEN) + tasks)

    def open_session(self, number: int) -> None:
        """The next task of the message begins."""
        self.session_number = number
        if self._board is None:
            return
        if self._laps:
            self._end_lap()
        self._laps += 1
        self._put(SlotCell.SESSION, number)
        self._put(SlotCell.EXPECTED, 0)  # after the former: who reads in the other order misses neither
        self._put(SlotCell.WAITING, self._get(SlotCell.WAITING) - 1)

    def expect_session(self, number: int) -> None:
        """That session may be marked as started before it begins: it is not one whose worker has forgotten it."""
        if self._board is not None:
            self._put(SlotCell.EXPECTED, number)

    def end(self, **_: Any) -> None:
        """The message is dealt with, well or badly."""
        if self._board is None:
            return
        self._end_lap()
        self._put(SlotCell.WAITING, 0)
        self._put(SlotCell.DONE, self._get(SlotCell.DONE) + 1)
        self._put(SlotCell.STATE, IDLE)
        self._board.wake_broker()

    def announce_kill_at(self, monotonic_ns: int) -> None:
        """Tells the supervisor when to kill this process; 0 takes it back."""
        if self._board is not None:
            self._put(SlotCell.KILL_AT, monotonic_ns)

    def _cancel_requested(self, _signal: int, _frame: FrameType | None) -> None:
        # The signal may arrive after the session it was meant for has ended.
        if self._get(SlotCell.CANCEL) == self.session_number:
            interrupt_if_open()

    def _end_lap(self) -> None:
        now = time.monotonic_ns()
        took, pace = now - self._began, self._get(SlotCell.PACE)
        self._put(SlotCell.PACE, (pace * (PACE_WEIGHT - 1) + took) // PACE_WEIGHT if pace else took)
        self._put(SlotCell.KILL_AT, 0)
        self._put(SlotCell.SINCE, now)
        self._began = now

    def _get(self, cell: SlotCell) -> int:
        return self._board.get(self._slot, cell)  # type: ignore[union-attr]

    def _put(self, cell: SlotCell, value: int) -> None:
        self._board.put(self._slot, cell, value)  # type: ignore[union-attr]


worker = Worker()


def connect_signals() -> None:
    """Connects the worker to django-q2; called by the supervisor, so that other processes carry no hooks."""
    post_spawn.connect(worker.spawned, dispatch_uid="jobqueue.worker")
    pre_execute.connect(worker.begin, dispatch_uid="jobqueue.worker")
    post_execute_in_worker.connect(worker.end, dispatch_uid="jobqueue.worker")
    post_execute.connect(_reported, dispatch_uid="jobqueue.worker")


def _reported(**_: Any) -> None:
    """In the monitor process: one more result has arrived."""
    if lineage.board is not None:
        lineage.board[Cell.REPORTED] += 1


def _insert_row(cluster_id: int) -> int:
    """The worker's row. While the database is away it waits: without a row its sessions could not be told apart."""
    pid = os.getpid()
    while True:
        try:
            with transaction.atomic():
                row = WorkerSession.objects.create(
                    cluster_id=cluster_id,
                    host=socket.gethostname(),
                    pid=pid,
                    process_start=process_start(pid),
                )
                session_events.worker_events(Kind.LOGON, [row], at=database_now())
            return row.pk
        except Exception as error:
            logger.warning("Worker %s waits for the database: %s", pid, error)
            connection.close()
            time.sleep(0.5)
