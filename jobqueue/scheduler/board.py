"""The board: a few words of memory that a supervisor shares with the sentinel, broker process and workers of a cluster.

Free slots, idleness and deadlines are read here, not from the database. It is an anonymous mapping made before the
fork and inherited by it. Every cell has one writer at a time; a cell is an aligned 64-bit word, so no reader sees half
a value. Moments are nanoseconds of the system-wide monotonic clock.

A slot is reserved by the sentinel before a fork (FREE to FORKED), used by the child (IDLE, BUSY, EXITED), and freed by
the supervisor when the child is gone. The counters of a slot go on through its owners, so their sums never fall.
"""

import contextlib
import mmap
import os
import select
import time
from collections.abc import Iterator
from enum import IntEnum

FREE, FORKED, IDLE, BUSY, EXITED = range(5)


class Cell(IntEnum):
    """Cells of the cluster as a whole; the writer in brackets."""

    PUSHED = 0  # tasks ever handed to the queue [broker process]
    DRAINING = 1  # claim nothing more [supervisor]
    SENTINEL_BEAT = 2  # [sentinel]
    BROKER_BEAT = 3  # [broker process]
    BROKER_PID = 4  # [broker process]
    REPORTED = 5  # messages that reached the monitor process [monitor]
    HELD = 6  # claim nothing for the time being [supervisor]


class SlotCell(IntEnum):
    """Cells of one child process; the writer is the child unless said."""

    STATE = 0  # [sentinel, child, supervisor: see above]
    PID = 1
    START = 2  # process start in clock ticks
    WORKER = 3  # id of the worker's row; 0 for other processes
    SESSION = 4  # number of the present or last session
    SINCE = 5  # moment the present state began
    TAKEN = 6  # tasks ever taken from the queue
    DONE = 7  # messages ever dealt with
    PACE = 8  # moving average of a task's duration
    KILL_AT = 9  # moment the supervisor kills the process; 0 for none
    CANCEL = 10  # number of the session to be interrupted [supervisor]
    EXPECTED = 11  # number of the session that may be started next, before it begins
    WAITING = 12  # tasks taken and waiting behind the present one


HEADER = len(Cell)
WIDTH = len(SlotCell)


class Board:
    """Memory and wake-up descriptor of one cluster."""

    def __init__(self, *, cluster_id: int, workers: int) -> None:
        self.cluster_id = cluster_id
        self.size = 16 + 4 * workers
        self._cells = memoryview(mmap.mmap(-1, (HEADER + self.size * WIDTH) * 8)).cast("q")
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __getitem__(self, cell: Cell) -> int:
        return self._cells[cell]

    def __setitem__(self, cell: Cell, value: int) -> None:
        self._cells[cell] = value

    def get(self, slot: int, cell: SlotCell) -> int:
        return self._cells[HEADER + slot * WIDTH + cell]

    def put(self, slot: int, cell: SlotCell, value: int) -> None:
        self._cells[HEADER + slot * WIDTH + cell] = value

    def used(self) -> Iterator[int]:
        """Slots that belong to a process, living or not yet cleared away."""
        return (slot for slot in range(self.size) if self.get(slot, SlotCell.STATE) != FREE)

    def reserve(self) -> int:
        """Takes a free slot for the next child; -1 if there is none."""
        for slot in range(self.size):
            if self.get(slot, SlotCell.STATE) == FREE:
                for cell in (
                    SlotCell.PID,
                    SlotCell.START,
                    SlotCell.WORKER,
                    SlotCell.SESSION,
                    SlotCell.EXPECTED,
                    SlotCell.WAITING,
                    SlotCell.KILL_AT,
                ):
                    self.put(slot, cell, 0)
                self.put(slot, SlotCell.SINCE, time.monotonic_ns())
                self.put(slot, SlotCell.STATE, FORKED)
                return slot
        return -1

    def free(self, slot: int) -> None:
        """Clears a slot whose process is gone, keeping its counters."""
        for cell in (
            SlotCell.PID,
            SlotCell.WORKER,
            SlotCell.KILL_AT,
            SlotCell.CANCEL,
            SlotCell.PACE,
            SlotCell.WAITING,
        ):
            self.put(slot, cell, 0)
        self.put(slot, SlotCell.STATE, FREE)

    def total(self, cell: SlotCell) -> int:
        """Sum of a counter over all slots."""
        return sum(self.get(slot, cell) for slot in range(self.size))

    def outstanding(self) -> int:
        """Tasks handed to the queue and not yet taken from it."""
        return self[Cell.PUSHED] - self.total(SlotCell.TAKEN)

    def waits_behind(self, *, since_ns: int) -> bool:
        """Whether tasks have been taken and wait behind one that began after that moment."""
        return any(
            self.get(slot, SlotCell.WAITING) and self.get(slot, SlotCell.SINCE) > since_ns
            for slot in self.in_state(BUSY)
        )

    def in_state(self, state: int) -> list[int]:
        """Slots of processes in that state."""
        return [slot for slot in range(self.size) if self.get(slot, SlotCell.STATE) == state]

    def wake_broker(self) -> None:
        """Ends the wait of the broker process; safe from a signal handler and never blocks."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._wake, 1)

    def wait(self, seconds: float, *, also: tuple[int, ...] = ()) -> list[int]:
        """Waits for :meth:`wake_broker` or input on other descriptors; returns those of ``also`` that are ready."""
        ready, _, _ = select.select([self._wake, *also], [], [], max(0.0, seconds))
        if self._wake in ready:
            ready.remove(self._wake)
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            return [*ready, self._wake]
        return ready

    def close(self) -> None:
        """Gives the descriptor back; the memory goes with the last process that maps it."""
        os.close(self._wake)
