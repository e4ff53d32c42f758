"""What must hold for every schedule, in zones with all sorts of clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobqueue.schedule import (
    Anchor,
    DailyWindow,
    DateFormula,
    Recurrence,
    align,
    gap_between,
    initial_run,
    load_zone,
    next_after_completion,
    next_fixed,
    occurrences,
    preview,
    to_local,
    to_utc,
    window_reschedule,
)
from jobqueue.schedule.zones import WallClock, wall_clock
from tests.jobqueue.schedule.sample import ZONES

DAY = timedelta(days=1)

zones = st.sampled_from(ZONES)
days = st.frozensets(st.integers(1, 7), min_size=1)
minutes = st.one_of(
    st.sampled_from([0, 1, 7, 15, 30, 60, 90, 720, 1440, 2880, 10080]), st.integers(0, 20_000)
)
quarters = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
clock_times = st.none() | quarters | st.times().map(lambda at: at.replace(microsecond=0))
formulas = st.sampled_from(
    ["1D", "3D", "CM", "1D+CM", "CW", "WD2", "D31", "D1", "2W", "CQ+1M-10D", "1M"]
).map(DateFormula.parse)


def _around_changes() -> list[datetime]:
    """Moments within a few hours of clock changes, where the mistakes are."""
    found = []
    for name in ZONES:
        zone = load_zone(name)
        for year in (2011, 2026):
            at = datetime(year, 1, 1, tzinfo=UTC)
            while at.year == year:
                if to_local(at, zone=zone).utcoffset() != to_local(at + DAY, zone=zone).utcoffset():
                    found += [at, at + DAY / 2]
                at += DAY
    return found


near_changes = st.builds(
    lambda at, offset: at + timedelta(minutes=offset),
    st.sampled_from(_around_changes()),
    st.integers(-2000, 2000),
)
anywhen = st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
moments = near_changes | anywhen
weekday_schedules = st.builds(
    Recurrence,
    weekdays=days,
    minutes=minutes,
    starting_time=clock_times,
    ending_time=clock_times,
    time_zone=zones,
)
formula_schedules = st.builds(
    Recurrence, formula=formulas, starting_time=clock_times, ending_time=clock_times, time_zone=zones
)
fixed_weekdays = st.builds(
    Recurrence,
    weekdays=days,
    minutes=minutes,
    starting_time=clock_times,
    ending_time=clock_times,
    time_zone=zones,
    anchor=st.just(Anchor.FIXED),
    anchor_date=st.just(date(2011, 1, 1)),
)
fixed_formulas = st.builds(
    Recurrence,
    formula=formulas,
    minutes=st.sampled_from([0, 45, 60]),
    starting_time=clock_times,
    ending_time=clock_times,
    time_zone=zones,
    anchor=st.just(Anchor.FIXED),
)
few = settings(max_examples=60, deadline=None)


@few
@given(zones, moments)
def test_what_the_clock_shows_reads_back_to_its_first_passing(name, moment):
    zone = load_zone(name)
    local = to_local(moment, zone=zone)
    back = to_utc(local.date(), local.time(), zone=zone)
    assert back < moment if local.fold else back == moment


@settings(max_examples=150, deadline=None)
@given(weekday_schedules, moments)
def test_aligning_never_leads_back_and_lands_on_an_allowed_day_inside_the_window(recurrence, base):
    result = align(recurrence, base=base)
    zone = recurrence.zone
    assert base <= result <= base + 9 * DAY + timedelta(hours=1)
    assert recurrence.window.is_open(result, zone=zone)
    local = to_local(result, zone=zone)
    opened = [local.date() - DAY * back for back in range(2)]
    shifted = any(
        wall_clock(day, recurrence.window.opens_at, zone=zone) is WallClock.SKIPPED for day in opened
    )
    assert recurrence.allows(local.date()) or shifted


@settings(max_examples=150, deadline=None)
@given(weekday_schedules, moments)
def test_aligning_twice_changes_nothing_where_no_clock_changes(recurrence, base):
    once = align(recurrence, base=base)
    local = to_local(once, zone=recurrence.zone)
    near = [to_local(once + DAY * step, zone=recurrence.zone).utcoffset() for step in (-1, 0, 1)]
    assume(len(set(near)) == 1)
    assert recurrence.window.contains(local.time())
    assert align(recurrence, base=once) == once


@few
@given(weekday_schedules, moments)
def test_the_run_after_a_success_is_later(recurrence, finished):
    assume(recurrence.minutes > 0)
    result = next_after_completion(recurrence, finished_at=finished, earliest_start=None)
    assert result >= finished + timedelta(minutes=recurrence.minutes)


@few
@given(formula_schedules, moments)
def test_a_formula_run_is_later_and_at_the_starting_time(recurrence, finished):
    result = next_after_completion(recurrence, finished_at=finished, earliest_start=None)
    assert result > finished
    local = to_local(result, zone=recurrence.zone)
    if local.time() != recurrence.window.opens_at:
        gap_days = (local.date(), local.date() - DAY)
        assert WallClock.SKIPPED in {
            wall_clock(day, recurrence.window.opens_at, zone=recurrence.zone) for day in gap_days
        }


@settings(max_examples=150, deadline=None)
@given(weekday_schedules | formula_schedules | fixed_weekdays | fixed_formulas, moments)
def test_the_dispatcher_never_spins_outside_the_window(recurrence, now):
    result = window_reschedule(recurrence, now=now)
    assert result >= now
    if not recurrence.window.is_open(now, zone=recurrence.zone):
        assert result > now
    first = initial_run(recurrence, now=now)
    assert result == first or not recurrence.window.is_open(first, zone=recurrence.zone)


@settings(max_examples=150, deadline=None)
@given(fixed_weekdays | fixed_formulas, moments)
def test_due_times_ascend_on_allowed_days_and_none_is_skipped(recurrence, after):
    found = [after, *occurrences(recurrence, after=after, limit=25)]
    assert all(earlier < later for earlier, later in pairwise(found))
    # Whatever the moment one looks from, the due time that follows is the same.
    if recurrence.formula is None:
        for earlier, later in pairwise(found):
            middle = earlier + (later - earlier) / 2
            assert next(occurrences(recurrence, after=middle)) == later
            assert next_fixed(recurrence, due=earlier, now=middle) == later


@settings(max_examples=150, deadline=None)
@given(fixed_weekdays | fixed_formulas, moments, st.integers(0, 60 * 24 * 12))
def test_a_gap_holds_exactly_the_due_times_until_now_and_the_next_one_follows(recurrence, last_due, passed):
    assume(recurrence.minutes == 0 or recurrence.minutes > 5)
    now = last_due + timedelta(minutes=passed)
    missed = list(occurrences(recurrence, after=last_due, until=now))
    gap = gap_between(recurrence, last_due=last_due, now=now)
    if not missed:
        assert gap is None
    else:
        assert (gap.count, gap.first_due, gap.last_due) == (len(missed), missed[0], missed[-1])
    following = next_fixed(recurrence, due=last_due, now=now)
    assert following > now
    assert following == next(islice(occurrences(recurrence, after=last_due), len(missed), None))


@few
@given(fixed_weekdays, moments)
def test_every_due_time_lies_in_a_window_the_dispatcher_lets_pass(recurrence, after):
    for at in occurrences(recurrence, after=after, limit=10):
        assert recurrence.window.is_open(at, zone=recurrence.zone)


@few
@given(weekday_schedules | formula_schedules | fixed_weekdays | fixed_formulas, moments)
def test_a_preview_ascends_and_begins_with_the_first_run(recurrence, now):
    found = [item.at for item in preview(recurrence, now=now, count=8)]
    assert found[0] == initial_run(recurrence, now=now)
    assert len(found) == 8
    assert all(earlier < later for earlier, later in pairwise(found))


@few
@given(clock_times, clock_times, zones, moments)
def test_the_next_opening_is_open_and_less_than_three_days_away(start, end, name, moment):
    window, zone = DailyWindow(start, end), load_zone(name)
    opening = window.next_opening(moment, zone=zone)
    assert moment <= opening < moment + 3 * DAY
    assert window.is_open(opening, zone=zone)


@few
@given(weekday_schedules | formula_schedules | fixed_weekdays | fixed_formulas)
def test_every_schedule_can_be_said_in_words(recurrence):
    words = recurrence.explain()
    assert words.endswith(f"({recurrence.time_zone})")
    assert len(words) < 200
