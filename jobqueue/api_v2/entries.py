"""The resource ``jobQueueEntries``: its properties one by one (*Job queue reference, API v2.0*)."""

import base64
from typing import Any

from django.db.models import BooleanField, Case, Exists, OuterRef, QuerySet, When

from jobqueue.api_v2 import computed
from jobqueue.api_v2.kinds import (
    Boolean,
    Choice,
    Code,
    Guid,
    Int32,
    Moment,
    Seconds,
    Text,
    TimeOfDay,
    Unreadable,
)
from jobqueue.api_v2.resources import Property, Resource
from jobqueue.api_v2.spelling import language_tag
from jobqueue.models import Company, Entry, ScheduledTask
from jobqueue.states import CategoryPriority, LabelledInt, ObjectType, OutputType, Status


def entries_of(company: Company) -> QuerySet[Entry]:
    """The company's entries with what their properties need."""
    task = ScheduledTask.objects.filter(pk=OuterRef("system_task_id"))
    # Inside CASE a planner cannot turn it into a join: a filter may ask it two hundred times.
    has_task = Case(When(Exists(task), then=True), default=False, output_field=BooleanField())
    return Entry.objects.filter(company=company).select_related("company", "user").annotate(has_task=has_task)


def etag_of(entry: Entry) -> str:
    """Changes with every stored change of the entry."""
    text = f"{entry.pk};{entry.revision}".encode()
    return f'W/"{base64.urlsafe_b64encode(text).decode()}"'


def _choice(kind: type[LabelledInt], enum_name: str = "") -> Choice:
    return Choice(tuple((member.label, (int(member),)) for member in kind), enum_name)


def _user_name(row: Any) -> str | None:
    return row.user.get_username() if row.user is not None else None


def _language(number: int) -> str:
    found = language_tag(number)
    if found is None:
        raise Unreadable("a language number of Windows, such as 1033 for English, is needed")
    return found


def _plain(name: str, kind: Any, field: str, *, nullable: bool = False, written: bool = False) -> Property:
    return Property(
        name,
        kind,
        lambda row: getattr(row, field),
        column=field,
        nullable=nullable,
        written=field if written else "",
    )


ENTRIES = Resource(
    name="jobQueueEntries",
    entity="jobQueueEntry",
    row_order="entry_no",
    etag=etag_of,
    properties=(
        _plain("id", Guid(), "id"),
        _plain("jobQueueEntryId", Guid(), "id"),
        Property("userId", Text(), _user_name, "user__username", nullable=True),
        _plain("lastReadyState", Moment(), "last_ready_state_at", nullable=True),
        _plain("expirationDateTime", Moment(), "expires_at", nullable=True, written=True),
        _plain("earliestStartDateTime", Moment(), "earliest_start_at", nullable=True, written=True),
        _plain("objectTypeToRun", _choice(ObjectType), "object_type", written=True),
        _plain("objectIdToRun", Int32(), "object_id", written=True),
        Property(
            "objectCaptionToRun",
            Text(),
            computed.caption_of,
            condition=computed.caption_is,
            sort_key=computed.caption_key,
        ),
        _plain(
            "reportOutputType",
            _choice(OutputType, "jobQueueReportOutputType"),
            "report_output_type",
            written=True,
        ),
        _plain("maxNumberAttemptsToRun", Int32(), "max_attempts", written=True),
        _plain("numberOfAttemptsToRun", Int32(), "attempts"),
        _plain("status", _choice(Status), "status"),
        _plain("recordIdToProcess", Text(), "record_to_process", written=True),
        _plain("parameterString", Text(), "parameter_string", written=True),
        _plain("recurringJob", Boolean(), "recurring", written=True),
        _plain("numberOfMinutesBetweenRuns", Int32(), "minutes_between_runs", written=True),
        _plain("runOnMonday", Boolean(), "run_on_mondays", written=True),
        _plain("runOnTuesday", Boolean(), "run_on_tuesdays", written=True),
        _plain("runOnWednesday", Boolean(), "run_on_wednesdays", written=True),
        _plain("runOnThursday", Boolean(), "run_on_thursdays", written=True),
        _plain("runOnFridays", Boolean(), "run_on_fridays", written=True),
        _plain("runOnSaturdays", Boolean(), "run_on_saturdays", written=True),
        _plain("runOnSundays", Boolean(), "run_on_sundays", written=True),
        _plain("startingTime", TimeOfDay(), "starting_time", nullable=True, written=True),
        _plain("endingTime", TimeOfDay(), "ending_time", nullable=True, written=True),
        Property(
            "referenceStartingTime",
            Moment(),
            computed.reference_of,
            condition=computed.reference_is,
            sort_key=computed.reference_key,
            frozen_as=Int32(),
        ),
        _plain("nextRunDateFormula", Text(), "next_run_date_formula", written=True),
        _plain("description", Text(), "description", written=True),
        _plain("runInUserSession", Boolean(), "run_in_user_session"),
        _plain("userSessionId", Int32(), "session_number", nullable=True),
        _plain("jobQueueCategoryCode", Code(), "category_code", written=True),
        _plain("errorMessage", Text(), "error_message"),
        _plain("userServiceInstanceId", Int32(), "worker_id", nullable=True),
        _plain("userSessionStarted", Moment(), "user_session_started_at", nullable=True),
        _plain("notifyOnSuccess", Boolean(), "notify_on_success", written=True),
        Property(
            "userLanguageId",
            Int32(),
            computed.language_of,
            condition=computed.language_is,
            sort_key=computed.language_key,
            written="user_language",
            to_field=_language,
        ),
        _plain("printerName", Text(), "printer_name", written=True),
        _plain("reportRequestPageOptions", Boolean(), "report_request_page_options", written=True),
        _plain("rerunDelay", Int32(), "rerun_delay_seconds", written=True),
        _plain("systemTaskId", Guid(), "system_task_id", nullable=True),
        _plain("scheduled", Boolean(), "has_task"),
        _plain("manualRecurrence", Boolean(), "manual_recurrence"),
        _plain("jobTimeOut", Seconds(), "timeout_seconds", written=True),
        _plain(
            "priorityWithinCategory",
            _choice(CategoryPriority, "jobQueuePriority"),
            "priority_within_category",
            written=True,
        ),
        _plain("lastModifiedDateTime", Moment(), "modified_at", nullable=True),
    ),
)
