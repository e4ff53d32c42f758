"""Between template and entry: copying, and what of a template is enforced.

Source: *Refresher reference, Which template values are enforced*; choices on report parameters and time zones.
"""

from collections.abc import Iterable
from typing import Any

from jobqueue.models import Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.states import ObjectType
from jobqueue.validation import SETTABLE, recurrence_of
from jobqueue.validation.fields import GRID_FIELDS
from refresher.models import MonitoredJob

TEMPLATE = (*SETTABLE, "recurring", "anchor_date", "manual_recurrence")
"""The fields a monitored job shares with its entry."""

BESIDE = ("auto_reschedule", "auto_reschedule_delay_seconds", "heartbeat_url")
"""What is done for a monitored job beside its entry."""

SURVIVING = ("description", "auto_reschedule", "auto_reschedule_delay_seconds")
"""What people gave a protected job and its next registration leaves alone."""

GRID = (*GRID_FIELDS, "starting_time", "ending_time", "next_run_date_formula")

ALWAYS = (
    "description",
    "parameter_string",
    "max_attempts",
    "rerun_delay_seconds",
    "inactivity_timeout_minutes",
    "category_code",
    "priority",
    "priority_within_category",
    "expires_at",
    "notify_on_success",
    "missed_runs",
    "recurrence_anchor",
    "time_zone",
)
IF_SET = ("starting_time", "ending_time", "timeout_seconds", "user_language", "manual_recurrence")
REPORTS_IF_SET = ("parameters", "report_request_page_options", "printer_name")

LOCKED_ON_ENTRY = frozenset(
    {
        "object_type",
        "object_id",
        "description",
        "parameter_string",
        "parameters",
        "record_to_process",
        "max_attempts",
        "rerun_delay_seconds",
        "timeout_seconds",
        "report_output_type",
        "report_request_page_options",
        "printer_name",
        *WEEKDAY_FIELDS,
        "next_run_date_formula",
        "minutes_between_runs",
        "inactivity_timeout_minutes",
        "starting_time",
        "ending_time",
        "time_zone",
        "recurrence_anchor",
        "missed_runs",
    }
)
"""What cannot be changed on an entry while it is monitored: it is changed on the monitored job."""

OPEN_ON_PROTECTED = frozenset(
    {
        "description",
        "category_code",
        "priority",
        "priority_within_category",
        "earliest_start_at",
        "expires_at",
        "runner",
        *BESIDE,
    }
)
"""What people may change on a protected job that is not customisable."""


def as_entry(job: MonitoredJob) -> Entry:
    """The template as an unsaved entry, for everything that knows entries: rules, schedules, words."""
    return Entry(company=job.company, **template_values(job))


def template_values(job: MonitoredJob) -> dict[str, Any]:
    """The template's fields by name."""
    return {name: getattr(job, name) for name in TEMPLATE}


def fill_from(job: MonitoredJob, entry: Entry) -> None:
    """Copies the template's fields from an entry; the grid of whole days goes on where it was if nothing else moved."""
    same_grid = job.anchor_date is not None and all(
        getattr(job, name) == getattr(entry, name) for name in GRID if name != "earliest_start_at"
    )
    anchor_date = job.anchor_date
    for name in TEMPLATE:
        setattr(job, name, getattr(entry, name))
    if same_grid and anchor_date is not None:
        job.anchor_date = anchor_date


def values_to_enforce(job: MonitoredJob) -> dict[str, Any]:
    """What the entry shall have, by field name. Values the template leaves empty are not taken from the entry."""
    names = [*ALWAYS, *(name for name in IF_SET if getattr(job, name))]
    if job.next_run_date_formula:
        names.append("next_run_date_formula")
    else:
        names += [*WEEKDAY_FIELDS, "minutes_between_runs"]
    if job.object_type == ObjectType.REPORT:
        names += ["report_output_type", *(name for name in REPORTS_IF_SET if getattr(job, name))]
    else:
        names.append("parameters")
    return {name: getattr(job, name) for name in names} | _midnights(job)


def values_to_create(job: MonitoredJob) -> dict[str, Any]:
    """What a new entry of the job is made of, for ``jobqueue.lifecycle``."""
    left_out = {"recurring", "anchor_date"}
    return {name: value for name, value in template_values(job).items() if name not in left_out}


def keep_grid(entry: Entry, job: MonitoredJob) -> None:
    """Counts the days of a fixed grid from the template's day, whatever a change made of it."""
    if job.anchor_date is not None and recurrence_of(entry).needs_anchor_date:
        entry.anchor_date = job.anchor_date


def changed_names(before: dict[str, Any], after: Any, names: Iterable[str] = TEMPLATE) -> set[str]:
    """The fields whose value differs from ``before``."""
    return {name for name in names if before[name] != getattr(after, name)}


def _midnights(job: MonitoredJob) -> dict[str, Any]:
    """Midnight is a time, not an empty value."""
    return {
        name: getattr(job, name)
        for name in ("starting_time", "ending_time")
        if getattr(job, name) is not None
    }
