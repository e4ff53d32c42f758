"""The watchdog of one cluster: recognises from the board that work has stopped moving though processes live.

A worker killed while it waits for django-q2's queue may take the queue's lock along; then everything looks healthy and
nothing moves. The remedy is always the same: a new cluster beside this one, while what runs here goes on.
"""

import time

from jobqueue.scheduler.board import IDLE, Board, Cell, SlotCell

WEDGED_SECONDS = 2.0
SENTINEL_SILENT_SECONDS = 4.0
BROKER_SILENT_SECONDS = 15.0
MONITOR_STUCK_SECONDS = 10.0


class Watchdog:
    """Remembers since when nothing has moved."""

    def __init__(self) -> None:
        self._reported: str | None = None
        self._taken = Stall()
        self._results = Stall()

    def report(self, trouble: str) -> None:
        """Notes a trouble somebody else has seen."""
        self._reported = self._reported or trouble

    def diagnose(self, board: Board) -> str | None:
        """The trouble of this cluster in words, or None."""
        if self._reported:
            return self._reported
        waiting = board.outstanding() > 0 and bool(board.in_state(IDLE))
        if self._taken.lasts(waiting, board.total(SlotCell.TAKEN)) > WEDGED_SECONDS:
            return "messages wait although a worker is idle"
        unreported = board.total(SlotCell.DONE) > board[Cell.REPORTED]
        if self._results.lasts(unreported, board[Cell.REPORTED]) > MONITOR_STUCK_SECONDS:
            return "results are not collected"
        if _silence(board[Cell.SENTINEL_BEAT]) > SENTINEL_SILENT_SECONDS:
            return "the sentinel is silent"
        if _silence(board[Cell.BROKER_BEAT]) > BROKER_SILENT_SECONDS:
            return "the broker process is silent"
        return None


class Stall:
    """How long a condition has held without the counter moving."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._counter = 0

    def lasts(self, condition: bool, counter: int) -> float:
        """Seconds the condition has held without progress; 0 when it does not hold or the counter moved."""
        now = time.monotonic()
        if not condition or self._since is None or counter != self._counter:
            self._since = now if condition else None
            self._counter = counter
            return 0.0
        return now - self._since


def _silence(beat_ns: int) -> float:
    return (time.monotonic_ns() - beat_ns) / 1e9 if beat_ns else 0.0
