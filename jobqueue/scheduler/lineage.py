"""Who descends from whom: the fork hook that ties every process of a cluster to its parent and to the board.

It acts only below a supervisor: supervisor forks sentinel, sentinel forks workers, monitor and broker process (its
*children*). What a job forks is left alone. Forks of the cluster come from the main thread, and must: the kernel's
parent-death signal is tied to the forking thread.
"""

import os
import signal
import time
from enum import Enum

from jobqueue.scheduler.board import Board, SlotCell
from jobqueue.scheduler.processes import die_with_parent, lead_own_group, process_start


class Role(Enum):
    """What the present process is."""

    OUTSIDE = "outside"
    SUPERVISOR = "supervisor"
    SENTINEL = "sentinel"
    CHILD = "child"


class Lineage:
    """The present process's place; ``board`` and ``slot`` are set in a cluster's processes."""

    role = Role.OUTSIDE
    board: Board | None = None
    slot = -1
    _parent = 0
    _expecting_sentinel = False
    _installed = False

    def become_supervisor(self) -> None:
        """Makes this process the root; installs the hook once."""
        if not self._installed:
            os.register_at_fork(
                before=self._before,
                after_in_parent=self._after_in_parent,
                after_in_child=self._after_in_child,
            )
            self._installed = True
        self.role = Role.SUPERVISOR

    def expect_sentinel(self, board: Board | None) -> None:
        """The next fork is the sentinel of this board; None ends the expectation."""
        self.board = board
        self._expecting_sentinel = board is not None

    def _before(self) -> None:
        self._parent = os.getpid()
        if self.role is Role.SENTINEL and self.board is not None:
            self.slot = self.board.reserve()

    def _after_in_parent(self) -> None:
        if self.role is Role.SENTINEL:
            self.slot = -1

    def _after_in_child(self) -> None:
        if self.role is Role.SUPERVISOR and self._expecting_sentinel:
            self._forget_supervisor()
            self.role = Role.SENTINEL
            die_with_parent(self._parent)
            lead_own_group()
        elif self.role is Role.SENTINEL:
            self.role = Role.CHILD
            die_with_parent(self._parent)
            self._take_slot()
        elif self.role is not Role.OUTSIDE:
            self.role, self.board, self.slot = Role.OUTSIDE, None, -1

    def _forget_supervisor(self) -> None:
        # Else the signals of the cluster's processes would be written into the supervisor's pipe.
        signal.set_wakeup_fd(-1)

    def _take_slot(self) -> None:
        if self.board is None or self.slot < 0:
            # More processes than the board has room for: the sentinel tries again when one has been cleared away.
            os._exit(1)
        pid = os.getpid()
        self.board.put(self.slot, SlotCell.START, process_start(pid))
        self.board.put(self.slot, SlotCell.SINCE, time.monotonic_ns())
        self.board.put(self.slot, SlotCell.PID, pid)


lineage = Lineage()
