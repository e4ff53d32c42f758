"""Due times of packages: the examples of the *Packages reference*, and properties against a naive oracle."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.schedule import FormulaSyntaxError
from packages.schedule import Rule, due_times, next_due, passed_between, problems_of_rule, rule_of, summed_up

AMSTERDAM = "Europe/Amsterdam"
WEEKDAYS = frozenset({1, 2, 3, 4, 5})
ALL = frozenset(range(1, 8))


def rule(
    weekdays=frozenset(),
    at: str = "",
    until: str = "",
    *,
    every: int = 0,
    formula: str = "",
    zone: str = AMSTERDAM,
    valid: tuple[str, str] = ("", ""),
) -> Rule:
    return rule_of(
        weekdays=frozenset(weekdays),
        minutes=every,
        starting_time=time.fromisoformat(at) if at else None,
        ending_time=time.fromisoformat(until) if until else None,
        formula=formula,
        time_zone=zone,
        valid_from=date.fromisoformat(valid[0]) if valid[0] else None,
        valid_to=date.fromisoformat(valid[1]) if valid[1] else None,
    )


def local(text: str, zone: str = AMSTERDAM) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def coming(rules, after: str, count: int, *, anchor: str = "", zone: str = AMSTERDAM) -> list[str]:
    """The next due times on the wall clock."""
    start = local(after, zone)
    found = due_times(rules, after=start, anchor=local(anchor, zone) if anchor else start)
    return [f"{due.at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for due in islice(found, count)]


FRIDAY = "2026-11-20 12:00"

EXAMPLES = [
    (
        "weekdays and Saturday",
        [rule(WEEKDAYS, "22:00"), rule({6}, "06:00")],
        FRIDAY,
        ["2026-11-20 22:00", "2026-11-21 06:00", "2026-11-23 22:00"],
    ),
    (
        "last day of the month",
        [rule(formula="CM", at="22:00")],
        FRIDAY,
        ["2026-11-30 22:00", "2026-12-31 22:00"],
    ),
    ("after the last day's time", [rule(formula="CM", at="22:00")], "2026-11-30 23:00", ["2026-12-31 22:00"]),
    ("first of the next month", [rule(formula="CM+1D")], FRIDAY, ["2026-12-01 00:00", "2027-01-01 00:00"]),
    ("the 15th", [rule(formula="D15", at="07:30")], FRIDAY, ["2026-12-15 07:30", "2027-01-15 07:30"]),
    (
        "every week from the activation",
        [rule(formula="1W", at="22:00")],
        FRIDAY,
        ["2026-11-27 22:00", "2026-12-04 22:00"],
    ),
    ("no starting time is midnight", [rule(ALL)], FRIDAY, ["2026-11-21 00:00"]),
    ("strictly later", [rule(ALL, "12:00")], FRIDAY, ["2026-11-21 12:00"]),
    (
        "a grid includes its ending time",
        [rule({5}, "11:00", "13:00", every=60)],
        FRIDAY,
        ["2026-11-20 13:00", "2026-11-27 11:00"],
    ),
    (
        "a grid without ending time lasts to the end of the day",
        [rule({5}, "22:30", every=60)],
        FRIDAY,
        ["2026-11-20 22:30", "2026-11-20 23:30", "2026-11-27 22:30"],
    ),
    (
        "a window over midnight belongs to the weekday it starts on",
        [rule({5}, "23:00", "01:00", every=60)],
        FRIDAY,
        ["2026-11-20 23:00", "2026-11-21 00:00", "2026-11-21 01:00", "2026-11-27 23:00"],
    ),
    (
        "a formula with a grid",
        [rule(formula="CM", at="08:00", until="10:00", every=60)],
        "2026-11-30 08:30",
        ["2026-11-30 09:00", "2026-11-30 10:00", "2026-12-31 08:00"],
    ),
    (
        "two on one moment are one",
        [rule(WEEKDAYS, "22:00"), rule({5}, "22:00"), rule(formula="CD", at="22:00")],
        FRIDAY,
        ["2026-11-20 22:00", "2026-11-21 22:00"],
    ),
    (
        "valid from and to are included",
        [rule(ALL, "06:00", valid=("2026-12-01", "2026-12-02"))],
        FRIDAY,
        ["2026-12-01 06:00", "2026-12-02 06:00"],
    ),
    (
        "the date of the window's start counts",
        [rule(ALL, "23:00", "01:00", every=60, valid=("2026-11-20", "2026-11-20"))],
        FRIDAY,
        ["2026-11-20 23:00", "2026-11-21 00:00", "2026-11-21 01:00"],
    ),
    ("never again", [rule(ALL, valid=("", "2026-11-01"))], FRIDAY, []),
    ("never at all", [rule({1}, valid=("2026-11-21", "2026-11-22"))], FRIDAY, []),
    ("nothing", [], FRIDAY, []),
]


@pytest.mark.parametrize(
    ("rules", "after", "expected"), [row[1:] for row in EXAMPLES], ids=[row[0] for row in EXAMPLES]
)
def test_examples(rules, after, expected):
    count = len(expected) if expected else 1
    assert coming(rules, after, count) == expected


def test_a_finite_schedule_ends():
    rules = [rule(ALL, "06:00", valid=("2026-12-01", "2026-12-02"))]
    assert len(list(due_times(rules, after=local(FRIDAY), anchor=local(FRIDAY)))) == 2


CLOCK_CHANGES = [
    (
        "02:30 does not exist",
        [rule(ALL, "02:30")],
        "2026-03-28 12:00",
        ["2026-03-29 03:30", "2026-03-30 02:30"],
    ),
    (
        "02:30 comes twice and runs once",
        [rule(ALL, "02:30")],
        "2026-10-24 12:00",
        ["2026-10-25 02:30", "2026-10-26 02:30"],
    ),
]


@pytest.mark.parametrize(
    ("rules", "after", "expected"), [row[1:] for row in CLOCK_CHANGES], ids=[row[0] for row in CLOCK_CHANGES]
)
def test_clock_changes(rules, after, expected):
    assert coming(rules, after, len(expected)) == expected


def test_a_time_that_comes_twice_runs_at_its_first_passing():
    due = next_due([rule(ALL, "02:30")], after=local("2026-10-24 12:00"), anchor=local("2026-10-24 12:00"))
    assert due is not None
    assert due.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("day", "runs"), [("2026-03-28", 7), ("2026-03-29", 6), ("2026-10-25", 8)])
def test_a_grid_steps_in_elapsed_time(day, runs):
    rules = [rule(ALL, "00:00", "06:00", every=60)]
    first = local(f"{day} 00:00")
    assert len(passed_between(rules, first=first, until=local(f"{day} 12:00"), anchor=first)) == runs


def test_relative_formulas_are_counted_from_due_date_to_due_date_whatever_else_runs():
    """A weekly formula beside a daily recurrence still comes every week."""
    rules = [rule(ALL, "06:00"), rule(formula="1W", at="22:00")]
    found = coming(rules, "2026-11-27 06:00", 2, anchor=FRIDAY)
    assert found == ["2026-11-27 22:00", "2026-11-28 06:00"]


def test_a_grid_of_several_days_is_counted_from_the_activation():
    rules = [rule(ALL, "06:00", every=2880)]
    found = coming(rules, "2026-11-23 12:00", 2, anchor="2026-11-20 05:00")
    assert found == ["2026-11-24 06:00", "2026-11-26 06:00"]


def test_a_grid_is_never_started_after_its_window_a_daily_time_always():
    at = local("2026-11-20 11:00")
    grid = next_due([rule({5}, "11:00", "13:00", every=60)], after=at - timedelta(seconds=1), anchor=at)
    daily = next_due([rule({5}, "11:00")], after=at - timedelta(seconds=1), anchor=at)
    assert grid is not None
    assert daily is not None
    assert [grid.may_start(local(f"2026-11-20 {hour}")) for hour in ("13:00", "13:01")] == [True, False]
    assert daily.may_start(local("2026-11-25 13:00"))


def test_gaps_are_summed_up():
    first = local("2026-11-20 11:00")
    gap = summed_up(
        passed_between([rule(ALL, every=60)], first=first, until=local("2026-11-20 14:30"), anchor=first)
    )
    assert gap is not None
    assert (gap.count, gap.first_due, gap.last_due) == (4, first, local("2026-11-20 14:00"))
    assert summed_up([]) is None


PROBLEMS = [
    (rule(), "", ["no_weekday"]),
    (rule(ALL, "08:00"), "10:00", ["ending_without_minutes"]),
    (rule(ALL, "08:00", "08:00", every=10), "08:00", ["ending_equals_starting"]),
    (rule(ALL, every=10), "00:00", ["ending_equals_starting"]),
    (rule(ALL, valid=("2026-12-02", "2026-12-01")), "", ["never_valid"]),
    (rule(formula="-1D"), "", ["formula_stands_still"]),
    (rule(ALL, every=1500), "", ["minutes_not_whole_days"]),
    (rule(ALL, "22:00", "02:00", every=30), "02:00", []),
    (rule(formula="CM", at="08:00", until="10:00", every=60), "10:00", []),
]


@pytest.mark.parametrize(("given_rule", "ending", "codes"), PROBLEMS)
def test_what_is_wrong_with_a_recurrence(given_rule, ending, codes):
    ending_time = time.fromisoformat(ending) if ending else None
    found = problems_of_rule(given_rule, ending_time=ending_time)
    assert [problem.code for problem in found] == codes


def test_a_formula_that_cannot_be_read_is_refused():
    with pytest.raises(FormulaSyntaxError):
        rule(formula="every month")


def test_words():
    found = rule(WEEKDAYS, "22:00", valid=("2026-12-01", "2026-12-31")).in_words()
    assert found == "Mon–Fri at 22:00 (Europe/Amsterdam), from 1 Dec 2026, until 31 Dec 2026"


# --- properties


ZONES = (
    "Europe/Amsterdam",
    "UTC",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Santiago",
)

times = st.times(min_value=time(0), max_value=time(23, 59)).map(
    lambda at: at.replace(second=0, microsecond=0)
)
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@st.composite
def rules(draw):
    zone = draw(st.sampled_from(ZONES))
    every = draw(st.sampled_from([0, 0, 7, 15, 60, 240, 720]))
    at = draw(times)
    until = draw(st.none() | times) if every else None
    if until == at:
        until = None
    valid_from = draw(st.none() | days)
    valid_to = draw(st.none() | days)
    return rule_of(
        weekdays=draw(st.frozensets(st.integers(1, 7), min_size=1)),
        minutes=every,
        starting_time=at,
        ending_time=until,
        formula="",
        time_zone=zone,
        valid_from=valid_from,
        valid_to=valid_to,
    )


def to_utc(day: date, at: time, zone: str) -> datetime:
    """First passing of an ambiguous time; a time left out moves on by the gap."""
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def naive_oracle(one: Rule, *, after: datetime, until: datetime) -> set[datetime]:
    """Every day, every step, one by one."""
    recurrence, found = one.recurrence, set()
    zone = recurrence.time_zone
    day = after.date() - timedelta(days=3)
    while day <= until.date() + timedelta(days=3):
        in_validity = (one.valid_from is None or day >= one.valid_from) and (
            one.valid_to is None or day <= one.valid_to
        )
        if day.isoweekday() in recurrence.weekdays and in_validity:
            start = recurrence.starting_time or time(0)
            opens = to_utc(day, start, zone)
            found.add(opens)
            if recurrence.minutes:
                if recurrence.ending_time is None:
                    closes = to_utc(day + timedelta(days=1), time(0), zone) - timedelta(microseconds=1)
                else:
                    end_day = day + timedelta(days=1) if recurrence.ending_time < start else day
                    closes = to_utc(end_day, recurrence.ending_time, zone)
                at = opens
                while at <= closes:
                    found.add(at)
                    at += timedelta(minutes=recurrence.minutes)
        day += timedelta(days=1)
    return {at for at in found if after < at <= until}


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(st.lists(rules(), min_size=1, max_size=3), moments)
def test_the_due_times_are_those_of_the_oracle(several, after):
    until = after + timedelta(days=5)
    expected = sorted(set().union(*(naive_oracle(one, after=after, until=until) for one in several)))
    found = []
    for due in due_times(several, after=after, anchor=after):
        if due.at > until:
            break
        found.append(due.at)
    assert found == expected


@given(st.lists(rules(), min_size=1, max_size=3), moments)
def test_the_next_is_later_than_the_reference_and_none_lies_between(several, after):
    due = next_due(several, after=after, anchor=after)
    if due is None:
        assert all(one.valid_to is not None for one in several)
        return
    assert due.at > after
    assert due.window_date.isoweekday() in due.rule.recurrence.weekdays
    assert due.closes is None or due.closes >= due.at
    again = next_due(several, after=due.at, anchor=after)
    assert again is None or again.at > due.at


@given(st.sampled_from(["CM", "CM+1D", "D15", "1W", "WD1", "1D", "CY", "1M", "2W-1D"]), times, moments)
def test_formulas_lead_on_and_do_not_depend_on_where_one_looks_from(formula, at, anchor):
    one = rule_of(
        weekdays=frozenset(), minutes=0, starting_time=at, ending_time=None, formula=formula,
        time_zone=AMSTERDAM, valid_from=None, valid_to=None,
    )  # fmt: skip
    found = [due.at for due in islice(due_times([one], after=anchor, anchor=anchor), 5)]
    assert found == sorted(set(found))
    assert found[0] > anchor
    for earlier, later in pairwise(found):
        due = next_due([one], after=earlier, anchor=anchor)
        assert due is not None
        assert due.at == later
