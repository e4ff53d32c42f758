"""When a message is tried again: examples, and what must always be so."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.backoff import next_attempt
from tests.builders import NOW

MINUTE = timedelta(minutes=1)
KEEP_TRYING = timedelta(hours=72)


def after(attempts: int, *, now: datetime = NOW, **more) -> datetime | None:
    return next_attempt(attempts=attempts, now=now, queued_at=NOW, keep_trying=KEEP_TRYING, **more)


@pytest.mark.parametrize(
    ("attempts", "more", "minutes"),
    [
        (1, {}, 1),
        (2, {}, 5),
        (3, {}, 15),
        (4, {}, 60),
        (40, {}, 60),
        (1, {"unreachable": True}, 1),
        (4, {"unreachable": True}, 5),
        (24, {"unreachable": True}, 5),
        (25, {"unreachable": True}, 15),
        (1, {"retry_after": 600}, 10),
        (4, {"retry_after": 600}, 60),
        (1, {"retry_after": -5}, 1),
        (1, {"retry_after": 10**12}, 24 * 60),
    ],
)
def test_the_waits(attempts, more, minutes):
    assert after(attempts, **more) == NOW + minutes * MINUTE


def test_the_last_attempt_is_made_at_the_end_and_then_no_more():
    almost = NOW + KEEP_TRYING - 10 * MINUTE
    assert after(9, now=almost) == NOW + KEEP_TRYING
    assert after(10, now=NOW + KEEP_TRYING) is None
    assert after(10, now=NOW + 2 * KEEP_TRYING) is None


@given(
    attempts=st.integers(1, 10_000),
    waited=st.timedeltas(timedelta(0), KEEP_TRYING * 2),
    retry_after=st.none() | st.floats(0, 10**9),
    unreachable=st.booleans(),
)
def test_it_is_always_later_and_never_after_the_end(attempts, waited, retry_after, unreachable):
    now = NOW + waited
    at = after(attempts, now=now, retry_after=retry_after, unreachable=unreachable)
    if waited >= KEEP_TRYING:
        assert at is None
    else:
        assert at is not None
        assert now < at <= NOW + KEEP_TRYING
