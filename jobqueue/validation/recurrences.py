"""The recurrence fields of an entry as one value of the schedule arithmetic."""

from datetime import date, time
from typing import Protocol

from jobqueue.schedule import Anchor, DateFormula, Recurrence


class Recurring(Protocol):
    """What is read of an entry, be it a model row or a row of the dispatcher's."""

    @property
    def weekdays(self) -> frozenset[int]: ...
    @property
    def minutes_between_runs(self) -> int: ...
    @property
    def starting_time(self) -> time | None: ...
    @property
    def ending_time(self) -> time | None: ...
    @property
    def next_run_date_formula(self) -> str: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def recurrence_anchor(self) -> str: ...
    @property
    def anchor_date(self) -> date | None: ...
    @property
    def inactivity_timeout_minutes(self) -> int: ...


def recurrence_of(entry: Recurring) -> Recurrence:
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
