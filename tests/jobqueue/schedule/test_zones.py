from datetime import UTC, date, datetime, time, timedelta

import pytest

from jobqueue.schedule import ScheduleError, as_utc, load_zone, to_local, to_utc
from jobqueue.schedule.zones import WallClock, add_minutes, wall_clock


@pytest.mark.parametrize(
    "name",
    ["", "Europe/Nowhere", "../etc/passwd", "/etc/passwd", "Europe", "localtime", "right/UTC", "UTC+1", "a\0b", None, 7,
     "x" * 5000, "\ud800"],
)  # fmt: skip
def test_a_name_that_is_no_time_zone_is_refused(name):
    with pytest.raises(ScheduleError) as refused:
        load_zone(name)
    assert refused.value.code == "unknown_time_zone"
    assert "Europe/Copenhagen" in refused.value.message


@pytest.mark.parametrize(
    ("zone", "day", "at", "moment", "kind"),
    [
        ("Europe/Copenhagen", "2026-03-29", "02:30", "2026-03-29T01:30", WallClock.SKIPPED),
        ("Europe/Copenhagen", "2026-03-29", "02:00", "2026-03-29T01:00", WallClock.SKIPPED),
        ("Europe/Copenhagen", "2026-03-29", "03:00", "2026-03-29T01:00", WallClock.ONCE),
        ("Europe/Copenhagen", "2026-10-25", "02:30", "2026-10-25T00:30", WallClock.TWICE),
        ("Europe/Copenhagen", "2026-10-25", "03:00", "2026-10-25T02:00", WallClock.ONCE),
        ("Europe/Amsterdam", "2026-03-29", "02:30", "2026-03-29T01:30", WallClock.SKIPPED),
        ("America/New_York", "2026-03-08", "02:15", "2026-03-08T07:15", WallClock.SKIPPED),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30", WallClock.TWICE),
        ("Australia/Lord_Howe", "2026-10-04", "02:10", "2026-10-03T15:40", WallClock.SKIPPED),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45", WallClock.TWICE),
        ("Asia/Kathmandu", "2026-03-02", "08:00", "2026-03-02T02:15", WallClock.ONCE),
        ("Africa/Cairo", "2026-04-24", "00:00", "2026-04-23T22:00", WallClock.SKIPPED),
        ("Pacific/Apia", "2011-12-30", "08:00", "2011-12-30T18:00", WallClock.SKIPPED),
        ("Pacific/Apia", "2011-12-31", "08:00", "2011-12-30T18:00", WallClock.ONCE),
    ],
)
def test_a_wall_clock_time_is_read_by_the_rules_for_clock_changes(zone, day, at, moment, kind):
    day, at, zone = date.fromisoformat(day), time.fromisoformat(at), load_zone(zone)
    assert to_utc(day, at, zone=zone) == datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert wall_clock(day, at, zone=zone) is kind


def test_a_time_the_half_hour_change_skips_moves_by_half_an_hour():
    zone = load_zone("Australia/Lord_Howe")
    assert to_local(to_utc(date(2026, 10, 4), time(2, 10), zone=zone), zone=zone).time() == time(2, 40)


def test_a_moment_without_offset_is_refused():
    with pytest.raises(ScheduleError) as refused:
        as_utc(datetime(2026, 3, 2, 8))
    assert refused.value.code == "naive_moment"


def test_the_ends_of_the_calendar_are_an_error_and_no_crash():
    east, west = load_zone("Asia/Tokyo"), load_zone("America/New_York")
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    for attempt in (
        lambda: to_local(last, zone=east),
        lambda: to_local(datetime(1, 1, 1, tzinfo=UTC), zone=west),
        lambda: to_utc(date(1, 1, 1), time(0), zone=east),
        lambda: add_minutes(last, 2_147_483_647),
        lambda: as_utc(last.replace(tzinfo=west)),
    ):
        with pytest.raises(ScheduleError) as refused:
            attempt()
        assert refused.value.code == "date_out_of_range"


def test_minutes_are_added_as_elapsed_time():
    zone = load_zone("Europe/Copenhagen")
    before = datetime(2026, 3, 29, 1, 30, tzinfo=zone)
    assert to_local(add_minutes(before, 60), zone=zone).time() == time(3, 30)
    assert add_minutes(before, 60) - as_utc(before) == timedelta(hours=1)
