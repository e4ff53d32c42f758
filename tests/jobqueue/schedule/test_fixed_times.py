from datetime import date

import pytest

from jobqueue.schedule import (
    ScheduleError,
    inactivity_run,
    initial_run,
    next_fixed,
    next_run,
    occurrences,
    slots,
    window_reschedule,
)
from tests.jobqueue.schedule.sample import ALL_DAYS, MON, MON_FRI, NO_DAY, fixed, moment

AMSTERDAM = "Europe/Amsterdam"
SAT = frozenset({6})
FRI = frozenset({5})


def due_times(recurrence, *, after, until):
    zone = recurrence.time_zone
    found = occurrences(recurrence, after=moment(after, zone), until=moment(until, zone))
    return [at.astimezone(recurrence.zone).strftime("%d %H:%M") for at in found]


def test_the_packages_example_of_two_recurrences():
    weekdays = fixed(MON_FRI, window="22:00-", time_zone=AMSTERDAM)
    saturday = fixed(SAT, window="06:00-", time_zone=AMSTERDAM)
    now = moment("2026-11-20T12:00", AMSTERDAM)
    found = []
    for _ in range(3):
        now = min(initial_run(weekdays, now=now), initial_run(saturday, now=now))
        found.append(now)
    assert found == [
        moment(text, AMSTERDAM) for text in ("2026-11-20T22:00", "2026-11-21T06:00", "2026-11-23T22:00")
    ]


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-11-20T12:00", "2026-11-30T22:00"), ("2026-11-30T23:00", "2026-12-31T22:00")],
)
def test_the_packages_example_of_a_formula(now, expected):
    monthly = fixed(formula="CM", window="22:00-", time_zone=AMSTERDAM)
    assert initial_run(monthly, now=moment(now, AMSTERDAM)) == moment(expected, AMSTERDAM)
    assert next_run(monthly, base=moment(now, AMSTERDAM)) == moment(expected, AMSTERDAM)


def test_the_packages_example_of_a_time_that_does_not_exist():
    daily = fixed(ALL_DAYS, window="02:30-", time_zone=AMSTERDAM)
    assert due_times(daily, after="2026-03-28T00:00", until="2026-03-31T00:00") == [
        "28 02:30",
        "29 03:30",
        "30 02:30",
    ]


def test_a_time_that_exists_twice_runs_once():
    daily = fixed(ALL_DAYS, window="02:30-", time_zone=AMSTERDAM)
    found = list(occurrences(daily, after=moment("2026-10-24T12:00Z"), until=moment("2026-10-26T12:00Z")))
    assert found == [moment("2026-10-25T02:30+02:00"), moment("2026-10-26T02:30+01:00")]


@pytest.mark.parametrize(("day", "runs"), [("2026-03-28", 7), ("2026-03-29", 6), ("2026-10-25", 8)])
def test_a_grid_steps_in_elapsed_minutes_over_a_clock_change(day, runs):
    hourly = fixed(ALL_DAYS, 60, "00:00-06:00", time_zone=AMSTERDAM)
    after, until = moment(f"{day}T00:00", AMSTERDAM), moment(f"{day}T12:00", AMSTERDAM)
    assert len([after, *occurrences(hourly, after=after, until=until)]) == runs


GRIDS = [
    ("daily without a start", fixed(MON_FRI), "03-06T12:00", "03-10T12:00", ["09 00:00", "10 00:00"]),
    ("1,440 minutes are daily", fixed(MON_FRI, 1440, "08:00-"), "03-06T09:00", "03-09T09:00", ["09 08:00"]),
    ("end inclusive", fixed(MON, 30, "08:00-09:00"), "03-02T00:00", "03-08T00:00",
     ["02 08:00", "02 08:30", "02 09:00"]),
    ("end between steps", fixed(MON, 40, "08:00-09:00"), "03-02T00:00", "03-08T00:00", ["02 08:00", "02 08:40"]),
    ("until the end of the day", fixed(MON, 360), "03-01T23:00", "03-08T00:00",
     ["02 00:00", "02 06:00", "02 12:00", "02 18:00"]),
    ("interval longer than the window", fixed(MON, 600, "08:00-09:00"), "03-02T00:00", "03-09T08:00",
     ["02 08:00", "09 08:00"]),
    ("over midnight, by the day it opens", fixed(MON, 120, "22:00-02:00"), "03-02T12:00", "03-09T12:00",
     ["02 22:00", "03 00:00", "03 02:00"]),
    ("seen from after midnight", fixed(MON, 120, "22:00-02:00"), "03-03T00:30", "03-09T12:00", ["03 02:00"]),
    ("until midnight", fixed(MON, 60, "22:00-00:00"), "03-02T12:00", "03-09T12:00",
     ["02 22:00", "02 23:00", "03 00:00"]),
    ("equal ends mean one due time", fixed(MON_FRI, 60, "11:00-11:00"), "03-06T12:00", "03-10T12:00",
     ["09 11:00", "10 11:00"]),
    ("end only", fixed(MON, 60, "-02:00"), "03-01T12:00", "03-08T12:00", ["02 00:00", "02 01:00", "02 02:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("case", "recurrence", "after", "until", "expected"), GRIDS)
def test_due_times_of_a_fixed_grid(case, recurrence, after, until, expected):
    assert due_times(recurrence, after=f"2026-{after}", until=f"2026-{until}") == expected, case


def test_due_times_do_not_drift_with_the_run():
    daily = fixed(ALL_DAYS, 1440, "08:00-")
    found = next_fixed(daily, due=moment("2026-03-02T08:00"), now=moment("2026-03-02T08:05"))
    assert found == moment("2026-03-03T08:00")


def test_due_times_passed_during_a_long_run_are_left_behind():
    grid = fixed(MON_FRI, 15, "08:00-17:00")
    due = moment("2026-03-02T08:00")
    assert next_fixed(grid, due=due, now=moment("2026-03-02T09:07")) == moment("2026-03-02T09:15")
    assert next_fixed(grid, due=due, now=moment("2026-03-02T09:15")) == moment("2026-03-02T09:30")
    assert next_fixed(grid, due=due, now=moment("2026-03-06T17:01")) == moment("2026-03-09T08:00")
    assert next_fixed(grid, due=due, now=moment("2026-03-02T07:59")) == moment("2026-03-02T08:15")


def test_a_formula_steps_from_the_due_date_not_from_the_finish():
    nightly = fixed(formula="1D", window="23:50-")
    due, ended = moment("2026-03-02T23:50"), moment("2026-03-03T00:10")
    assert next_fixed(nightly, due=due, now=ended) == moment("2026-03-03T23:50")
    fortnightly = fixed(formula="2W", window="08:00-")
    due = moment("2026-03-02T08:00")
    assert next_fixed(fortnightly, due=due, now=moment("2026-03-03T09:00")) == moment("2026-03-16T08:00")
    assert next_fixed(fortnightly, due=due, now=moment("2026-04-01T09:00")) == moment("2026-04-13T08:00")


def test_a_formula_date_can_carry_a_grid():
    grid = fixed(formula="CM", minutes=120, window="20:00-02:00")
    assert due_times(grid, after="2026-03-05T00:00", until="2026-05-01T00:00") == [
        "31 20:00",
        "31 22:00",
        "01 00:00",
        "01 02:00",
        "30 20:00",
        "30 22:00",
        "01 00:00",
    ]
    # After midnight the window still belongs to the last of the month.
    found = next_fixed(grid, due=moment("2026-04-01T00:00"), now=moment("2026-04-01T00:05"))
    assert found == moment("2026-04-01T02:00")


def test_several_days_are_counted_from_the_anchor_date():
    grid = fixed(ALL_DAYS, 2880, "10:00-", anchor_date=date(2026, 3, 2))
    assert due_times(grid, after="2026-03-03T00:00", until="2026-03-09T00:00") == [
        "04 10:00",
        "06 10:00",
        "08 10:00",
    ]
    weekdays = fixed(MON_FRI, 2880, "10:00-", anchor_date=date(2026, 3, 2))
    assert due_times(weekdays, after="2026-03-05T00:00", until="2026-03-13T00:00") == [
        "06 10:00",
        "10 10:00",
        "12 10:00",
    ]


def test_days_count_from_the_first_ticked_day_so_that_a_weekly_grid_is_never_empty():
    weekly = fixed(MON, 10080, "03:00-", anchor_date=date(2026, 3, 4))
    assert due_times(weekly, after="2026-03-01T00:00", until="2026-03-17T00:00") == ["09 03:00", "16 03:00"]


def test_without_an_anchor_date_days_count_from_the_due_date():
    grid = fixed(ALL_DAYS, 4320, "10:00-")
    found = next_fixed(grid, due=moment("2026-03-02T10:00"), now=moment("2026-03-09T11:00"))
    assert found == moment("2026-03-11T10:00")
    assert grid.anchored(date(2026, 3, 2)).anchor_date == date(2026, 3, 2)
    assert fixed(MON, 10080).anchored(date(2026, 3, 4)).anchor_date == date(2026, 3, 9)
    assert fixed(MON, 60).anchored(date(2026, 3, 4)).anchor_date is None


@pytest.mark.parametrize(
    ("recurrence", "start", "now", "expected"),
    [
        (fixed(MON_FRI, 60, "08:00-17:00"), None, "03-02T08:00", "03-02T09:00"),
        (fixed(MON_FRI, 60, "08:00-17:00"), "03-04T08:00", "03-02T08:00", "03-04T08:00"),
        (fixed(MON_FRI, 60, "08:00-17:00"), "03-04T08:10", "03-02T08:00", "03-04T09:00"),
        (fixed(MON_FRI, 60, "08:00-17:00"), "03-01T08:00", "03-02T08:30", "03-02T09:00"),
        (fixed(formula="CM", window="22:00-"), "03-31T22:00", "03-02T08:00", "03-31T22:00"),
        (fixed(formula="CM", window="22:00-"), "03-31T22:01", "03-02T08:00", "04-30T22:00"),
        (fixed(formula="CM", window="22:00-"), "05-15T08:00", "03-02T08:00", "05-31T22:00"),
        (fixed(formula="2W", window="08:00-"), "03-09T08:00", "03-02T08:00", "03-09T08:00"),
        (fixed(formula="2W", window="08:00-"), "03-09T08:01", "03-02T08:00", "03-10T08:00"),
        (fixed(formula="5Y", window="08:00-"), "03-09T08:00", "03-02T08:00", "03-09T08:00"),
        (fixed(formula="CY+1D", window="08:00-"), "03-09T08:00", "03-02T08:00", "2027-01-01T08:00"),
        (fixed(formula="WD1", window="08:00-"), "03-12T08:00", "03-02T08:00", "03-16T08:00"),
        (fixed(ALL_DAYS, 2880, "10:00-"), "03-09T08:00", "03-02T08:00", "03-09T10:00"),
    ],
)
def test_first_due_time_is_later_than_now_and_not_before_the_earliest_start(recurrence, start, now, expected):
    start = moment(f"2026-{start}") if start else None
    expected = moment(expected if expected.startswith("2027") else f"2026-{expected}")
    assert initial_run(recurrence, now=moment(f"2026-{now}"), earliest_start=start) == expected
    assert window_reschedule(recurrence, now=moment(f"2026-{now}"), earliest_start=start) == expected


def test_next_run_takes_the_earliest_start_for_the_due_time():
    nightly = fixed(formula="1D", window="23:50-")
    found = next_run(nightly, base=moment("2026-03-03T00:10"), earliest_start=moment("2026-03-02T23:50"))
    assert found == moment("2026-03-03T23:50")
    later = next_run(
        fixed(MON, 60, "08:00-"), base=moment("2026-03-02T08:00"), earliest_start=moment("2026-03-09T10:00")
    )
    assert later == moment("2026-03-09T10:00")


def test_an_inactive_job_wakes_on_the_grid():
    grid = fixed(MON_FRI, 15, "08:00-17:00")
    assert inactivity_run(grid, now=moment("2026-03-02T10:00"), minutes=30) == moment("2026-03-02T10:30")
    assert inactivity_run(grid, now=moment("2026-03-02T10:01"), minutes=30) == moment("2026-03-02T10:45")
    assert inactivity_run(grid, now=moment("2026-03-02T10:00"), minutes=720) == moment("2026-03-03T08:00")
    monthly = fixed(formula="CM", window="22:00-")
    assert inactivity_run(monthly, now=moment("2026-03-31T22:05"), minutes=720) == moment("2026-04-30T22:00")


def test_a_day_the_zone_left_out_gives_no_second_run():
    apia = fixed(ALL_DAYS, window="08:00-", time_zone="Pacific/Apia")
    found = list(occurrences(apia, after=moment("2011-12-29T00:00Z"), limit=3))
    assert found == [
        moment("2011-12-29T08:00-10:00"),
        moment("2011-12-31T08:00+14:00"),
        moment("2012-01-01T08:00+14:00"),
    ]


def test_a_job_of_the_day_left_out_runs_the_same_distance_later():
    fridays = fixed(FRI, window="08:00-", time_zone="Pacific/Apia")
    found = next(slots(fridays, after=moment("2011-12-29T20:00Z")))
    assert (found.at, found.window_date) == (moment("2011-12-31T08:00+14:00"), date(2011, 12, 30))


def test_an_overlap_made_by_a_clock_change_repeats_no_due_time():
    # The window of the 28th ends at 02:45, which becomes 03:45; the next one opens at 03:00.
    grid = fixed(ALL_DAYS, 15, "03:00-02:45", time_zone=AMSTERDAM)
    after, until = moment("2026-03-29T01:30+01:00"), moment("2026-03-29T04:15+02:00")
    found = [at.strftime("%H:%M") for at in occurrences(grid, after=after, until=until)]
    assert found == ["00:45", "01:00", "01:15", "01:30", "01:45", "02:00", "02:15"]


def test_a_window_that_a_clock_change_turns_round_keeps_its_first_due_time():
    grid = fixed(ALL_DAYS, 15, "02:30-03:00", time_zone=AMSTERDAM)
    assert due_times(grid, after="2026-03-29T00:00", until="2026-03-30T02:40") == ["29 03:30", "30 02:30"]


@pytest.mark.parametrize(
    ("recurrence", "code"),
    [(fixed(), "not_recurring"), (fixed(NO_DAY, 30), "no_weekday"), (fixed(formula="-2Y"), "past_result")],
)
def test_a_grid_without_due_times_says_why(recurrence, code):
    now = moment("2026-03-02T10:00")
    with pytest.raises(ScheduleError) as refused:
        next_fixed(recurrence, due=now, now=now)
    assert refused.value.code == code


def test_the_end_of_the_calendar_is_the_end_of_the_grid():
    late = moment("9999-12-30T12:00")
    assert list(occurrences(fixed(ALL_DAYS, window="08:00-"), after=late)) == []
    with pytest.raises(ScheduleError) as refused:
        next_fixed(fixed(ALL_DAYS, window="08:00-"), due=late, now=late)
    assert refused.value.code == "never_runs"
    with pytest.raises(ScheduleError) as refused:
        next_fixed(fixed(ALL_DAYS, 1440 * 1_000_000), due=moment("2026-03-02T08:00"), now=late)
    assert refused.value.code == "never_runs"
