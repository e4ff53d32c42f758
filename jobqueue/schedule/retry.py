"""Whether and when a failed run is tried again (*Job queue reference, Retry decision*)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobqueue.schedule.errors import DateOutOfRange
from jobqueue.schedule.zones import as_utc

MAX_RETRIES = 10
_LAST_POWER = 7
_LONGEST_EXTRA_WAIT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Retry:
    """The retry to schedule: its number (1 to 10), and its UTC moment before the second enqueueing may add."""

    attempt: int
    at: datetime


def extra_wait(attempt: int) -> timedelta:
    """Return the wait added to retry *attempt*: 10 ms, 100 ms, 1 s … 2 h 46 min 40 s for the 7th, then 6 hours."""
    if attempt > _LAST_POWER:
        return _LONGEST_EXTRA_WAIT
    return timedelta(milliseconds=10**attempt)


def retry_decision(
    max_attempts: int, *, attempts_done: int, rerun_delay_seconds: int, now: datetime
) -> Retry | None:
    """Return the next retry of a run that failed at *now*, or None if it has failed for good.

    The same rule for recurring jobs and those that run once. *max_attempts* 0 or less means no retry, more than 10
    means 10; *attempts_done* counts the retries already made. 3 allowed, none done, 45 s delay, failed at 12:00:00:
    retry 1 at 12:00:45.010. Weekdays and window are not looked at here.
    """
    done = max(0, attempts_done)
    if not (max_attempts > done and done < MAX_RETRIES):
        return None
    try:
        at = as_utc(now) + timedelta(seconds=max(0, rerun_delay_seconds)) + extra_wait(done + 1)
    except OverflowError as error:
        raise DateOutOfRange("The retry lies after the year 9999. Shorten the rerun delay.") from error
    return Retry(attempt=done + 1, at=at)
