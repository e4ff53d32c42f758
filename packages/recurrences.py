"""The stored recurrences of a package as rules of the schedule arithmetic."""

from datetime import datetime

from jobqueue.schedule import ScheduleError
from packages.models import Package, Recurrence
from packages.schedule import DueTime, Rule, due_times, rule_of


def rule_from(recurrence: Recurrence, *, time_zone: str) -> Rule:
    """One recurrence as a rule; raises ``ScheduleError`` for a formula that cannot be read."""
    return rule_of(
        weekdays=recurrence.weekdays,
        minutes=recurrence.minutes_between_runs,
        starting_time=recurrence.starting_time,
        ending_time=recurrence.ending_time,
        formula=recurrence.next_run_date_formula,
        time_zone=time_zone,
        valid_from=recurrence.valid_from,
        valid_to=recurrence.valid_to,
    )


def rules_of(package: Package) -> list[Rule]:
    """The enabled recurrences of the package that can be read; the guards report the others."""
    rules = []
    for recurrence in package.recurrences.filter(enabled=True):
        try:
            rule = rule_from(recurrence, time_zone=package.time_zone)
            rule.recurrence.require_recurring()
        except ScheduleError:
            continue
        rules.append(rule)
    return rules


def anchor_of(package: Package, *, now: datetime) -> datetime:
    """What date formulas are counted from: the activation of an Active package, else the present."""
    return package.activated_at if package.is_active and package.activated_at else now


def next_due_of(package: Package, *, after: datetime, now: datetime | None = None) -> DueTime | None:
    """The package's first due time later than ``after``; None if none is left."""
    anchor = anchor_of(package, now=now or after)
    return next(due_times(rules_of(package), after=after, anchor=anchor), None)


def in_words(recurrence: Recurrence, *, time_zone: str) -> str:
    """A recurrence as people read it; what is wrong with it if it cannot be read."""
    try:
        return rule_from(recurrence, time_zone=time_zone).in_words()
    except ScheduleError as error:
        return error.message
