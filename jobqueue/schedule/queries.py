"""Questions about a schedule, one JSON object each: what ``next-run`` answers, without database or clock.

Keys: ``mode`` (next, initial or inactivity; default next), ``anchor`` (completion or fixed; default completion),
``weekdays`` (list of 1 to 7), ``minutes``, ``starting_time``, ``ending_time``, ``formula``, ``earliest_start``,
``time_zone`` (default UTC), ``base`` (the moment asked from, required) and ``inactivity_minutes`` (default 5). Null
means missing. Moments are ISO 8601, without an offset on the wall clock of ``time_zone``.
"""

from __future__ import annotations

from datetime import date, datetime

from jobqueue.schedule.errors import InvalidQuery, NeverRuns, ScheduleError
from jobqueue.schedule.formulas import DateFormula
from jobqueue.schedule.next_run import inactivity_run, next_run, window_reschedule
from jobqueue.schedule.reading import (
    read_choice,
    read_date,
    read_integer,
    read_moment,
    read_object,
    read_text,
    read_time,
    read_weekdays,
)
from jobqueue.schedule.recurrence import MAX_MINUTES, MIN_INACTIVITY_MINUTES, Anchor, Recurrence
from jobqueue.schedule.zones import load_zone, to_local

MODES = ("next", "initial", "inactivity")
KEYS = frozenset(
    {
        "mode",
        "anchor",
        "weekdays",
        "minutes",
        "starting_time",
        "ending_time",
        "formula",
        "earliest_start",
        "time_zone",
        "base",
        "inactivity_minutes",
    }
)

Answer = dict[str, object]


def answer(line: str) -> Answer:
    """Answer one question: ``{"next_run": "2026-03-02T10:22:30Z"}`` or ``{"error": {"code": …, "message": …}}``.

    The moment is the one before enqueueing raises it to at least a second from now. Minutes are taken literally; 0
    is not replaced by 1,440. Never raises for anything that can be written on a line.
    """
    try:
        return {"next_run": format_moment(_next_run(read_object(line, known=KEYS)))}
    except ScheduleError as error:
        return _refusal(error)


def date_formula_answer(formula: str, *, date: str) -> Answer:
    """Apply a formula to a date (YYYY-MM-DD): ``{"date": "2026-03-01"}`` or ``{"error": {…}}``."""
    try:
        day = read_date("date", date)
        return {"date": DateFormula.parse(formula).apply(day).isoformat()}
    except ScheduleError as error:
        return _refusal(error)


def format_moment(moment: datetime) -> str:
    """Write a UTC moment as 2026-03-02T08:00:00Z, with milli- or microseconds only where they are not zero."""
    if moment.microsecond == 0:
        precision = "seconds"
    else:
        precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _next_run(fields: dict[str, object]) -> datetime:
    mode = read_choice(fields, "mode", choices=MODES, default="next")
    recurrence = _read_recurrence(fields)
    base = read_moment(fields, "base", zone=recurrence.zone)
    earliest_start = read_moment(fields, "earliest_start", zone=recurrence.zone)
    if base is None:
        raise InvalidQuery("base is missing. Give the moment to count from.", code="missing_key")
    _refuse_invalid(recurrence, today=to_local(base, zone=recurrence.zone).date())
    if mode == "initial":
        return window_reschedule(recurrence, now=base, earliest_start=earliest_start)
    if mode == "next":
        return next_run(recurrence, base=base, earliest_start=earliest_start)
    wake_up = inactivity_run(recurrence, now=base, minutes=recurrence.inactivity_minutes)
    if wake_up is None:
        raise NeverRuns(
            "With an inactivity period of 0 the job sleeps until something wakes it. "
            "Use 5 minutes or more to have it wake by itself."
        )
    return wake_up


def _read_recurrence(fields: dict[str, object]) -> Recurrence:
    formula = read_text(fields, "formula")
    weekdays = read_weekdays(fields, "weekdays")
    minutes = read_integer(fields, "minutes", highest=MAX_MINUTES)
    zone_name = read_text(fields, "time_zone", default="UTC")
    load_zone(zone_name)
    anchor = Anchor(read_choice(fields, "anchor", choices=tuple(Anchor), default=Anchor.COMPLETION))
    return Recurrence(
        # A formula takes precedence: weekdays, and minutes counted from completion, are ignored beside it.
        weekdays=frozenset() if formula else weekdays,
        minutes=0 if formula and anchor is Anchor.COMPLETION else minutes,
        starting_time=read_time(fields, "starting_time"),
        ending_time=read_time(fields, "ending_time"),
        formula=DateFormula.parse(formula) if formula else None,
        time_zone=zone_name,
        anchor=anchor,
        inactivity_minutes=read_integer(
            fields, "inactivity_minutes", highest=MAX_MINUTES, default=MIN_INACTIVITY_MINUTES
        ),
    )


def _refuse_invalid(recurrence: Recurrence, *, today: date) -> None:
    """Raise the first problem the product would refuse the entry for, with all of them in its message."""
    problems = recurrence.validate(today=today)
    if problems:
        raise ScheduleError(" ".join(problem.message for problem in problems), code=problems[0].code)


def _refusal(error: ScheduleError) -> Answer:
    return {"error": {"code": error.code, "message": error.message}}
