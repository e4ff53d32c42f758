import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.schedule import answer, date_formula_answer
from tests.jobqueue.schedule.sample import ALL_DAYS, MON_FRI
from tests.jobqueue.schedule.test_next_run import AFTER_SUCCESS, FORMULAS, INACTIVITY, INITIAL


def ask(**fields):
    return answer(json.dumps(fields))


def code(result):
    assert set(result) == {"error"}
    assert set(result["error"]) == {"code", "message"}
    return result["error"]["code"]


def full(text):
    date, _, time = text.partition("T")
    return f"2026-{date}T{time}" + (":00Z" if len(time) == 5 else "Z")


def window_keys(window):
    start, _, end = window.partition("-")
    return {"starting_time": start or None, "ending_time": end}


@pytest.mark.parametrize(("row", "days", "minutes", "window", "finished", "expected"), AFTER_SUCCESS)
def test_next_answers_the_reference_table(row, days, minutes, window, finished, expected):
    result = ask(
        mode="next", weekdays=sorted(days), minutes=minutes, base=f"2026-{finished}", **window_keys(window)
    )
    assert result == {"next_run": full(expected)}, f"row {row}"


@pytest.mark.parametrize(("row", "formula", "window", "finished", "expected"), FORMULAS)
def test_next_answers_the_formula_table(row, formula, window, finished, expected):
    result = ask(formula=formula, base=f"2026-{finished}", **window_keys(window))
    if row == 51:
        assert code(result) == "formula_stands_still"
    else:
        assert result == {"next_run": full(expected)}, f"row {row}"


@pytest.mark.parametrize(("row", "days", "minutes", "window", "start", "now", "expected"), INITIAL)
def test_initial_answers_the_reference_table(row, days, minutes, window, start, now, expected):
    start = f"2026-{start}" if start else None
    result = ask(
        mode="initial", weekdays=sorted(days), minutes=minutes, base=f"2026-{now}", earliest_start=start,
        **window_keys(window),
    )  # fmt: skip
    assert result == {"next_run": full(expected)}, f"row {row}"


@pytest.mark.parametrize(("row", "minutes", "days", "window", "now", "expected"), INACTIVITY)
def test_inactivity_answers_the_reference_table(row, minutes, days, window, now, expected):
    result = ask(
        mode="inactivity", weekdays=sorted(days), minutes=15, inactivity_minutes=minutes, base=f"2026-{now}",
        **window_keys(window),
    )  # fmt: skip
    assert result == {"next_run": full(expected)}, f"row {row}"


def test_the_product_s_own_rules_apply():
    assert code(ask(minutes=30, starting_time="08:00", base="2026-03-02T10:00")) == "no_weekday"  # row 27
    assert ask(mode="initial", formula="1D", starting_time="08:00", base="2026-03-02T06:00") == {
        "next_run": "2026-03-02T08:00:00Z"
    }  # row 37
    assert ask(weekdays=[*ALL_DAYS], minutes=0, starting_time="08:00", base="2026-03-02T08:05",
               earliest_start="2026-03-02T08:00") == {"next_run": "2026-03-03T08:00:00Z"}  # row 12  # fmt: skip


def test_moments_without_an_offset_are_read_in_the_time_zone():
    fields = {"weekdays": [*MON_FRI], "minutes": 15, "time_zone": "Asia/Kathmandu"}
    expected = {"next_run": "2026-03-02T04:30:00Z"}
    assert ask(base="2026-03-02T10:00", **fields) == expected
    assert ask(base="2026-03-02T10:00+05:45", **fields) == expected
    assert ask(base="2026-03-02T04:15Z", **fields) == expected
    assert ask(base="2026-03-02 04:15:00z", **fields) == expected
    assert ask(base="2026-03-02", **fields) == {"next_run": "2026-03-01T18:30:00Z"}


def test_the_reference_examples_of_clock_changes():
    fields = {"weekdays": [*ALL_DAYS], "time_zone": "Europe/Copenhagen"}
    assert ask(minutes=60, base="2026-03-29T01:30", **fields) == {"next_run": "2026-03-29T01:30:00Z"}
    fields |= {"minutes": 1440, "starting_time": "08:00"}
    assert ask(base="2026-03-28T08:05", **fields) == {"next_run": "2026-03-29T07:05:00Z"}
    assert ask(base="2026-10-24T08:05", **fields) == {"next_run": "2026-10-25T07:00:00Z"}


def test_a_fraction_of_a_second_is_written_only_where_there_is_one():
    assert ask(weekdays=[1], minutes=15, base="2026-03-02T10:00:00.000Z") == {
        "next_run": "2026-03-02T10:15:00Z"
    }
    assert ask(weekdays=[1], minutes=15, base="2026-03-02T10:00:00.5Z") == {
        "next_run": "2026-03-02T10:15:00.500Z"
    }
    assert ask(weekdays=[1], minutes=15, base="2026-03-02T10:00:00.000001Z") == {
        "next_run": "2026-03-02T10:15:00.000001Z"
    }


def test_fixed_times_are_asked_for_by_their_anchor():
    grid = {"anchor": "fixed", "weekdays": [*MON_FRI], "minutes": 15, "starting_time": "08:00"}
    assert ask(base="2026-03-02T10:07:30", **grid) == {"next_run": "2026-03-02T10:15:00Z"}
    assert ask(anchor="fixed", formula="1D", starting_time="23:50", base="2026-03-03T00:10",
               earliest_start="2026-03-02T23:50") == {"next_run": "2026-03-03T23:50:00Z"}  # fmt: skip
    assert ask(
        anchor="fixed", weekdays=[*ALL_DAYS], minutes=2880, starting_time="10:00", base="2026-03-02T10:01"
    ) == {"next_run": "2026-03-04T10:00:00Z"}
    assert ask(mode="initial", base="2026-03-02T08:00", **grid) == {"next_run": "2026-03-02T08:15:00Z"}


def test_a_formula_takes_precedence_over_weekdays_and_minutes():
    assert ask(formula="1D", weekdays=[1], minutes=15, starting_time="02:00", base="2026-03-02T02:10") == {
        "next_run": "2026-03-03T02:00:00Z"
    }


BASE = {"weekdays": [1], "minutes": 15, "base": "2026-03-02T10:00:00Z"}


@pytest.mark.parametrize(
    ("change", "expected", "named"),
    [
        ({"weekday": [1]}, "unknown_key", "weekday"),
        ({"mode": "later"}, "unknown_choice", "mode"),
        ({"anchor": "start"}, "unknown_choice", "anchor"),
        ({"mode": 1}, "unknown_choice", "mode"),
        ({"weekdays": "1"}, "wrong_type", "weekdays"),
        ({"weekdays": ["1"]}, "wrong_type", "weekdays"),
        ({"weekdays": [True]}, "wrong_type", "weekdays"),
        ({"weekdays": [1.0]}, "wrong_type", "weekdays"),
        ({"weekdays": [0]}, "out_of_range", "weekdays"),
        ({"weekdays": [8]}, "out_of_range", "weekdays"),
        ({"weekdays": {"1": 1}}, "wrong_type", "weekdays"),
        ({"minutes": "15"}, "wrong_type", "minutes"),
        ({"minutes": True}, "wrong_type", "minutes"),
        ({"minutes": 15.5}, "wrong_type", "minutes"),
        ({"minutes": -1}, "out_of_range", "minutes"),
        ({"minutes": 10**30}, "out_of_range", "minutes"),
        ({"inactivity_minutes": False}, "wrong_type", "inactivity_minutes"),
        ({"starting_time": 8}, "wrong_type", "starting_time"),
        ({"starting_time": "24:00"}, "invalid_time", "starting_time"),
        ({"starting_time": "08"}, "invalid_time", "starting_time"),
        ({"ending_time": "8 o'clock"}, "invalid_time", "ending_time"),
        ({"formula": 1}, "wrong_type", "formula"),
        ({"formula": "0D"}, "formula_number", "0D"),
        ({"formula": "soon"}, "formula_syntax", "SOON"),
        ({"formula": "-1D"}, "formula_stands_still", "-1D"),
        ({"base": None}, "missing_key", "base"),
        ({"base": ""}, "missing_key", "base"),
        ({"base": 1772445600}, "wrong_type", "base"),
        ({"base": "tomorrow"}, "invalid_moment", "base"),
        ({"base": "2026-02-30T10:00"}, "invalid_date", "base"),
        ({"base": "2026-03-02T25:00"}, "invalid_time", "base"),
        ({"base": "2026-03-02T10:00+99:00"}, "invalid_moment", "base"),
        ({"earliest_start": "2026-13-02T10:00"}, "invalid_date", "earliest_start"),
        ({"time_zone": "Mars/Olympus"}, "unknown_time_zone", "Mars/Olympus"),
        ({"time_zone": 1}, "wrong_type", "time_zone"),
        ({"base": "9999-12-31T23:59:00Z"}, "date_out_of_range", "9999"),
        ({"minutes": 2**31 - 1, "base": "9000-01-01T00:00Z"}, "date_out_of_range", "9999"),
        ({"base": "0001-01-01T00:00+14:00"}, "date_out_of_range", "1 to 9999"),
        ({"mode": "inactivity", "inactivity_minutes": 0}, "never_runs", "wakes"),
        ({"weekdays": []}, "no_weekday", "weekday"),
        ({"weekdays": [], "minutes": 0}, "not_recurring", "once"),
        ({"anchor": "fixed", "minutes": 1500}, "minutes_not_whole_days", "1500"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_what_is_wrong(change, expected, named):
    result = ask(**{**BASE, **change})
    assert code(result) == expected
    assert named in result["error"]["message"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "{",
        "{}}",
        "null",
        "[]",
        "7",
        '"text"',
        "{'mode': 'next'}",
        '{"minutes": NaN}',
        '{"minutes": -Infinity}',
        '{"minutes": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"base": "2026-03-02", "base": "2026-03-03"}',
        "\ufeff{}",
        "\x00",
    ],
)
def test_a_line_that_is_no_json_object_is_answered_with_an_error(line):
    assert code(answer(line)) in {"invalid_json", "repeated_key"}


def test_missing_keys_have_their_defaults():
    assert ask(mode="initial", base="2026-03-02T09:00") == {"next_run": "2026-03-02T09:00:00Z"}
    assert ask(mode="inactivity", weekdays=[1], minutes=None, base="2026-03-02T09:00") == {
        "next_run": "2026-03-02T09:05:00Z"
    }


def test_all_problems_are_told_together():
    message = ask(formula="-1D", anchor="fixed", minutes=1500, base="2026-03-02T09:00")["error"]["message"]
    assert "1500" in message
    assert "-1D" in message


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=25)
values = scalars | st.lists(scalars, max_size=4) | st.dictionaries(st.text(max_size=5), scalars, max_size=2)
plausible = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["next", "initial", "inactivity"]) | values,
        "anchor": st.sampled_from(["completion", "fixed"]) | values,
        "weekdays": st.lists(st.integers(0, 8), max_size=7) | values,
        "minutes": st.integers(0, 2**31) | values,
        "starting_time": st.times().map(str) | values,
        "ending_time": st.times().map(str) | values,
        "formula": st.sampled_from(["1D", "CM", "-1D", "9999Y", ""]) | values,
        "earliest_start": st.datetimes().map(str) | values,
        "time_zone": st.sampled_from(["UTC", "Asia/Kathmandu"]) | values,
        "base": st.datetimes().map(str) | values,
        "inactivity_minutes": st.integers(0, 2**31) | values,
    },
)


@given(plausible)
def test_whatever_is_asked_is_answered(fields):
    result = answer(json.dumps(fields))
    assert set(result) in ({"next_run"}, {"error"})
    json.dumps(result).encode("ascii")
    assert "error" in result or result["next_run"].endswith("Z")


@given(st.text(max_size=60))
def test_whatever_is_written_is_answered(line):
    assert set(answer(line)) in ({"next_run"}, {"error"})


def test_date_formulas_can_be_asked_for():
    assert date_formula_answer("CM+1D", date="2026-02-10") == {"date": "2026-03-01"}
    assert date_formula_answer("<cw>", date="2026-03-04") == {"date": "2026-03-08"}


@pytest.mark.parametrize(
    ("formula", "date", "expected"),
    [
        ("1X", "2026-03-04", "formula_syntax"),
        ("0D", "2026-03-04", "formula_number"),
        ("", "2026-03-04", "formula_empty"),
        ("1D", "2026-02-30", "invalid_date"),
        ("1D", "4 March", "invalid_date"),
        ("1D", None, "invalid_date"),
        (None, "2026-03-04", "formula_syntax"),
        ("1D", "9999-12-31", "date_out_of_range"),
    ],
)
def test_a_date_formula_that_cannot_be_applied_is_an_error(formula, date, expected):
    assert code(date_formula_answer(formula, date=date)) == expected
