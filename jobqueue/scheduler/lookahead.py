"""How many tasks a cluster may claim now: what it can start soon, and no more.

A claimed task that waits behind a long one is a stranded task. So a cluster claims for its idle workers, plus a tenth
of a second of its recent pace, and nothing ahead while any job is long.
"""

from jobqueue.scheduler.board import BUSY, IDLE, Board, SlotCell

AHEAD_SECONDS = 0.1
LONG_JOB_SECONDS = 0.2
MOST_AHEAD = 64
FASTEST_SECONDS = 0.001


def look_ahead(*, workers: int, pace_seconds: float, longest_seconds: float) -> int:
    """Tasks worth claiming beyond those for idle workers.

    ``pace_seconds`` is the recent average duration of a task, ``longest_seconds`` the age of the oldest running one.

    >>> look_ahead(workers=2, pace_seconds=0.005, longest_seconds=0.01)
    40
    >>> look_ahead(workers=2, pace_seconds=0.005, longest_seconds=0.3)
    0
    """
    if longest_seconds > LONG_JOB_SECONDS or pace_seconds > AHEAD_SECONDS:
        return 0
    return min(MOST_AHEAD, int(AHEAD_SECONDS * workers / max(pace_seconds, FASTEST_SECONDS)))


def wanted(*, idle: int, ahead: int, outstanding: int) -> int:
    """Tasks to claim now, given the messages already ``outstanding``.

    Claims are made in batches: once the look-ahead is more than half full, the next claim waits until it is half empty.

    >>> wanted(idle=2, ahead=0, outstanding=0), wanted(idle=0, ahead=40, outstanding=30)
    (2, 0)
    >>> wanted(idle=0, ahead=40, outstanding=12)
    28
    """
    if ahead > 3 and outstanding > ahead // 2 + idle:
        return 0
    return max(0, idle + ahead - outstanding)


def recent_pace(board: Board) -> float:
    """Seconds a task has taken on average of late; 0 if unknown."""
    known = [
        pace
        for slot in (*board.in_state(IDLE), *board.in_state(BUSY))
        if (pace := board.get(slot, SlotCell.PACE))
    ]
    return sum(known) / len(known) / 1e9 if known else 0.0


def claimable(board: Board, *, now_ns: int) -> int:
    """Tasks the cluster of this board may claim at the monotonic moment ``now_ns``."""
    idle, busy = board.in_state(IDLE), board.in_state(BUSY)
    live = idle + busy
    if not live:
        return 0
    pace = recent_pace(board)
    longest = max((now_ns - board.get(slot, SlotCell.SINCE) for slot in busy), default=0) / 1e9
    ahead = look_ahead(workers=len(live), pace_seconds=pace, longest_seconds=longest)
    return wanted(idle=len(idle), ahead=ahead, outstanding=board.outstanding())
