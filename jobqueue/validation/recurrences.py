"""The recurrence fields of an entry as one value of the schedule arithmetic."""

from jobqueue.models import Entry
from jobqueue.schedule.formulas import DateFormula
from jobqueue.schedule.recurrence import Anchor, Recurrence


def recurrence_of(entry: Entry) -> Recurrence:
    """The entry's recurrence; raises ``ScheduleError`` only for a date formula that cannot be read."""
    formula = entry.next_run_date_formula
    return Recurrence(
        weekdays=entry.weekdays,
        minutes=entry.minutes_between_runs,
        starting_time=entry.starting_time,
        ending_time=entry.ending_time,
        formula=DateFormula.parse(formula) if formula else None,
        time_zone=entry.time_zone,
        anchor=Anchor(entry.recurrence_anchor),
        anchor_date=entry.anchor_date,
        inactivity_minutes=entry.inactivity_timeout_minutes,
    )
