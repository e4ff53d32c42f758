"""When a message that could not be sent is tried again, and when it is given up. Pure arithmetic.

Source: *Packages reference, Sending never disturbs the work*.
"""

from datetime import datetime, timedelta

WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
UNREACHABLE_WAIT = timedelta(minutes=5)
UNREACHABLE_LONG_WAIT = timedelta(minutes=15)
UNREACHABLE_TRIES = 24
LONGEST_WISH = timedelta(hours=24)


def next_attempt(
    *,
    attempts: int,
    now: datetime,
    queued_at: datetime,
    keep_trying: timedelta,
    retry_after: float | None = None,
    unreachable: bool = False,
) -> datetime | None:
    """When to try again after the attempt number ``attempts`` (1 = the first); None: give up.

    Waits 1, 5, 15, then 60 minutes. While the other side is ``unreachable`` at most 5, after two hours of that 15, so
    that messages leave soon after it is back. ``retry_after`` (seconds) is what the other side asked for, up to a day.
    The last attempt is made when ``keep_trying`` since ``queued_at`` is over.
    """
    deadline = queued_at + keep_trying
    if now >= deadline:
        return None
    wait = WAITS[min(attempts, len(WAITS)) - 1]
    if unreachable:
        wait = min(wait, UNREACHABLE_WAIT if attempts <= UNREACHABLE_TRIES else UNREACHABLE_LONG_WAIT)
    if retry_after is not None:
        wait = max(wait, min(timedelta(seconds=max(0.0, retry_after)), LONGEST_WISH))
    return min(now + wait, deadline)
