from datetime import date

import pytest

from jobqueue.schedule import Anchor, Recurrence
from tests.jobqueue.schedule.sample import ALL_DAYS, MON, MON_FRI, NO_DAY, fixed, schedule

CPH = "Europe/Copenhagen"


@pytest.mark.parametrize(
    ("recurrence", "words"),
    [
        (fixed(MON_FRI, 15, "08:00-17:00", time_zone=CPH), f"Mon–Fri every 15 minutes from 08:00 to 17:00 ({CPH})"),
        (fixed(MON_FRI, 60, "22:00-02:00"), "Mon–Fri every hour from 22:00 to 02:00 the next day (UTC)"),
        (fixed(ALL_DAYS, 90), "Every day every 90 minutes (UTC)"),
        (fixed(ALL_DAYS, 1440, "22:00-"), "Every day at 22:00 (UTC)"),
        (fixed(ALL_DAYS), "Every day at 00:00 (UTC)"),
        (fixed(frozenset({6, 7}), 30, "-06:00"), "Sat and Sun every 30 minutes until 06:00 (UTC)"),
        (fixed(frozenset({1, 2, 3, 5}), 0, "07:00:30-"), "Mon–Wed and Fri at 07:00:30 (UTC)"),
        (fixed(frozenset({1, 3, 5}), 60, "11:00-11:00"), "Mon, Wed and Fri at 11:00 (UTC)"),
        (fixed(ALL_DAYS, 2880, "10:00-", anchor_date=date(2026, 3, 2)),
         "Every day every 2 days at 10:00, counted from 2026-03-02 (UTC)"),
        (fixed(formula="CM+1D", window="06:00-"),
         "By date formula CM+1D (first the last day of the month, then 1 day later) at 06:00 (UTC)"),
        (fixed(formula="CM", minutes=30, window="06:00-08:00"),
         "By date formula CM (the last day of the month) every 30 minutes from 06:00 to 08:00 (UTC)"),
        (schedule(MON_FRI, 15, "08:00-17:00"),
         "Mon–Fri, 15 minutes after each run ends, from 08:00 to 17:00 (UTC)"),
        (schedule(MON, 120), "Mon, 2 hours after each run ends (UTC)"),
        (schedule(MON, 0, "08:00-"), "Mon once a day from 08:00 (UTC)"),
        (schedule(formula="1D", window="02:00-"), "By date formula 1D (1 day later) at 02:00 (UTC)"),
        (schedule(), "Runs once (UTC)"),
        (schedule(NO_DAY, 15), "Runs once (UTC)"),
        (schedule(frozenset({9})), "No day once a day (UTC)"),
    ],
)  # fmt: skip
def test_a_schedule_can_be_said_in_words(recurrence, words):
    assert recurrence.explain() == words


@pytest.mark.parametrize(
    "recurrence",
    [
        schedule(),
        schedule(MON_FRI, 15, "08:00-17:00"),
        schedule(ALL_DAYS, 1440, "22:00-02:00", time_zone=CPH),
        schedule(ALL_DAYS, 2000),
        schedule(formula="CM", window="23:00-"),
        fixed(formula="CM", minutes=15, window="08:00-09:00"),
        fixed(ALL_DAYS, 2880),
        fixed(ALL_DAYS, 60, "11:00-11:00"),
        Recurrence(weekdays=MON, inactivity_minutes=0),
    ],
)
def test_a_sound_schedule_has_no_problems(recurrence):
    assert recurrence.validate() == []
    assert recurrence.validate(today=date(2026, 3, 2)) == []


@pytest.mark.parametrize(
    ("recurrence", "codes"),
    [
        (schedule(NO_DAY, 30, "08:00-"), ["no_weekday"]),
        (schedule(window="-06:00"), ["no_weekday"]),
        (schedule(frozenset({0, 3})), ["weekday"]),
        (schedule(MON, -5), ["minutes_out_of_range"]),
        (schedule(MON, 2**31), ["minutes_out_of_range"]),
        (schedule(MON, inactivity_minutes=-1), ["minutes_out_of_range"]),
        (schedule(MON, time_zone="Europe/Nowhere"), ["unknown_time_zone"]),
        (schedule(MON, formula="1D"), ["formula_excludes_weekdays"]),
        (schedule(minutes=5, formula="1D"), ["formula_excludes_minutes"]),
        (fixed(MON, 1500), ["minutes_not_whole_days"]),
        (schedule(formula="-1D"), ["formula_stands_still"]),
        (
            schedule(frozenset({9}), -1, formula="CD", time_zone=""),
            [
                "weekday",
                "minutes_out_of_range",
                "formula_excludes_weekdays",
                "unknown_time_zone",
                "formula_stands_still",
            ],
        ),
    ],
)
def test_every_problem_of_a_schedule_is_reported_at_once(recurrence, codes):
    problems = recurrence.validate()
    assert [problem.code for problem in problems] == codes
    assert all(problem.message.endswith(".") for problem in problems)


def test_today_decides_about_a_formula_that_stands_still_for_part_of_the_year():
    mid_year = schedule(formula="-CY+6M")
    assert mid_year.validate() == []
    assert [problem.code for problem in mid_year.validate(today=date(2026, 7, 2))] == ["formula_stands_still"]


def test_only_weekdays_and_formulas_make_a_job_recurring():
    assert schedule(MON).is_recurring
    assert schedule(formula="1D").is_recurring
    assert not schedule(minutes=15).is_recurring


def test_the_anchor_is_completion_unless_said_otherwise():
    assert Recurrence().anchor is Anchor.COMPLETION
    assert [anchor.value for anchor in Anchor] == ["completion", "fixed"]
