"""Recurrences of a package: on which days and times it runs (*Packages reference, Recurrences and the next run*)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotFound, Problem
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.schedule import DateFormula, ScheduleError
from jobqueue.scheduler import database_now
from packages.lifecycle.fields import write
from packages.models import Package, Recurrence
from packages.permissions import require
from packages.recurrences import rule_from
from packages.rows import require_editable, require_revision, store_change, verb
from packages.schedule import problems_of_rule

RECURRENCE_FIELDS = (
    "enabled",
    *WEEKDAY_FIELDS,
    "next_run_date_formula",
    "starting_time",
    "ending_time",
    "minutes_between_runs",
    "valid_from",
    "valid_to",
)

FIELD_OF = {
    "no_weekday": WEEKDAY_FIELDS[0],
    "ending_without_minutes": "ending_time",
    "ending_equals_starting": "ending_time",
    "never_valid": "valid_to",
    "minutes_out_of_range": "minutes_between_runs",
    "minutes_not_whole_days": "minutes_between_runs",
}


def add_recurrence(
    package: Package,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> Recurrence:
    """Adds a recurrence; ``values`` by field name. Weekdays and date formula exclude each other.

    Raises ``Invalid`` with all problems, ``PackageLocked``, ``PackageChangedMeanwhile``, ``NotAllowed``.
    """
    return _save(
        package, None, values, actor=actor, expected_revision=expected_revision, now=now or database_now()
    )


def change_recurrence(
    recurrence: Recurrence,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> Recurrence:
    """Changes a recurrence; filling a weekday empties the date formula and the other way round."""
    return _save(
        recurrence.package,
        recurrence.pk,
        values,
        actor=actor,
        expected_revision=expected_revision,
        now=now or database_now(),
    )


@verb
def _save(
    package: Package,
    key: Any,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None,
    now: datetime,
) -> Recurrence:
    require(actor, "maintain", package.company)
    require_revision(package, expected_revision)
    require_editable(package)
    recurrence = Recurrence(package=package) if key is None else _fresh(package, key)
    before = {name: getattr(recurrence, name) for name in RECURRENCE_FIELDS}
    problems = write(recurrence, values, allowed=RECURRENCE_FIELDS)
    problems += _exclude(recurrence, before=before)
    if not any(problem.field == "next_run_date_formula" for problem in problems):
        problems += _problems(recurrence, package)
    if problems:
        raise Invalid(problems)
    changed = [name for name in RECURRENCE_FIELDS if getattr(recurrence, name) != before[name]]
    if key is None or changed:
        recurrence.save()
        store_change(package, actor=actor, now=now)
    return recurrence


def remove_recurrence(
    recurrence: Recurrence,
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> None:
    """Removes a recurrence. Refusals as :func:`add_recurrence`."""
    _remove(
        recurrence.package,
        recurrence.pk,
        actor=actor,
        expected_revision=expected_revision,
        now=now or database_now(),
    )


@verb
def _remove(
    package: Package, key: Any, *, actor: Actor, expected_revision: int | None, now: datetime
) -> None:
    require(actor, "maintain", package.company)
    require_revision(package, expected_revision)
    require_editable(package)
    _fresh(package, key).delete()
    store_change(package, actor=actor, now=now)


def _exclude(recurrence: Recurrence, *, before: Mapping[str, Any]) -> list[Problem]:
    """Filling the formula empties the weekdays and the other way round; filling both at once is refused."""
    formula = recurrence.next_run_date_formula
    if formula:
        try:
            recurrence.next_run_date_formula = formula = str(DateFormula.parse(formula))
        except ScheduleError as error:
            return [Problem("next_run_date_formula", error.code, error.message)]
    filled_formula = bool(formula) and formula != before["next_run_date_formula"]
    filled_days = any(getattr(recurrence, name) and not before[name] for name in WEEKDAY_FIELDS)
    if filled_formula and filled_days:
        sentence = "A recurrence runs either on weekdays or by a date formula. Give one of them."
        return [Problem("next_run_date_formula", "formula_excludes_weekdays", sentence)]
    if filled_formula:
        for name in WEEKDAY_FIELDS:
            setattr(recurrence, name, False)
    elif filled_days:
        recurrence.next_run_date_formula = ""
    return []


def _problems(recurrence: Recurrence, package: Package) -> list[Problem]:
    try:
        rule = rule_from(recurrence, time_zone=package.time_zone)
    except ScheduleError as error:
        return [Problem("next_run_date_formula", error.code, error.message)]
    found = problems_of_rule(rule, ending_time=recurrence.ending_time)
    return [
        Problem(FIELD_OF.get(error.code, "next_run_date_formula"), error.code, error.message)
        for error in found
    ]


def _fresh(package: Package, key: Any) -> Recurrence:
    found = Recurrence.objects.select_related("package").filter(pk=key, package=package).first()
    if found is None:
        raise NotFound(f"That recurrence of “{package}” does not exist any more; somebody removed it.")
    return found
