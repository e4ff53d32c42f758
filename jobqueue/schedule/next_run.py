"""The next run of a job: after a success, when set ready, after finding nothing to do, outside the daily window.

Source: *Job queue reference, Next-run time*, for schedules counted from completion; *Job queue packages reference,
Occurrences*, for fixed times. Every function takes and returns aware moments (results in UTC) and leaves out the
second that enqueueing adds to a moment that is not in the future. "Never" is a *ScheduleError*: ``not_recurring``,
``no_weekday``, ``past_result``, ``never_runs`` or ``date_out_of_range``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from jobqueue.schedule.grid import PAST_RESULT_TRIES, first_formula_slot_from, first_slot, past_result
from jobqueue.schedule.recurrence import Anchor, Recurrence
from jobqueue.schedule.zones import MIDNIGHT, add_days, add_minutes, as_utc, to_local, to_utc


def next_run(
    recurrence: Recurrence,
    *,
    base: datetime,
    due: datetime | None = None,
    earliest_start: datetime | None = None,
) -> datetime:
    """Return the run after a successful one that ended at *base*, by the recurrence's anchor.

    *due* is the due moment that was served; without it, a fixed grid takes *earliest_start* if it has passed (a
    recurring entry shows its due time there), else *base*. An *earliest_start* still to come holds a fixed grid back.
    """
    if recurrence.anchor != Anchor.FIXED:
        return next_after_completion(recurrence, finished_at=base, earliest_start=earliest_start)
    recurrence.require_recurring()
    if due is None and earliest_start is not None and as_utc(earliest_start) > as_utc(base):
        return initial_run(recurrence, now=base, earliest_start=earliest_start)
    if due is None and earliest_start is None:
        return first_slot(recurrence, after=base, is_due_time=False).at
    return next_fixed(recurrence, due=due or earliest_start or base, now=base)


def next_after_completion(
    recurrence: Recurrence, *, finished_at: datetime, earliest_start: datetime | None
) -> datetime:
    """Return the next run counted from the moment the run was finalised.

    Mon–Fri every 60 minutes 08:00-17:00: finished Mon 16:00 → Mon 17:00, finished Fri 16:30 → Mon 08:00. Zero minutes
    (older entries) count from *earliest_start*, without drift. A date formula whose result is not later than
    *finished_at* is applied to the following days, up to 366 of them.
    """
    recurrence.require_recurring()
    if recurrence.formula is not None:
        return _formula_after(recurrence, moment=as_utc(finished_at))
    if recurrence.minutes > 0:
        return align(recurrence, base=add_minutes(finished_at, recurrence.minutes))
    start = to_local(as_utc(earliest_start or finished_at), zone=recurrence.zone)
    return align(recurrence, base=to_utc(add_days(start.date(), 1), MIDNIGHT, zone=recurrence.zone))


def next_fixed(recurrence: Recurrence, *, due: datetime, now: datetime) -> datetime:
    """Return the first due time of the fixed grid later than *now* and than *due*, the due time just served.

    Due times passed meanwhile are a gap (``gap_between``). A date formula steps on from *due*, not from *now*: daily
    23:50, due on Monday and ended Tuesday 00:10, is next due on Tuesday.
    """
    recurrence = recurrence.anchored(to_local(as_utc(due), zone=recurrence.zone).date())
    return first_slot(recurrence, after=due, beyond=now).at


def initial_run(recurrence: Recurrence, *, now: datetime, earliest_start: datetime | None = None) -> datetime:
    """Return the first run of a job that is set ready or restarted at *now*.

    Counted from completion, a weekday schedule may start at once if day and window allow; a date formula or a job
    that runs once starts at once, or when its window opens next. At fixed times it is the first due time later than
    *now* and not before *earliest_start*.
    """
    now = as_utc(now)
    start = now if earliest_start is None else max(now, as_utc(earliest_start))
    if recurrence.is_recurring and recurrence.anchor == Anchor.FIXED:
        return _initial_fixed(recurrence, now=now, start=start)
    if recurrence.is_recurring:
        return align(recurrence, base=start)
    return _into_window(recurrence, moment=start)


def inactivity_run(recurrence: Recurrence, *, now: datetime, minutes: int) -> datetime | None:
    """Return when a recurring job that found nothing to do wakes up: *minutes* later, moved to an allowed time.

    At fixed times it is the first due time from then on. None for 0 minutes: the job sleeps until something wakes it.
    """
    recurrence.require_recurring()
    if minutes == 0:
        return None
    wake_up = add_minutes(now, minutes)
    if recurrence.anchor != Anchor.FIXED:
        return align(recurrence, base=wake_up)
    just_before = wake_up - timedelta(microseconds=1)
    return first_slot(recurrence, after=now, beyond=just_before, is_due_time=False).at


def window_reschedule(
    recurrence: Recurrence, *, now: datetime, earliest_start: datetime | None = None
) -> datetime:
    """Return when the dispatcher tries a job again that came due outside its daily window.

    The initial run; if even that lies outside the window, the window's next opening, so that nothing spins
    (*Job queue reference, Dispatcher*, rule 2). Later than *now* whenever the window is not open at *now*.
    """
    return _into_window(recurrence, moment=initial_run(recurrence, now=now, earliest_start=earliest_start))


def align(recurrence: Recurrence, *, base: datetime) -> datetime:
    """Return the first moment from *base* on that lies on a ticked weekday and in the daily window.

    Weekdays belong to the calendar day, also in a window over midnight: ticked on Mondays only, 22:00-02:00, a base of
    Tuesday 00:30 leads to next Monday 00:30. Without a starting time a later day begins at 00:00. For a date formula
    only the window counts. Raises *NotRecurring* or *NoWeekday*.
    """
    moment = as_utc(base)
    if recurrence.formula is not None:
        return _into_window(recurrence, moment=moment)
    recurrence.require_weekday()
    window, zone = recurrence.window, recurrence.zone
    local = to_local(moment, zone=zone)
    day, at = local.date(), local.time()
    over = window.ending_time is not None and at > window.ending_time
    days = 1 if over and not window.crosses_midnight else 0
    while not recurrence.allows(later := add_days(day, days)):
        days += 1
    # After midnight, in a window opened the evening before, the time of day is kept.
    in_tail = window.crosses_midnight and not over
    if days > 0:
        return max(moment, to_utc(later, at if in_tail else window.opens_at, zone=zone))
    if in_tail or window.starting_time is None:
        return moment
    # Never back: the first passing of a time that exists twice may be over, then the window is open.
    return max(moment, to_utc(day, window.opens_at, zone=zone))


def _formula_after(recurrence: Recurrence, *, moment: datetime) -> datetime:
    assert recurrence.formula is not None
    day = to_local(moment, zone=recurrence.zone).date()
    opens_at = recurrence.window.opens_at
    for extra in range(PAST_RESULT_TRIES + 1):
        result = to_utc(recurrence.formula.apply(add_days(day, extra)), opens_at, zone=recurrence.zone)
        if result > moment:
            return result
    raise past_result(recurrence)


def _initial_fixed(recurrence: Recurrence, *, now: datetime, start: datetime) -> datetime:
    if start == now:
        recurrence = recurrence.anchored(to_local(now, zone=recurrence.zone).date())
        return first_slot(recurrence, after=now, is_due_time=False).at
    if recurrence.formula is not None:
        return first_formula_slot_from(recurrence, start=start).at
    recurrence = recurrence.anchored(to_local(start, zone=recurrence.zone).date())
    return first_slot(recurrence, after=now, beyond=start - timedelta(microseconds=1)).at


def _into_window(recurrence: Recurrence, *, moment: datetime) -> datetime:
    window, zone = recurrence.window, recurrence.zone
    if window.is_open(moment, zone=zone):
        return moment
    return window.next_opening(moment, zone=zone)
