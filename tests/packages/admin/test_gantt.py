"""The gantt: where a line's bars begin and end on the run's time scale."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from packages.admin.gantt import NARROWEST, WIDTH, Bar, Span, Timed, bars, scale_of
from packages.states import Result

START = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def scale(end: float | None = 100, *, now: float = 100):
    return scale_of([], started_at=START, ended_at=None if end is None else at(end), now=at(now))


def drawn(line: Timed, *, end: float | None = 100, now: float = 100) -> list[tuple[str, int, int]]:
    return [(bar.look, bar.x, bar.width) for bar in bars(line, scale=scale(end, now=now), now=at(now))]


def test_a_line_waits_light_and_runs_solid():
    line = Timed(Result.SUCCESS, at(10), at(20), at(60))
    assert drawn(line) == [("wait", 100, 100), ("done", 200, 400)]


def test_between_two_attempts_it_waits_again_and_only_the_last_one_decides():
    attempts = (Span(at(0), at(10)), Span(at(40), at(50)))
    assert drawn(Timed(Result.SUCCESS, at(0), at(0), at(50), attempts)) == [
        ("error", 0, 100),
        ("wait", 100, 300),
        ("done", 400, 100),
    ]
    failed = drawn(Timed(Result.ERROR, at(0), at(0), at(50), attempts))
    assert [look for look, _, _ in failed] == ["error", "wait", "error"]


def test_a_line_left_out_is_hatched_all_along():
    for result in (Result.SKIPPED, Result.NOT_RUN):
        assert drawn(Timed(result, None, None, None)) == [("hatched", 0, WIDTH)]


def test_a_line_that_runs_or_waits_reaches_to_now():
    running = Timed(Result.IN_PROCESS, at(0), at(20), None, (Span(at(20)),))
    assert drawn(running, end=None, now=40) == [("wait", 0, 500), ("run", 500, 500)]
    waiting = Timed(Result.WAITING, at(10), None, None)
    assert drawn(waiting, end=None, now=40) == [("wait", 250, 750)]
    assert drawn(Timed(Result.PENDING, None, None, None), end=None, now=40) == []


def test_the_axis_counts_from_the_start():
    assert scale(100).ticks() == ["0", "25 s", "50 s", "1 min 15 s", "1 min 40 s"]
    assert scale(0.4).ticks() == ["0", "0.10 s", "0.20 s", "0.30 s", "0.40 s"]


@given(waits=st.floats(0, 500), runs=st.floats(0, 500), after=st.floats(0, 500), length=st.floats(0, 2_000))
def test_no_bar_leaves_the_chart_and_none_that_ran_is_invisible(waits, runs, after, length):
    line = Timed(Result.SUCCESS, at(after), at(after + waits), at(after + waits + runs))
    for bar in bars(line, scale=scale(length), now=at(length)):
        assert isinstance(bar, Bar)
        assert 0 <= bar.x <= WIDTH
        assert bar.x + bar.width <= WIDTH
        assert bar.look == "wait" or bar.width >= NARROWEST
