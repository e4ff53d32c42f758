"""The broker class of django-q2: its ``dequeue()`` claims due tasks, so the pusher process is the dispatcher."""

import logging
import os
import time
from typing import Any

from django.db import connection
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from jobqueue.conf import settings
from jobqueue.scheduler.board import BUSY, IDLE, Board, Cell
from jobqueue.scheduler.claim import claim, is_limited, is_open, seconds_until_due
from jobqueue.scheduler.delivery import message, together
from jobqueue.scheduler.lineage import lineage
from jobqueue.scheduler.lookahead import claimable, recent_pace
from jobqueue.scheduler.sql import plan_anew, wake_clusters
from jobqueue.scheduler.strangers import Strangers
from jobqueue.scheduler.tasks import ClaimedTask
from jobqueue.scheduler.turns import Turns
from jobqueue.scheduler.wakeup import make_waiter

logger = logging.getLogger("jobqueue.scheduler")

DRAINING_PAUSE_SECONDS = 0.05
ERROR_PAUSE_SECONDS = 0.3
DUE_MARGIN_SECONDS = 0.0005
SHORTEST_PAUSE_SECONDS = 0.001
AT_LIMIT_PAUSE_SECONDS = 0.05

Messages = list[tuple[Any, str]]


def pause_before(due_in: float, *, at_most: float, limited: bool) -> float:
    """Seconds to wait for a task that is due in so many seconds, after a claim that took nothing.

    An overdue one was in somebody else's hands at that moment, or a limit is reached: then it takes the end of a run,
    and claiming again at once would only keep the database busy. Own ends and new tasks end the wait anyhow.

    >>> pause_before(0.2, at_most=0.5, limited=False), pause_before(9, at_most=0.5, limited=True)
    (0.2005, 0.5)
    >>> pause_before(-3, at_most=0.5, limited=False), pause_before(-3, at_most=0.5, limited=True)
    (0.001, 0.05)
    """
    least = AT_LIMIT_PAUSE_SECONDS if limited and due_in <= 0 else SHORTEST_PAUSE_SECONDS
    return max(least, min(at_most, due_in + DUE_MARGIN_SECONDS))


class TaskBroker(ORM):
    """Serves scheduled tasks to a supervised cluster, and plain ``async_task`` calls from django-q2's own table.

    In a cluster without our supervisor (``manage.py qcluster``) it serves plain calls only: nobody would rescue tasks.
    """

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._plain_at = 0.0
        self._turns = Turns()
        self._strangers = Strangers()
        self._waiter = make_waiter(watch_seconds=settings().sqlite_watch_seconds)

    def enqueue(self, task: str) -> int:
        """Stores a plain task in the caller's transaction and wakes the clusters at its commit."""
        key = super().enqueue(task)
        wake_clusters()
        return key

    def dequeue(self) -> Messages | None:
        """Claims what the cluster can start soon, or waits for work, at most for one poll.

        Catches everything: django-q2 answers an exception here with a pause of ten seconds.
        """
        board = lineage.board
        if board is None:
            return super().dequeue()
        try:
            return self._next_messages(board)
        except Exception as error:
            logger.warning("Claiming failed, trying again: %s", error)
            self._waiter.reset()
            connection.close()
            time.sleep(ERROR_PAUSE_SECONDS)
            return None

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """django-q2's sentinel saves its statistics once a cycle: for us a heartbeat on the board."""
        if lineage.board is None:
            super().set_stat(key, value, timeout)
        else:
            lineage.board[Cell.SENTINEL_BEAT] = time.monotonic_ns()

    def _next_messages(self, board: Board) -> Messages | None:
        board[Cell.BROKER_PID] = os.getpid()
        board[Cell.BROKER_BEAT] = time.monotonic_ns()
        if board[Cell.DRAINING] or board[Cell.HELD]:
            time.sleep(DRAINING_PAUSE_SECONDS)
            return None
        count = claimable(board, now_ns=time.monotonic_ns())
        if count:
            plan_anew()
            messages = self._plain_messages()
            plain = len(messages)
            claims = self._claims(board, count - plain)
            workers = len(board.in_state(IDLE)) + len(board.in_state(BUSY))
            for some in together(claims, workers=workers, pace_seconds=recent_pace(board)):
                messages.append((None, SignedPackage.dumps(message(*some))))
            if messages:
                board[Cell.PUSHED] += plain + len(claims)
                return messages
        self._wait(board, for_tasks=count > 0)
        return None

    def _claims(self, board: Board, count: int) -> list[ClaimedTask]:
        found = claim(count, cluster_id=board.cluster_id, turns=self._turns, strangers=self._strangers.names)
        return self._strangers.sort_out(found, cluster_id=board.cluster_id)

    def _plain_messages(self) -> Messages:
        """A message of a plain ``async_task`` call. Looked for twice a second, after every wake-up and every find."""
        if time.monotonic() < self._plain_at:
            return []
        waiting = OrmQ.objects.using(Conf.ORM).filter(key=self.list_key, lock__lt=timezone.now())
        found = (super().dequeue() if waiting.exists() else None) or []
        if not found:
            self._plain_at = time.monotonic() + settings().poll_seconds
        return found

    def _wait(self, board: Board, *, for_tasks: bool) -> None:
        seconds = settings().poll_seconds
        if for_tasks:
            due = seconds_until_due(strangers=self._strangers.names)
            self._turns.look(due)
            # Of what is overdue a cluster declared lost gets nothing, as long as its supervisor stands still.
            if due is not None and (due > 0 or is_open(board.cluster_id)):
                seconds = pause_before(due, at_most=seconds, limited=is_limited())
        if self._waiter.wait(board, seconds=seconds, for_tasks=for_tasks):
            self._plain_at = 0.0
