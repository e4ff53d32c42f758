"""Waits between the scheduler's own retries of a routine, in seconds. Pure arithmetic."""

MAIN_RETRIES = 99
FAILURE_CAP_SECONDS = 5.0


def main_retry_seconds(attempt: int) -> float | None:
    """Wait before the retry that follows the run number ``attempt`` (0 = first run); None when all are used up.

    Source: *Job queue reference, Task scheduler*, online schedule: retries 1-2 wait 0.5 minutes, 3-4 1, 5-6 2, 7-8 3,
    9-99 5 minutes.

    >>> [main_retry_seconds(attempt) for attempt in (0, 2, 8, 98, 99)]
    [30.0, 60.0, 300.0, 300.0, None]
    """
    retry = attempt + 1
    if retry > MAIN_RETRIES:
        return None
    for last, minutes in ((2, 0.5), (4, 1), (6, 2), (8, 3)):
        if retry <= last:
            return minutes * 60.0
    return 300.0


def failure_retry_seconds(attempt: int) -> float:
    """Wait before a failure routine is tried again: doubling from 0.1, never above 5 seconds, without end.

    >>> [failure_retry_seconds(attempt) for attempt in (0, 1, 5, 50)]
    [0.1, 0.2, 3.2, 5.0]
    """
    return min(FAILURE_CAP_SECONDS, 0.1 * 2 ** min(attempt, 10))
