from datetime import timedelta

import pytest

from jobqueue.schedule import ScheduleError, retry_decision
from jobqueue.schedule.retry import extra_wait
from tests.jobqueue.schedule.sample import moment

NOON = moment("2026-03-02T12:00")


@pytest.mark.parametrize(
    ("max_attempts", "done", "delay", "attempt", "at"),
    [
        (3, 0, 45, 1, "12:00:45.010"),
        (3, 2, 45, 3, "12:00:46.000"),
        (10, 4, 0, 5, "12:01:40.000"),
        (10, 6, 3600, 7, "15:46:40.000"),
        (10, 7, 0, 8, "18:00:00.000"),
        (10, 9, 60, 10, "18:01:00.000"),
        (3, 0, 0, 1, "12:00:00.010"),  # enqueueing raises it to a second from now
        (3, 0, -5, 1, "12:00:00.010"),
    ],
)
def test_a_failed_run_is_tried_again_after_a_growing_wait(max_attempts, done, delay, attempt, at):
    retry = retry_decision(max_attempts, attempts_done=done, rerun_delay_seconds=delay, now=NOON)
    assert (retry.attempt, retry.at) == (attempt, moment(f"2026-03-02T{at}"))


@pytest.mark.parametrize(("max_attempts", "done"), [(0, 0), (-3, 0), (3, 3), (3, 7), (50, 10), (10, 10)])
def test_a_run_that_used_up_its_attempts_has_failed_for_good(max_attempts, done):
    assert retry_decision(max_attempts, attempts_done=done, rerun_delay_seconds=60, now=NOON) is None


def test_the_extra_wait_grows_tenfold_up_to_six_hours():
    seconds = [extra_wait(attempt) / timedelta(seconds=1) for attempt in range(1, 11)]
    assert seconds == [0.01, 0.1, 1, 10, 100, 1000, 10000, 21600, 21600, 21600]


def test_a_retry_after_the_calendar_is_an_error():
    with pytest.raises(ScheduleError):
        retry_decision(1, attempts_done=0, rerun_delay_seconds=10**15, now=NOON)
