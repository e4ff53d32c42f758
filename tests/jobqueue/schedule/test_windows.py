from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.schedule import DailyWindow, load_zone
from tests.jobqueue.schedule.sample import moment, span

CASES = [
    ("-", {"00:00": True, "23:59": True}),
    ("08:00-", {"07:59:59": False, "08:00": True, "23:59": True, "00:00": False}),
    ("-06:00", {"00:00": True, "06:00": True, "06:00:01": False}),
    ("-00:00", {"00:00": True, "00:00:01": False}),
    ("00:00-", {"00:00": True, "23:59": True}),
    ("00:00-06:00", {"00:00": True, "06:00": True, "07:00": False}),
    ("08:00-17:00", {"08:00": True, "17:00": True, "17:00:00.001": False, "07:59": False}),
    ("22:00-02:00", {"22:00": True, "00:00": True, "02:00": True, "02:01": False, "12:00": False}),
    ("22:00-00:00", {"23:00": True, "00:00": True, "00:01": False}),
    ("11:00-11:00", {"10:59": False, "11:00": True, "11:01": True, "23:59": True, "00:00": False}),
]


@pytest.mark.parametrize(
    ("window", "at", "inside"),
    [(window, at, inside) for window, times in CASES for at, inside in times.items()],
)
def test_the_daily_window_is_tested_by_time_of_day(window, at, inside):
    assert DailyWindow(**span(window)).contains(time.fromisoformat(at)) is inside


@pytest.mark.parametrize(
    ("window", "crosses"),
    [
        ("22:00-02:00", True),
        ("08:00-17:00", False),
        ("11:00-11:00", False),
        ("-06:00", False),
        ("22:00-", False),
    ],
)
def test_only_a_window_that_ends_earlier_than_it_starts_crosses_midnight(window, crosses):
    assert DailyWindow(**span(window)).crosses_midnight is crosses


@pytest.mark.parametrize(
    ("window", "zone", "now", "opening"),
    [
        ("08:00-17:00", "UTC", "2026-03-02T06:00", "2026-03-02T08:00"),
        ("08:00-17:00", "UTC", "2026-03-02T08:00", "2026-03-02T08:00"),
        ("08:00-17:00", "UTC", "2026-03-02T17:30", "2026-03-03T08:00"),
        ("22:00-02:00", "UTC", "2026-03-02T12:00", "2026-03-02T22:00"),
        ("-06:00", "UTC", "2026-03-02T07:00", "2026-03-03T00:00"),
        ("-", "UTC", "2026-03-02T07:00", "2026-03-02T07:00"),
        ("02:30-05:00", "Europe/Copenhagen", "2026-03-29T01:00", "2026-03-29T03:30"),
        ("02:30-05:00", "Europe/Copenhagen", "2026-10-25T01:00", "2026-10-25T02:30"),
        ("08:00-09:00", "Pacific/Apia", "2011-12-29T12:00", "2011-12-31T08:00"),
        ("23:30-", "America/Toronto", "1919-03-30T22:00", "1919-03-31T00:30"),
    ],
)
def test_the_next_opening_is_found_on_the_wall_clock(window, zone, now, opening):
    found = DailyWindow(**span(window)).next_opening(moment(now, zone), zone=load_zone(zone))
    assert found == moment(opening, zone)


@pytest.mark.parametrize(
    ("window", "now", "is_open"),
    [
        ("02:00-02:30", "2026-03-29T03:00+02:00", True),
        ("02:00-02:30", "2026-03-29T03:30+02:00", True),
        ("02:00-02:30", "2026-03-29T03:31+02:00", False),
        ("02:30-03:00", "2026-03-29T03:45+02:00", True),  # stays open for its half hour
        ("02:30-03:00", "2026-03-29T04:15+02:00", False),
        ("02:30-", "2026-10-25T02:15+01:00", True),  # opened at the first 02:30
        ("02:30-", "2026-10-25T02:15+02:00", False),
        ("22:00-02:30", "2026-03-29T03:30+02:00", True),
        ("08:00-17:00", "2026-03-29T07:59+02:00", False),
    ],
)
def test_a_window_moved_by_a_clock_change_stays_open_for_its_runs(window, now, is_open):
    assert DailyWindow(**span(window)).is_open(moment(now), zone=load_zone("Europe/Copenhagen")) is is_open


clock_times = st.none() | st.times()


@given(clock_times, clock_times, st.datetimes().map(lambda at: at.replace(year=2026)))
def test_without_clock_changes_a_window_is_open_exactly_at_its_times_of_day(start, end, at):
    window = DailyWindow(start, end)
    assert window.is_open(moment(at.isoformat()), zone=load_zone("UTC")) == window.contains(at.time())
