import time as stopwatch

import pytest

from jobqueue.schedule import Gap, ScheduleError, gap_between, next_fixed, occurrences, preview
from tests.jobqueue.schedule.sample import ALL_DAYS, MON_FRI, fixed, moment, schedule

CPH = "Europe/Copenhagen"


@pytest.mark.parametrize(
    ("recurrence", "last_due", "now", "gap"),
    [
        (fixed(MON_FRI, 15, "08:00-17:00"), "03-02T08:00", "03-02T08:14", None),
        (fixed(MON_FRI, 15, "08:00-17:00"), "03-02T08:00", "03-02T08:15", (1, "03-02T08:15", "03-02T08:15")),
        (fixed(MON_FRI, 15, "08:00-17:00"), "03-02T08:00", "03-02T09:07", (4, "03-02T08:15", "03-02T09:00")),
        (fixed(MON_FRI, 60, "08:00-17:00"), "03-06T16:00", "03-09T08:30", (2, "03-06T17:00", "03-09T08:00")),
        (
            fixed(formula="1D", window="08:00-"),
            "03-02T08:00",
            "03-05T07:00",
            (2, "03-03T08:00", "03-04T08:00"),
        ),
        (
            fixed(formula="CM", window="22:00-"),
            "03-31T22:00",
            "06-01T00:00",
            (2, "04-30T22:00", "05-31T22:00"),
        ),
        (fixed(ALL_DAYS, 2880, "10:00-"), "03-02T10:00", "03-08T09:00", (2, "03-04T10:00", "03-06T10:00")),
        (fixed(MON_FRI, 15), "03-02T08:00", "03-01T08:00", None),
    ],
)
def test_missed_due_times_are_one_gap(recurrence, last_due, now, gap):
    found = gap_between(recurrence, last_due=moment(f"2026-{last_due}"), now=moment(f"2026-{now}"))
    expected = None
    if gap:
        expected = Gap(count=gap[0], first_due=moment(f"2026-{gap[1]}"), last_due=moment(f"2026-{gap[2]}"))
    assert found == expected


def test_a_year_of_minutes_is_counted_by_windows_and_not_one_by_one():
    every_minute = fixed(ALL_DAYS, 1, time_zone=CPH)
    begun = stopwatch.perf_counter()
    gap = gap_between(
        every_minute, last_due=moment("2026-01-01T00:00", CPH), now=moment("2027-01-01T00:00", CPH)
    )
    assert gap.count == 365 * 1440
    assert stopwatch.perf_counter() - begun < 1


def test_a_gap_counts_a_day_the_zone_left_out_once():
    grid = fixed(ALL_DAYS, 60, "08:00-17:00", time_zone="Pacific/Apia")
    last_due, now = moment("2011-12-29T17:00-10:00"), moment("2011-12-31T18:00+14:00")
    assert gap_between(grid, last_due=last_due, now=now).count == 10
    assert len(list(occurrences(grid, after=last_due, until=now))) == 10


def test_due_times_can_be_limited_by_number_and_by_moment():
    hourly = fixed(MON_FRI, 60, "08:00-17:00")
    after = moment("2026-03-02T08:00")
    assert len(list(occurrences(hourly, after=after, limit=3))) == 3
    assert list(occurrences(hourly, after=after, until=after)) == []
    assert list(occurrences(hourly, after=after, until=moment("2026-03-02T10:00"))) == [
        moment("2026-03-02T09:00"),
        moment("2026-03-02T10:00"),
    ]


def test_preview_of_fixed_times_starts_at_the_first_run_and_goes_on():
    found = preview(
        fixed(MON_FRI, window="22:00-", time_zone=CPH), now=moment("2026-11-20T12:00", CPH), count=3
    )
    assert [item.local.strftime("%a %d %H:%M") for item in found] == [
        "Fri 20 22:00",
        "Mon 23 22:00",
        "Tue 24 22:00",
    ]
    assert [item.at for item in found] == [item.local for item in found]


def test_preview_counts_completion_from_runs_that_last_no_time():
    found = preview(schedule(MON_FRI, 60, "08:00-10:00"), now=moment("2026-03-06T09:30"), count=4)
    assert [item.at for item in found] == [
        moment(f"2026-03-{text}") for text in ("06T09:30", "09T08:00", "09T09:00", "09T10:00")
    ]


def test_preview_of_a_monthly_formula_after_completion():
    found = preview(schedule(formula="CM", window="23:00-"), now=moment("2026-03-15T23:30"), count=3)
    assert [item.at for item in found] == [
        moment(text) for text in ("2026-03-15T23:30", "2026-03-31T23:00", "2026-04-30T23:00")
    ]


def test_preview_of_a_job_that_runs_once_has_one_line():
    found = preview(schedule(), now=moment("2026-03-02T08:00"), earliest_start=moment("2026-03-03T08:00"))
    assert [item.at for item in found] == [moment("2026-03-03T08:00")]


def test_preview_ends_where_the_schedule_ends():
    assert len(preview(schedule(ALL_DAYS, 1440), now=moment("9999-12-25T12:00"))) == 7
    assert len(preview(fixed(ALL_DAYS), now=moment("9999-12-25T12:00"))) == 5
    assert preview(fixed(ALL_DAYS), now=moment("2026-03-02T08:00"), count=0) == []


def test_preview_says_why_there_is_no_first_run():
    with pytest.raises(ScheduleError) as refused:
        preview(fixed(formula="-2Y"), now=moment("2026-03-02T08:00"))
    assert refused.value.code == "past_result"


@pytest.mark.parametrize("recurrence", [fixed(ALL_DAYS, window="02:30-", time_zone=CPH),
                                        schedule(formula="1D", window="02:30-", time_zone=CPH)])  # fmt: skip
def test_preview_remarks_on_the_clock_going_forward(recurrence):
    notes = [item.notes for item in preview(recurrence, now=moment("2026-03-28T02:00", CPH), count=3)]
    assert notes == [
        (),
        (
            "clock goes forward: 02:30 does not exist, runs at 03:30",
            "clock changed since the run before: now UTC+02:00",
        ),
        (),
    ]


def test_preview_remarks_on_the_clock_going_back():
    daily = fixed(ALL_DAYS, window="02:30-", time_zone=CPH)
    notes = [item.notes for item in preview(daily, now=moment("2026-10-24T12:00", CPH), count=2)]
    assert notes[0] == ("clock goes back: 02:30 comes twice, runs at the first passing",)
    assert notes[1] == ("clock changed since the run before: now UTC+01:00",)
    hourly = preview(fixed(ALL_DAYS, 60, time_zone=CPH), now=moment("2026-10-25T02:30+02:00"), count=1)
    assert hourly[0].notes == ("clock goes back: 02:00 comes twice, runs at the second passing",)


def test_preview_names_the_day_a_zone_left_out():
    fridays = fixed(frozenset({5}), window="08:00-", time_zone="Pacific/Apia")
    found = preview(fridays, now=moment("2011-12-29T12:00", "Pacific/Apia"), count=1)
    assert found[0].notes == ("clock goes forward: 08:00 on 2011-12-30 does not exist, runs at 08:00",)


def test_a_gap_and_the_next_due_time_meet():
    grid = fixed(MON_FRI, 7, "08:00-17:00", time_zone=CPH)
    due, now = moment("2026-03-27T16:00", CPH), moment("2026-03-30T11:11", CPH)
    gap = gap_between(grid, last_due=due, now=now)
    following = next_fixed(grid, due=due, now=now)
    assert gap.last_due <= now < following
    assert list(occurrences(grid, after=gap.last_due, limit=1)) == [following]
