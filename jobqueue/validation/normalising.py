"""What follows from changing a field: clearing, deriving, defaults.

Source: *Job queue reference, Job Queue Entry* (rules and effects of the fields).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jobqueue.conf import settings
from jobqueue.errors import Problem
from jobqueue.models import Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.objects import registry
from jobqueue.schedule import DateFormula, ScheduleError, next_run, to_local
from jobqueue.schedule.recurrence import MINUTES_PER_DAY
from jobqueue.states import ObjectType, OutputType
from jobqueue.validation.fields import GRID_FIELDS, SETTABLE
from jobqueue.validation.recurrences import recurrence_of

OBJECT_FIELDS = frozenset({"object_type", "object_id"})
CLEARED_WITH_OBJECT: dict[str, Callable[[], Any]] = {
    "description": str,
    "parameter_string": str,
    "parameters": dict,
    "report_request_page_options": bool,
}
"""What another object clears; the type called without arguments is the empty value."""

ALWAYS_CHOSEN = frozenset({"max_attempts", "rerun_delay_seconds"})
"""Zero is an answer here, not an empty field: no retries, no wait (decisions on attempts)."""


def apply(entry: Entry, values: Mapping[str, Any], *, by_code: bool, now: datetime) -> list[Problem]:
    """Writes coerced ``values`` and all that follows from them to the unsaved row.

    A field counts as changed if its value differs from the present one, so a form may hand in every field. Returns
    the problems that only the input shows, such as weekdays and a date formula given at once.
    """
    before = {name: getattr(entry, name) for name in SETTABLE}
    values = {name: _canonical(name, value) for name, value in values.items()}
    changed = {
        name for name, value in values.items() if name != "recurring" and value != getattr(entry, name)
    }
    for name in changed:
        setattr(entry, name, values[name])
    problems = _follow_recurrence(entry, changed=changed)
    problems += _contradiction(entry, values=values)
    _follow_object(entry, changed=changed, given=frozenset(values), by_code=by_code)
    _follow_report(entry, changed=changed)
    _follow_limits(entry)
    _follow_schedule(
        entry, changed={name for name in SETTABLE if getattr(entry, name) != before[name]}, now=now
    )
    return problems


def _canonical(name: str, value: Any) -> Any:
    if name == "category_code":
        return value.strip().upper()
    if name == "next_run_date_formula" and value:
        try:
            return str(DateFormula.parse(value))
        except ScheduleError:
            return value
    return value


def _follow_recurrence(entry: Entry, *, changed: set[str]) -> list[Problem]:
    """Formula and weekdays exclude each other; the flag is derived; 0 minutes of a weekday schedule become a day."""
    formula = "next_run_date_formula" in changed and bool(entry.next_run_date_formula)
    days = any(getattr(entry, name) for name in WEEKDAY_FIELDS if name in changed)
    minutes = "minutes_between_runs" in changed and entry.minutes_between_runs > 0
    if formula and (days or minutes):
        return [_both_given()]
    if formula:
        entry.minutes_between_runs = 0
        for name in WEEKDAY_FIELDS:
            setattr(entry, name, False)
    elif days or minutes:
        entry.next_run_date_formula = ""
    was_recurring = entry.recurring
    entry.recurring = bool(entry.weekdays or entry.next_run_date_formula)
    if entry.recurring and not entry.next_run_date_formula and entry.minutes_between_runs == 0:
        entry.minutes_between_runs = MINUTES_PER_DAY
    if was_recurring and not entry.recurring:
        for name, empty in (("minutes_between_runs", 0), ("starting_time", None), ("ending_time", None)):
            if name not in changed:
                setattr(entry, name, empty)
    return []


def _both_given() -> Problem:
    return Problem(
        "next_run_date_formula",
        "formula_excludes_weekdays",
        "An entry repeats either on weekdays and minutes or by a date formula. Give one of them.",
    )


def _contradiction(entry: Entry, *, values: Mapping[str, Any]) -> list[Problem]:
    if "recurring" not in values or bool(values["recurring"]) == bool(
        entry.weekdays or entry.next_run_date_formula
    ):
        return []
    if values["recurring"]:
        sentence = "A recurring entry needs at least one weekday or a next run date formula."
        return [Problem(WEEKDAY_FIELDS[0], "no_weekday", sentence)]
    sentence = (
        "The entry has weekdays or a date formula and therefore is recurring. Clear them to run it once."
    )
    return [Problem(WEEKDAY_FIELDS[0], "is_recurring", sentence)]


def _follow_object(entry: Entry, *, changed: set[str], given: frozenset[str], by_code: bool) -> None:
    if not changed & OBJECT_FIELDS:
        return
    if "object_type" in changed and "object_id" not in given:
        entry.object_id = 0
    for name, empty in CLEARED_WITH_OBJECT.items():
        if name not in changed:
            setattr(entry, name, empty())
    job = registry.find(entry.object_type, entry.object_id) if entry.object_id else None
    if job is None:
        return
    entry.description = entry.description or job.caption[:250]
    for name, default in job.defaults.items():
        chosen = name in changed or (name in given and (by_code or name in ALWAYS_CHOSEN))
        if not chosen and not (name == "category_code" and entry.category_code):
            setattr(entry, name, _canonical(name, default))


def _follow_report(entry: Entry, *, changed: set[str]) -> None:
    """Stored parameters and the options flag of a report go together; a printer is only for printing."""
    if entry.object_type != ObjectType.REPORT:
        return
    if "parameters" in changed and entry.parameters:
        entry.report_request_page_options = True
    elif "report_request_page_options" in changed and not entry.report_request_page_options:
        entry.parameters = {}
    if entry.report_output_type != OutputType.PRINT and "printer_name" not in changed:
        entry.printer_name = ""


def _follow_limits(entry: Entry) -> None:
    """No timeout means the default; one above the site's maximum is reduced (*Job timeout and expiry*)."""
    limits = settings()
    entry.timeout_seconds = min(
        entry.timeout_seconds or limits.default_timeout_seconds, limits.max_timeout_seconds
    )


def _follow_schedule(entry: Entry, *, changed: set[str], now: datetime) -> None:
    """The first run of a new formula, and the day a grid of whole days is counted from; problems show elsewhere."""
    try:
        recurrence = recurrence_of(entry)
        if "next_run_date_formula" in changed and recurrence.formula and entry.earliest_start_at is None:
            entry.earliest_start_at = next_run(recurrence, base=now)
        if not recurrence.needs_anchor_date:
            entry.anchor_date = None
        elif entry.anchor_date is None or changed & GRID_FIELDS:
            first = to_local(max(now, entry.earliest_start_at or now), zone=recurrence.zone).date()
            entry.anchor_date = _anchored(entry, first)
    except (ScheduleError, ValueError):
        return


def _anchored(entry: Entry, day):
    entry.anchor_date = None
    return recurrence_of(entry).anchored(day).anchor_date
