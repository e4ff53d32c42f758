from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.schedule import DateFormula, ScheduleError, refuse_standing_still

REFERENCE_TABLE = [
    ("1D", "2026-02-28", "2026-03-01"),
    ("10D", "2026-03-25", "2026-04-04"),
    ("2W", "2026-03-02", "2026-03-16"),
    ("1M", "2026-01-31", "2026-02-28"),
    ("1M", "2026-02-28", "2026-03-28"),
    ("1Q", "2025-11-30", "2026-02-28"),
    ("1Y", "2024-02-29", "2025-02-28"),
    ("-1Y", "2026-03-02", "2025-03-02"),
    ("CW", "2026-03-04", "2026-03-08"),
    ("-CW", "2026-03-04", "2026-03-02"),
    ("CW+1D", "2026-03-04", "2026-03-09"),
    ("CM", "2026-02-10", "2026-02-28"),
    ("CM+1D", "2026-02-10", "2026-03-01"),
    ("CM+1M", "2026-02-10", "2026-03-28"),
    ("CM+10D", "2026-02-10", "2026-03-10"),
    ("-CM", "2026-03-17", "2026-03-01"),
    ("-CM+1M", "2026-03-17", "2026-04-01"),
    ("1D+CM", "2026-03-31", "2026-04-30"),
    ("CQ", "2026-02-10", "2026-03-31"),
    ("CQ+1M-10D", "2026-02-10", "2026-04-20"),
    ("CY+1D", "2026-03-02", "2027-01-01"),
    ("D15", "2026-03-10", "2026-03-15"),
    ("D15", "2026-03-15", "2026-04-15"),
    ("D15+1M", "2026-03-16", "2026-05-15"),
    ("-D1", "2026-03-17", "2026-03-01"),
    ("CM+D10", "2026-03-05", "2026-04-10"),
    ("WD4", "2026-03-02", "2026-03-05"),
    ("WD1", "2026-03-02", "2026-03-09"),
    ("-WD2", "2026-03-03", "2026-02-24"),
    ("WD7", "2026-03-01", "2026-03-08"),
    ("-CW+1W+2D", "2026-03-04", "2026-03-11"),
]

OWN_TABLE = [
    ("CD", "2026-03-04", "2026-03-04"),
    ("-CD", "2026-03-04", "2026-03-04"),
    ("-CQ", "2026-05-17", "2026-04-01"),
    ("-CY", "2026-05-17", "2026-01-01"),
    ("5M-CY+7M-1D", "2026-03-02", "2026-07-31"),
    ("CM", "2028-02-01", "2028-02-29"),
    ("D31", "2026-02-10", "2026-02-28"),
    ("D31", "2026-04-30", "2026-05-31"),
    ("D30", "2026-01-30", "2026-02-28"),
    ("-D31", "2026-03-01", "2026-02-28"),
    ("-D30", "2026-03-31", "2026-03-30"),
    ("-D1", "2026-03-01", "2026-02-01"),
    ("D1", "2026-12-31", "2027-01-01"),
    ("CY", "9999-06-01", "9999-12-31"),
    ("WD3", "2026-03-04", "2026-03-11"),
    ("-WD3", "2026-03-04", "2026-02-25"),
    ("9999D", "2026-03-02", "2053-07-17"),
]


@pytest.mark.parametrize(("formula", "base", "result"), REFERENCE_TABLE + OWN_TABLE)
def test_a_formula_leads_from_one_date_to_another(formula, base, result):
    assert DateFormula.parse(formula).apply(date.fromisoformat(base)) == date.fromisoformat(result)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("<cm + 1d>", "CM+1D"),
        (" + 1d ", "1D"),
        ("-cw+007d", "-CW+7D"),
        ("wd1", "WD1"),
        ("1D+1D+1D+1D+1D+1D+1D", "1D+1D+1D+1D+1D+1D+1D"),
        ("1D + 1D + 1D + 1D + 1D", "1D+1D+1D+1D+1D"),
        ("1 0 D", "10D"),
    ],
)
def test_a_formula_is_stored_in_canonical_form(typed, canonical):
    assert str(DateFormula.parse(typed)) == canonical


@pytest.mark.parametrize(
    ("typed", "code", "named"),
    [
        ("", "formula_empty", "empty"),
        ("  ", "formula_empty", "empty"),
        ("<>", "formula_empty", "empty"),
        ("1X", "formula_syntax", "1X"),
        ("X", "formula_syntax", "X"),
        ("D", "formula_syntax", "number"),
        ("WD", "formula_syntax", "number"),
        ("M", "formula_syntax", "number"),
        ("C", "formula_syntax", "C"),
        ("10", "formula_syntax", "unit"),
        ("1D+", "formula_syntax", "sign"),
        ("+-1D", "formula_syntax", "sign"),
        ("1D--1D", "formula_syntax", "sign"),
        ("1D1M", "formula_syntax", "1D1M"),
        ("W2", "formula_syntax", "W2"),
        ("M1", "formula_syntax", "M1"),
        ("2WD", "formula_syntax", "2WD"),
        ("C1M", "formula_syntax", "C1M"),
        ("<1D", "formula_syntax", "<1D"),
        ("1,5D", "formula_syntax", "1,5D"),
        ("٣D", "formula_syntax", "term"),
        ("0D", "formula_number", "9999"),
        ("CM+0D", "formula_number", "9999"),
        ("0W", "formula_number", "9999"),
        ("10000D", "formula_number", "9999"),
        ("D0", "formula_number", "31"),
        ("D32", "formula_number", "31"),
        ("WD0", "formula_number", "7"),
        ("WD8", "formula_number", "7"),
        ("1D+1D+1D+1D+1D+1D+10D", "formula_too_long", "20"),
        (None, "formula_syntax", "text"),
    ],
)
def test_what_the_grammar_does_not_allow_is_refused(typed, code, named):
    with pytest.raises(ScheduleError) as refused:
        DateFormula.parse(typed)
    assert refused.value.code == code
    assert named in refused.value.message


@pytest.mark.parametrize(
    ("formula", "base"),
    [
        ("1D", "9999-12-31"),
        ("9999Y", "2026-01-01"),
        ("-9999M", "0500-01-01"),
        ("CW", "9999-12-31"),
        ("-D31", "0001-01-05"),
    ],
)
def test_a_result_outside_the_calendar_is_an_error(formula, base):
    with pytest.raises(ScheduleError) as refused:
        DateFormula.parse(formula).apply(date.fromisoformat(base))
    assert refused.value.code == "date_out_of_range"


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("1D", "1 day later"),
        ("-2W", "2 weeks earlier"),
        ("CM", "the last day of the month"),
        ("-CQ", "the first day of the quarter"),
        ("CD", "the same day"),
        ("CW", "the Sunday of the week"),
        ("-CW", "the Monday of the week"),
        ("D15", "the next 15th of a month"),
        ("-D1", "the previous 1st of a month"),
        ("D12", "the next 12th of a month"),
        ("D22", "the next 22nd of a month"),
        ("D31", "the next 31st of a month (or the last day of a shorter month)"),
        ("WD4", "the next Thursday"),
        ("CM+1D", "first the last day of the month, then 1 day later"),
        ("-CW+1W+2D", "first the Monday of the week, then 1 week later, then 2 days later"),
    ],
)
def test_a_formula_can_be_said_in_words(formula, words):
    assert DateFormula.parse(formula).explain() == words


@pytest.mark.parametrize("formula", ["-1D", "CD", "-CM", "-CW", "-WD1", "1D-1D", "D1-40D"])
def test_a_formula_that_never_moves_forward_is_refused_at_entry(formula):
    with pytest.raises(ScheduleError) as refused:
        refuse_standing_still(DateFormula.parse(formula), today=date(2026, 3, 2))
    assert refused.value.code == "formula_stands_still"


@pytest.mark.parametrize("formula", ["1D", "CM", "CW", "CY", "D31", "1M-1D", "-CM+1M", "1Y-CY"])
def test_a_formula_that_moves_forward_on_some_day_is_accepted(formula):
    refuse_standing_still(DateFormula.parse(formula), today=date(2026, 3, 31))


@pytest.mark.parametrize(("today", "forward"), [(date(2026, 7, 2), False), (date(2026, 6, 30), True)])
def test_standing_still_is_judged_over_today_and_the_next_31_days(today, forward):
    # Leads to 1 July of the year: later until 30 June only.
    assert DateFormula.parse("-CY+6M").steps_forward_from(today) is forward


@pytest.mark.parametrize(
    ("formula", "day", "result"),
    [
        ("CM", "2026-02-10", "2026-02-28"),
        ("CM", "2026-02-28", "2026-02-28"),
        ("2W", "2026-02-10", "2026-02-10"),
        ("5Y", "2026-02-10", "2026-02-10"),
        ("-CM", "2026-02-10", "2026-03-01"),
        ("CY+1D", "2026-02-10", "2027-01-01"),
        ("-2Y", "2026-02-10", None),
    ],
)
def test_the_first_date_a_formula_can_lead_to(formula, day, result):
    found = DateFormula.parse(formula).first_result_from(date.fromisoformat(day))
    assert found == (date.fromisoformat(result) if result else None)


counts = st.builds("{}{}".format, st.integers(1, 9999), st.sampled_from("DWMQY"))
small_counts = st.builds("{}{}".format, st.integers(1, 99), st.sampled_from("DWMQY"))
periods = st.sampled_from(["CD", "CW", "CM", "CQ", "CY"])
month_days = st.builds("D{}".format, st.integers(1, 31))
weekdays = st.builds("WD{}".format, st.integers(1, 7))
terms = st.one_of(small_counts, periods, month_days, weekdays)
signed = st.builds("{}{}".format, st.sampled_from("+-"), terms)
formulas = st.lists(signed, min_size=1, max_size=4).map("".join)
dates = st.dates(date(1900, 1, 1), date(2400, 1, 1))


@given(st.lists(st.builds("{}{}".format, st.sampled_from("+-"), counts | periods), min_size=1, max_size=3))
def test_canonical_form_reads_back_to_the_same_formula(pieces):
    formula = DateFormula.parse("".join(pieces).lower())
    assert DateFormula.parse(str(formula)) == formula
    assert str(DateFormula.parse(str(formula))) == str(formula)


@given(formulas, dates, st.integers(0, 500))
def test_no_formula_leads_from_a_later_date_to_an_earlier_one(text, day, distance):
    formula = DateFormula.parse(text)
    assert formula.apply(day) <= formula.apply(day + timedelta(days=distance))


@given(month_days | weekdays, dates)
def test_days_of_month_and_weekdays_are_strictly_after_and_strictly_before(text, day):
    assert DateFormula.parse(text).apply(day) > day
    assert DateFormula.parse(f"-{text}").apply(day) < day


@given(st.text(max_size=30))
def test_any_text_is_either_a_formula_or_a_refusal(text):
    message = ""
    try:
        assert len(str(DateFormula.parse(text))) <= 20
    except ScheduleError as error:
        message = error.message
    assert message.isprintable()
