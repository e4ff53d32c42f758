"""Aligning compared with the numbered steps of the reference, on a clock that never changes."""

from datetime import date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from jobqueue.schedule import Recurrence, align, next_after_completion
from tests.jobqueue.schedule.sample import moment

DAY = timedelta(days=1)


def reference_align(base, *, weekdays, minutes, start, end):
    """Steps 1 to 8, written down one by one."""

    def at(moment):
        return datetime.combine(moment.date(), start if start is not None else time(0))

    cross = end is not None and start is not None and start > end
    result, clock, extra = base, base.time(), 0  # 1
    past_end = not cross and end is not None and clock > end
    if (cross and end < clock < start) or past_end:  # 2
        result = at(result)
    if past_end:  # 3
        extra = 1
    found, steps = False, 0
    for steps in range(8):  # 4
        if (base.isoweekday() - 1 + extra + steps) % 7 + 1 in weekdays:
            found = True
            break
    extra += steps
    if not cross and start is not None and result < at(result):  # 5
        result = at(result)
    if extra > 0 and result > at(result):  # 6
        result = at(result)
    if start is None and steps > 0 and minutes != 0:  # 7
        result = datetime.combine(result.date(), time(0))
    return result + extra * DAY if found and extra else result  # 8


days = st.frozensets(st.integers(1, 7), min_size=1)
quarters = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
clock_times = st.none() | quarters
bases = st.builds(datetime.combine, st.dates(date(2026, 1, 1), date(2026, 12, 31)), quarters | st.times())
minutes = st.sampled_from([0, 5, 60, 90, 1440, 2880, 10080])


@settings(max_examples=400, deadline=None)
@given(days, minutes, clock_times, clock_times, bases)
def test_aligning_gives_what_the_steps_give(weekdays, minutes, start, end, base):
    recurrence = Recurrence(weekdays=weekdays, minutes=minutes, starting_time=start, ending_time=end)
    expected = reference_align(base, weekdays=weekdays, minutes=minutes, start=start, end=end)
    assert align(recurrence, base=moment(base.isoformat())) == moment(expected.isoformat())


@settings(max_examples=200, deadline=None)
@given(days, minutes, clock_times, clock_times, bases, bases)
def test_the_run_after_a_success_gives_what_the_steps_give(weekdays, minutes, start, end, finished, planned):
    recurrence = Recurrence(weekdays=weekdays, minutes=minutes, starting_time=start, ending_time=end)
    base = finished + timedelta(minutes=minutes)
    if minutes == 0:
        base = datetime.combine(planned.date() + DAY, time(0))
    expected = reference_align(base, weekdays=weekdays, minutes=minutes, start=start, end=end)
    found = next_after_completion(
        recurrence, finished_at=moment(finished.isoformat()), earliest_start=moment(planned.isoformat())
    )
    assert found == moment(expected.isoformat())
