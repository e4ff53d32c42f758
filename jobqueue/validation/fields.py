"""The fields of an entry people and programs may set, their groups on the card, and their names in words."""

from django.db import models

from jobqueue.models import Entry
from jobqueue.models.entry import WEEKDAY_FIELDS

GENERAL = (
    "object_type",
    "object_id",
    "description",
    "parameter_string",
    "parameters",
    "record_to_process",
    "earliest_start_at",
    "expires_at",
    "max_attempts",
    "rerun_delay_seconds",
    "inactivity_timeout_minutes",
    "timeout_seconds",
    "category_code",
    "priority",
    "missed_runs",
    "notify_on_success",
    "user_language",
)
REPORT = ("report_output_type", "report_request_page_options", "printer_name")
RECURRENCE = (
    *WEEKDAY_FIELDS,
    "minutes_between_runs",
    "starting_time",
    "ending_time",
    "next_run_date_formula",
    "time_zone",
    "recurrence_anchor",
)
NEVER_LOCKED = ("priority_within_category",)
PROGRAM_ONLY = ("manual_recurrence", "owner_kind", "owner_reference", "is_system", "run_in_user_session")

LOCKED_UNLESS_ON_HOLD = (*GENERAL, *REPORT, *RECURRENCE)
SETTABLE = (*LOCKED_UNLESS_ON_HOLD, *NEVER_LOCKED)

REACHING_THE_JOB = frozenset(
    {
        "object_type",
        "object_id",
        "parameter_string",
        "parameters",
        "record_to_process",
        "report_output_type",
        "report_request_page_options",
        "printer_name",
    }
)
"""What a job gets to see: who changes it answers for it (decisions on identity and permissions)."""

GRID_FIELDS = frozenset(
    {*WEEKDAY_FIELDS, "minutes_between_runs", "time_zone", "recurrence_anchor", "earliest_start_at"}
)
"""Changing one of these counts the days of a fixed grid anew."""


def field(name: str) -> models.Field:
    """The model field of an entry by its name."""
    found = Entry._meta.get_field(name)
    assert isinstance(found, models.Field)
    return found


def label(name: str) -> str:
    """The field's name as screens show it, for example “No. of minutes between runs”."""
    words = str(field(name).verbose_name)
    return words[:1].upper() + words[1:]


def labels(names) -> str:
    """Several field names in words, in the order of the card: “Starting time, Ending time and Time zone”."""
    words = [label(name) for name in sorted(names, key=_position)]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _position(name: str) -> int:
    return SETTABLE.index(name) if name in SETTABLE else len(SETTABLE)
