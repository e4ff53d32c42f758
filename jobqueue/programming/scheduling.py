"""Helpers that make entries and let them run.

Source: *Job queue reference, Programming interface*.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django.db import models

from jobqueue import companies, lifecycle
from jobqueue.models import Company, Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.objects import registry
from jobqueue.objects.records import record_reference
from jobqueue.programming.acting import actor
from jobqueue.programming.asking import entries_of_object, find
from jobqueue.schedule import DateFormula, load_zone, to_local, to_utc
from jobqueue.scheduler import database_now
from jobqueue.states import ObjectType

RETRIES = 3
LATER_DELAY_SECONDS = 60
EVERY_MINUTES = 5
FROM_EIGHT = time(8, 0)
DAILY = "1D"

ALL_DAYS = dict.fromkeys(WEEKDAY_FIELDS, True)


def schedule(
    object_id: int,
    *,
    user: Any,
    record: models.Model | str | None = None,
    parameter_string: str = "",
    parameters: Mapping[str, Any] | None = None,
    object_type: ObjectType = ObjectType.CODEUNIT,
    company: Company | None = None,
    **values: Any,
) -> Entry:
    """Runs the object once, as soon as possible, on the record if given. Further ``values`` by field name."""
    return _released(
        company,
        {
            **_what(
                object_type,
                object_id,
                record=record,
                parameter_string=parameter_string,
                parameters=parameters,
            ),
            **values,
        },
        user=user,
    )


def schedule_for_later(
    object_id: int,
    *,
    user: Any,
    start_at: datetime,
    category: str = "",
    parameter_string: str = "",
    parameters: Mapping[str, Any] | None = None,
    company: Company | None = None,
) -> Entry:
    """Runs the codeunit once, not before ``start_at``; tried again up to 3 times, 60 seconds apart."""
    values = _what(ObjectType.CODEUNIT, object_id, parameter_string=parameter_string, parameters=parameters)
    values |= {
        "earliest_start_at": start_at,
        "category_code": category,
        "max_attempts": RETRIES,
        "rerun_delay_seconds": LATER_DELAY_SECONDS,
    }
    return _released(company, values, user=user)


def schedule_recurrent(
    object_type: ObjectType,
    object_id: int,
    *,
    user: Any,
    record: models.Model | str | None = None,
    minutes: int = EVERY_MINUTES,
    max_attempts: int = RETRIES,
    rerun_delay_seconds: int = 0,
    starting_time: time | None = FROM_EIGHT,
    company: Company | None = None,
    **values: Any,
) -> Entry | None:
    """Runs the object every day, every ``minutes`` from 08:00 on, unless an entry for it (and the record) exists.

    0 minutes mean 5. Returns the new entry, None if there was one.
    """
    company = company or companies.default()
    if find(object_type, object_id, record=record, company=company) is not None:
        return None
    given = _what(object_type, object_id, record=record) | ALL_DAYS
    given |= {
        "minutes_between_runs": minutes or EVERY_MINUTES,
        "starting_time": starting_time,
        "max_attempts": max_attempts,
        "rerun_delay_seconds": rerun_delay_seconds,
    }
    return _released(company, given | values, user=user)


def schedule_by_formula(
    object_type: ObjectType,
    object_id: int,
    *,
    user: Any,
    formula: str,
    starting_time: time | None = None,
    category: str = "",
    max_attempts: int = RETRIES,
    timeout_seconds: int = 0,
    company: Company | None = None,
) -> Entry | None:
    """Runs the object by a date formula, first on the date it leads to from today; “0D” is taken as “1D”.

    Returns the new entry, None if one for the object exists. Today is the date in the company's time zone.
    """
    company = company or companies.default()
    if find(object_type, object_id, company=company) is not None:
        return None
    rule = DateFormula.parse(DAILY if formula.replace(" ", "").upper() == "0D" else formula)
    zone = load_zone(company.time_zone)
    today = to_local(database_now(), zone=zone).date()
    values = _what(object_type, object_id) | {
        "next_run_date_formula": str(rule),
        "earliest_start_at": to_utc(rule.apply(today), starting_time or time(0), zone=zone),
        "starting_time": starting_time,
        "category_code": category,
        "max_attempts": max_attempts,
        "timeout_seconds": timeout_seconds,
    }
    return _released(company, values, user=user)


def schedule_background_job(
    object_id: int, *, user: Any, category: str = "", description: str = "", company: Company | None = None
) -> Entry:
    """Runs a codeunit once on behalf of an API call; a failed run is tried once more."""
    values = _what(ObjectType.CODEUNIT, object_id)
    values |= {"category_code": category, "description": description, "max_attempts": 1}
    return _released(company, values, user=user)


def recurring_values(minutes: int) -> dict[str, Any]:
    """Field values of an entry that starts now and repeats every day after ``minutes``: for :func:`create_entry`."""
    return {**ALL_DAYS, "minutes_between_runs": minutes, "earliest_start_at": database_now()}


def create_entry(values: Mapping[str, Any], *, user: Any, company: Company | None = None) -> Entry:
    """The entry of the same object and recurrence, or a new one, On Hold; it is not enqueued.

    With minutes it repeats every day; 3 attempts and a note on success unless ``values`` say otherwise.
    """
    company = company or companies.default()
    given: dict[str, Any] = {"max_attempts": RETRIES, "notify_on_success": True, **values}
    if given.get("minutes_between_runs"):
        given = ALL_DAYS | given
    recurring = any(given.get(name) for name in (*WEEKDAY_FIELDS, "weekdays", "next_run_date_formula"))
    object_type, object_id = given.get("object_type", ObjectType.CODEUNIT), given.get("object_id", 0)
    same = entries_of_object(object_type, object_id, company=company).filter(recurring=recurring).first()
    return same or lifecycle.create_entry(company, given, actor=actor(user))


def _what(
    object_type: ObjectType,
    object_id: int,
    *,
    record: models.Model | str | None = None,
    parameter_string: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    job = registry.get(object_type, object_id)
    return {
        "object_type": int(object_type),
        "object_id": object_id,
        "description": job.caption[:250],
        "record_to_process": record_reference(record),
        "parameter_string": parameter_string,
        "parameters": dict(parameters) if isinstance(parameters, Mapping) else parameters or {},
    }


def _released(company: Company | None, values: Mapping[str, Any], *, user: Any) -> Entry:
    """Creates and releases in one transaction: a refusal leaves nothing behind."""
    return lifecycle.create_ready(company or companies.default(), values, actor=actor(user))
