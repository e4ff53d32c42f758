"""The rules an entry must keep; every finding is reported, none hides another.

Source: *Job queue reference, Job Queue Entry* and *Reports*; decisions on attempts and time.
"""

from collections.abc import Collection, Iterator
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.utils import timezone

from jobqueue.errors import InvalidParameters, NotFound, Problem, Refused
from jobqueue.models import Category, Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.objects import registry
from jobqueue.objects.records import find_record
from jobqueue.schedule import ScheduleError, load_zone
from jobqueue.states import ObjectType, OutputType
from jobqueue.validation.fields import SETTABLE, label
from jobqueue.validation.fields import field as entry_field
from jobqueue.validation.recurrences import recurrence_of

LIMITED_FOR_PEOPLE = frozenset(
    {"max_attempts", "rerun_delay_seconds", "inactivity_timeout_minutes", "starting_time", "ending_time"}
)
"""Limits code may exceed (*Job queue reference, UI-only limits*)."""

_CHECKED_BY_RULE = frozenset({"time_zone", "next_run_date_formula", "parameters"})

_FIELD_OF = {
    "weekday": WEEKDAY_FIELDS[0],
    "no_weekday": "minutes_between_runs",
    "minutes_out_of_range": "minutes_between_runs",
    "minutes_not_whole_days": "minutes_between_runs",
    "formula_excludes_minutes": "minutes_between_runs",
    "unknown_time_zone": "time_zone",
}


def problems_of(
    entry: Entry,
    *,
    by_code: bool = False,
    changed: Collection[str] | None = None,
    now: datetime | None = None,
) -> list[Problem]:
    """Everything wrong with the entry, in the order of the card; empty if it may be stored and released.

    ``by_code`` leaves out what only people's doors enforce. ``changed`` limits the checks of people's limits, of the
    category and of the record's existence to fields just entered; None checks them all. ``now`` is aware.
    """
    touched = frozenset(SETTABLE) if changed is None else frozenset(changed)
    problems = [
        *_field_problems(entry, by_code=by_code, touched=touched),
        *_object_problems(entry),
        *_report_problems(entry),
        *_record_problems(entry, touched=touched),
        *_moment_problems(entry),
        *_recurrence_problems(entry, by_code=by_code, touched=touched, now=now or timezone.now()),
        *_category_problems(entry, by_code=by_code, touched=touched),
    ]
    order = {name: position for position, name in enumerate(SETTABLE)}
    return sorted(dict.fromkeys(problems), key=lambda problem: order.get(problem.field.partition(".")[0], -1))


def _field_problems(entry: Entry, *, by_code: bool, touched: frozenset[str]) -> Iterator[Problem]:
    for name in SETTABLE:
        if name in _CHECKED_BY_RULE or (name in LIMITED_FOR_PEOPLE and (by_code or name not in touched)):
            continue
        field = entry_field(name)
        value = getattr(entry, name)
        if field.blank and value in field.empty_values:
            continue
        try:
            field.clean(value, entry)
        except ValidationError as error:
            yield Problem(name, "invalid", f"{label(name)}: {' '.join(error.messages)}")


def _object_problems(entry: Entry) -> Iterator[Problem]:
    if not entry.object_id:
        yield Problem(
            "object_id",
            "object_missing",
            "No job object is chosen. Choose the codeunit or report that is to run.",
        )
        return
    job = registry.find(entry.object_type, entry.object_id)
    if job is None:
        yield Problem(
            "object_id",
            "unknown_object",
            f"No installed app registers {_object_words(entry)}. Choose a registered object, or install its app.",
        )
        return
    try:
        job.parse(entry.parameter_string, entry.parameters)
    except InvalidParameters as error:
        yield from _parameter_problems(error)


def _object_words(entry: Entry) -> str:
    kinds = {int(kind): kind.label for kind in ObjectType}
    return f"{kinds.get(entry.object_type, 'Object')} {entry.object_id}"


def _parameter_problems(error: InvalidParameters) -> Iterator[Problem]:
    found = getattr(error, "problems", None) or [Problem("", error.code, error.message)]
    for problem in found:
        name = f"parameters.{problem.field}" if problem.field else "parameters"
        yield Problem(name, problem.code, problem.message)


def _report_problems(entry: Entry) -> Iterator[Problem]:
    if entry.object_type != ObjectType.REPORT:
        return
    job = registry.find(entry.object_type, entry.object_id) if entry.object_id else None
    if job is not None and entry.report_output_type in set(OutputType):
        try:
            job.require_output_type(entry.report_output_type)
        except Refused as error:
            yield Problem("report_output_type", error.code, error.message)
    if entry.printer_name and entry.report_output_type != OutputType.PRINT:
        yield Problem(
            "printer_name",
            "printer_not_used",
            "A printer is only for the output type Print. Clear Printer name.",
        )


def _record_problems(entry: Entry, *, touched: frozenset[str]) -> Iterator[Problem]:
    try:
        find_record(entry.record_to_process)
    except NotFound as error:
        if error.code != "record_gone" or "record_to_process" in touched:
            yield Problem("record_to_process", error.code, error.message)


def _moment_problems(entry: Entry) -> Iterator[Problem]:
    if entry.expires_at and entry.earliest_start_at and entry.expires_at < entry.earliest_start_at:
        yield Problem(
            "expires_at",
            "expires_before_start",
            "Expiration lies before Earliest start, so the entry would never run. Set a later expiration.",
        )


def _recurrence_problems(
    entry: Entry, *, by_code: bool, touched: frozenset[str], now: datetime
) -> Iterator[Problem]:
    yield from _window_problems(entry, by_code=by_code, touched=touched)
    try:
        recurrence = recurrence_of(entry)
    except ScheduleError as error:
        yield Problem("next_run_date_formula", error.code, error.message)
        return
    for error in recurrence.validate(today=_today(entry.time_zone, now)):
        one_off_by_code = error.code == "no_weekday" and (by_code or "minutes_between_runs" not in touched)
        if not (one_off_by_code or (error.code == "no_weekday" and not entry.minutes_between_runs)):
            yield Problem(_FIELD_OF.get(error.code, "next_run_date_formula"), error.code, error.message)
    if recurrence.is_recurring and entry.run_in_user_session:
        yield Problem(
            WEEKDAY_FIELDS[0],
            "runs_in_user_session",
            "A report scheduled to run once for a user cannot repeat. Clear its weekdays and date formula.",
        )


def _window_problems(entry: Entry, *, by_code: bool, touched: frozenset[str]) -> Iterator[Problem]:
    if by_code or entry.recurring:
        return
    for name in ("starting_time", "ending_time"):
        if getattr(entry, name) is not None and name in touched:
            yield Problem(
                name,
                "only_when_recurring",
                f"{label(name)} is only for recurring entries. Choose weekdays or a date formula, or clear it.",
            )


def _today(time_zone: str, now: datetime) -> date | None:
    try:
        return now.astimezone(load_zone(time_zone)).date()
    except ScheduleError:
        return None


def _category_problems(entry: Entry, *, by_code: bool, touched: frozenset[str]) -> Iterator[Problem]:
    if by_code or not entry.category_code or "category_code" not in touched or entry.company_id is None:
        return
    if not Category.objects.filter(company_id=entry.company_id, code=entry.category_code).exists():
        yield Problem(
            "category_code",
            "unknown_category",
            f"The company has no category “{entry.category_code}”. Create it first, or choose another.",
        )
