import pytest

from jobqueue.schedule import (
    ScheduleError,
    align,
    inactivity_run,
    initial_run,
    next_after_completion,
    next_run,
    window_reschedule,
)
from tests.jobqueue.schedule.sample import ALL_DAYS, MON, MON_FRI, NO_DAY, SUN, moment, schedule

AFTER_SUCCESS = [
    (1, MON_FRI, 15, "-", "03-02T10:07:30", "03-02T10:22:30"),
    (2, MON_FRI, 60, "08:00-17:00", "03-02T16:20", "03-03T08:00"),
    (3, MON_FRI, 60, "08:00-17:00", "03-02T16:00", "03-02T17:00"),
    (4, MON_FRI, 60, "08:00-17:00", "03-06T16:30", "03-09T08:00"),
    (5, MON_FRI, 60, "-", "03-06T23:30", "03-09T00:00"),
    (6, MON_FRI, 60, "08:00-", "03-06T23:30", "03-09T08:00"),
    (7, MON_FRI, 5, "08:00-17:00", "03-02T07:10", "03-02T08:00"),
    (8, ALL_DAYS, 1440, "08:00-", "03-02T08:05", "03-03T08:05"),
    (9, ALL_DAYS, 1440, "08:00-08:03", "03-02T08:05", "03-04T08:00"),
    (10, ALL_DAYS, 1440, "02:00-02:30", "03-02T02:04", "03-03T02:04"),
    (11, ALL_DAYS, 1440, "02:00-02:30", "03-02T02:31", "03-04T02:00"),
    (13, ALL_DAYS, 30, "22:00-02:00", "03-02T01:45", "03-02T22:00"),
    (14, MON, 30, "22:00-02:00", "03-02T23:20", "03-02T23:50"),
    (15, MON, 30, "22:00-02:00", "03-02T23:50", "03-09T00:20"),
    (16, MON, 30, "22:00-02:00", "03-09T01:45", "03-09T22:00"),
    (17, SUN, 1440, "-", "03-01T13:00", "03-08T00:00"),
    (18, SUN, 1440, "06:00-", "03-01T06:10", "03-08T06:00"),
    (19, SUN, 60, "-", "03-01T13:00", "03-01T14:00"),
    (20, SUN, 60, "-", "03-01T23:30", "03-08T00:00"),
    (21, ALL_DAYS, 60, "18:00-", "03-02T23:30", "03-03T18:00"),
    (22, ALL_DAYS, 2880, "10:00-", "03-02T10:01", "03-04T10:01"),
    (23, MON_FRI, 2880, "10:00-", "03-05T10:01", "03-09T10:00"),
    (24, ALL_DAYS, 60, "11:00-11:00", "03-02T11:00:20", "03-03T11:00"),
    (25, ALL_DAYS, 60, "-06:00", "03-02T05:30", "03-03T00:00"),
    (26, ALL_DAYS, 10080, "03:00-", "03-02T03:20", "03-09T03:20"),
]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize(("row", "days", "minutes", "window", "finished", "expected"), AFTER_SUCCESS)
def test_next_run_after_a_success(row, days, minutes, window, finished, expected, zone):
    found = next_after_completion(
        schedule(days, minutes, window, time_zone=zone),
        finished_at=moment(f"2026-{finished}", zone),
        earliest_start=None,
    )
    assert found == moment(f"2026-{expected}", zone), f"reference row {row}"


def test_zero_minutes_count_from_the_earliest_start_without_drift():
    found = next_after_completion(
        schedule(ALL_DAYS, 0, "08:00-"),
        finished_at=moment("2026-03-02T08:05"),
        earliest_start=moment("2026-03-02T08:00"),
    )
    assert found == moment("2026-03-03T08:00")  # row 12


def test_zero_minutes_without_an_earliest_start_count_from_the_finish():
    daily = schedule(MON_FRI, 0, "08:00-")
    found = next_after_completion(daily, finished_at=moment("2026-03-06T08:05"), earliest_start=None)
    assert found == moment("2026-03-09T08:00")


@pytest.mark.parametrize(
    ("recurrence", "code"),
    [
        (schedule(NO_DAY, 30, "08:00-"), "no_weekday"),  # row 27
        (schedule(NO_DAY, 30), "no_weekday"),
        (schedule(frozenset({9}), 30), "no_weekday"),
        (schedule(), "not_recurring"),
    ],
)
def test_a_job_without_a_day_to_run_on_has_no_next_run(recurrence, code):
    now = moment("2026-03-02T10:00")
    for ask in (
        lambda: next_after_completion(recurrence, finished_at=now, earliest_start=None),
        lambda: next_run(recurrence, base=now),
        lambda: inactivity_run(recurrence, now=now, minutes=5),
        lambda: align(recurrence, base=now),
    ):
        with pytest.raises(ScheduleError) as refused:
            ask()
        assert refused.value.code == code


INITIAL = [
    (28, MON_FRI, 60, "08:00-17:00", None, "03-02T06:00", "03-02T08:00"),
    (29, MON_FRI, 60, "08:00-17:00", None, "03-02T09:30", "03-02T09:30"),
    (30, MON_FRI, 60, "08:00-17:00", None, "03-02T18:00", "03-03T08:00"),
    (31, MON_FRI, 60, "08:00-17:00", None, "03-07T10:00", "03-09T08:00"),
    (32, MON_FRI, 60, "-", None, "03-07T10:00", "03-09T00:00"),
    (33, MON_FRI, 60, "08:00-17:00", "03-04T11:15", "03-02T09:00", "03-04T11:15"),
    (34, MON_FRI, 60, "08:00-17:00", "03-07T11:15", "03-02T09:00", "03-09T08:00"),
    (35, MON, 60, "22:00-02:00", None, "03-03T00:30", "03-09T00:30"),
    (36, NO_DAY, 0, "-", "03-02T07:00", "03-02T09:00", "03-02T09:00"),
]


@pytest.mark.parametrize(("row", "days", "minutes", "window", "start", "now", "expected"), INITIAL)
def test_first_run_of_a_job_set_ready(row, days, minutes, window, start, now, expected):
    recurrence = schedule(days, minutes, window)
    start = moment(f"2026-{start}") if start else None
    expected = moment(f"2026-{expected}")
    assert initial_run(recurrence, now=moment(f"2026-{now}"), earliest_start=start) == expected, f"row {row}"
    assert window_reschedule(recurrence, now=moment(f"2026-{now}"), earliest_start=start) == expected


@pytest.mark.parametrize(
    ("recurrence", "now", "expected"),
    [
        (schedule(formula="1D", window="08:00-"), "03-02T06:00", "03-02T08:00"),  # row 37
        (schedule(formula="1D", window="08:00-"), "03-02T09:00", "03-02T09:00"),
        (schedule(formula="CM", window="08:00-17:00"), "03-02T18:00", "03-03T08:00"),
        (schedule(formula="CM", window="22:00-02:00"), "03-02T12:00", "03-02T22:00"),
        (schedule(window="08:00-17:00"), "03-02T18:00", "03-03T08:00"),  # runs once; a window set by code
    ],
)
def test_outside_the_window_a_job_waits_for_its_opening_instead_of_spinning(recurrence, now, expected):
    now, expected = moment(f"2026-{now}"), moment(f"2026-{expected}")
    assert window_reschedule(recurrence, now=now) == expected
    assert initial_run(recurrence, now=now) == expected


INACTIVITY = [
    (38, 720, MON_FRI, "08:00-17:00", "03-02T10:00", "03-03T08:00"),
    (39, 30, MON_FRI, "08:00-17:00", "03-02T10:00", "03-02T10:30"),
    (40, 5, ALL_DAYS, "-", "03-02T23:58", "03-03T00:03"),
]


@pytest.mark.parametrize(("row", "minutes", "days", "window", "now", "expected"), INACTIVITY)
def test_an_inactive_job_wakes_after_its_period(row, minutes, days, window, now, expected):
    found = inactivity_run(schedule(days, 15, window), now=moment(f"2026-{now}"), minutes=minutes)
    assert found == moment(f"2026-{expected}"), f"row {row}"


def test_an_inactive_job_without_a_period_sleeps_until_woken():
    assert inactivity_run(schedule(ALL_DAYS, 15), now=moment("2026-03-02T10:00"), minutes=0) is None


def test_an_inactive_formula_job_wakes_in_its_window():
    monthly = schedule(formula="CM", window="08:00-17:00")
    assert inactivity_run(monthly, now=moment("2026-03-02T16:50"), minutes=5) == moment("2026-03-02T16:55")
    assert inactivity_run(monthly, now=moment("2026-03-02T16:50"), minutes=30) == moment("2026-03-03T08:00")


FORMULAS = [
    (41, "1D", "02:00-", "03-02T02:10", "03-03T02:00"),
    (42, "1D", "23:50-", "03-03T00:10", "03-04T23:50"),
    (43, "CM", "23:00-", "03-15T09:00", "03-31T23:00"),
    (44, "CM", "23:00-", "03-31T23:04", "04-30T23:00"),
    (45, "1D+CM", "23:00-", "03-31T23:04", "04-30T23:00"),
    (46, "D1", "06:00-", "03-01T06:02", "04-01T06:00"),
    (47, "WD1", "07:00-", "03-02T07:05", "03-09T07:00"),
    (48, "CW+1D", "-", "03-04T12:00", "03-09T00:00"),
    (49, "CW", "06:00-", "03-01T12:00", "03-08T06:00"),
    (50, "D4", "07:00-", "03-02T07:05", "03-04T07:00"),
    (
        51,
        "-1D",
        "07:00-",
        "03-02T07:05",
        "03-03T07:00",
    ),  # refused at entry; past results alone would give this
]


@pytest.mark.parametrize(("row", "formula", "window", "finished", "expected"), FORMULAS)
def test_next_run_by_date_formula(row, formula, window, finished, expected):
    found = next_after_completion(
        schedule(formula=formula, window=window), finished_at=moment(f"2026-{finished}"), earliest_start=None
    )
    assert found == moment(f"2026-{expected}"), f"reference row {row}"


def test_a_formula_result_equal_to_the_finish_counts_as_past():
    monthly = schedule(formula="CM", window="23:00-")
    found = next_after_completion(monthly, finished_at=moment("2026-03-31T23:00"), earliest_start=None)
    assert found == moment("2026-04-30T23:00")


def test_a_formula_ignores_weekdays_minutes_and_ending_time():
    both = schedule(MON, 15, "08:00-09:00", formula="1D")
    found = next_after_completion(both, finished_at=moment("2026-03-02T10:00"), earliest_start=None)
    assert found == moment("2026-03-03T08:00")


def test_a_formula_that_leads_nowhere_ends_with_an_explanation():
    with pytest.raises(ScheduleError) as refused:
        next_after_completion(
            schedule(formula="-2Y"), finished_at=moment("2026-03-02T10:00"), earliest_start=None
        )
    assert refused.value.code == "past_result"


CPH = "Europe/Copenhagen"
CLOCK_CHANGES = [
    ("elapsed hour over the gap", CPH, 60, "-", "2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00"),
    ("elapsed day over the gap", CPH, 1440, "08:00-", "2026-03-28T08:05+01:00", "2026-03-29T09:05+02:00"),
    ("elapsed day over the fold", CPH, 1440, "08:00-", "2026-10-24T08:05+02:00", "2026-10-25T08:00+01:00"),
    ("a start in the gap", CPH, 60, "02:30-05:00", "2026-03-28T05:00+01:00", "2026-03-29T03:30+02:00"),
    (
        "not yet open after the gap",
        CPH,
        60,
        "02:30-05:00",
        "2026-03-29T01:10+01:00",
        "2026-03-29T03:30+02:00",
    ),
    ("the day after the gap", CPH, 60, "02:30-05:00", "2026-03-29T05:00+02:00", "2026-03-30T02:30+02:00"),
    ("a start that comes twice", CPH, 60, "02:30-05:00", "2026-10-25T01:00+02:00", "2026-10-25T02:30+02:00"),
    ("second hour of the fold", CPH, 15, "02:30-05:00", "2026-10-25T02:10+01:00", "2026-10-25T02:25+01:00"),
    ("end in the fold", CPH, 60, "01:00-02:30", "2026-10-25T02:15+02:00", "2026-10-25T02:15+01:00"),
    (
        "half an hour",
        "Australia/Lord_Howe",
        60,
        "02:15-04:00",
        "2026-10-04T00:30+10:30",
        "2026-10-04T02:45+11:00",
    ),
    (
        "a day left out",
        "Pacific/Apia",
        1440,
        "08:00-09:00",
        "2011-12-29T09:30-10:00",
        "2012-01-01T08:00+14:00",
    ),
    ("midnight skipped", "Africa/Cairo", 60, "-06:00", "2026-04-23T07:00+02:00", "2026-04-24T01:00+03:00"),
]


@pytest.mark.parametrize(("case", "zone", "minutes", "window", "finished", "expected"), CLOCK_CHANGES)
def test_next_run_over_clock_changes(case, zone, minutes, window, finished, expected):
    found = next_after_completion(
        schedule(ALL_DAYS, minutes, window, time_zone=zone), finished_at=moment(finished), earliest_start=None
    )
    assert found == moment(expected), case


@pytest.mark.parametrize(
    ("zone", "finished", "expected"),
    [
        (CPH, "2026-03-28T03:00+01:00", "2026-03-29T03:30+02:00"),
        (CPH, "2026-03-29T03:31+02:00", "2026-03-30T02:30+02:00"),
        (CPH, "2026-10-24T03:00+02:00", "2026-10-25T02:30+02:00"),
        (CPH, "2026-10-25T02:45+01:00", "2026-10-26T02:30+01:00"),
        ("Pacific/Apia", "2011-12-29T03:00-10:00", "2011-12-31T02:30+14:00"),
    ],
)
def test_a_formula_result_is_read_by_the_same_clock_rules(zone, finished, expected):
    daily = schedule(formula="1D", window="02:30-", time_zone=zone)
    found = next_after_completion(daily, finished_at=moment(finished), earliest_start=None)
    assert found == moment(expected)


def test_unset_time_is_not_midnight():
    base = moment("2026-03-02T12:00")
    assert align(schedule(ALL_DAYS, 60, "-06:00"), base=base) == moment("2026-03-03T00:00")
    assert align(schedule(ALL_DAYS, 60, "00:00-06:00"), base=base) == moment("2026-03-03T00:00")
    assert align(schedule(ALL_DAYS, 60, "22:00-"), base=base) == moment("2026-03-02T22:00")
    assert align(schedule(ALL_DAYS, 60, "22:00-00:00"), base=base) == moment("2026-03-02T22:00")
    assert align(schedule(ALL_DAYS, 60, "-00:00"), base=base) == moment("2026-03-03T00:00")


def test_a_result_after_the_calendar_is_an_error():
    with pytest.raises(ScheduleError) as refused:
        next_after_completion(
            schedule(ALL_DAYS, 2_147_483_647, "08:00-"),
            finished_at=moment("9000-01-01T00:00"),
            earliest_start=None,
        )
    assert refused.value.code == "date_out_of_range"
