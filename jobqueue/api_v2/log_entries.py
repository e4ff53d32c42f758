"""The resource ``jobQueueLogEntries``: runs, as *Job queue reference, API v2.0* knows them.

Only Success, In Process and Error exist there: a cancelled run is an Error, due moments without a run are left out.
"""

import base64
from typing import Any

from django.db.models import Case, F, QuerySet, When

from jobqueue.api_v2.kinds import Choice, Code, Guid, Int32, Moment, Stream, Text
from jobqueue.api_v2.resources import Property, Resource
from jobqueue.models import Company, LogEntry
from jobqueue.states import LogStatus, ObjectType

SHOWN = {
    "Success": (LogStatus.SUCCESS,),
    "In Process": (LogStatus.IN_PROCESS,),
    "Error": (LogStatus.ERROR, LogStatus.CANCELLED),
}
CALL_STACK = "errorCallStack"

# A cancelled run is an Error here, and its message is who cancelled it and why.
_SHOWN_ERROR = Case(
    When(status=int(LogStatus.CANCELLED), error_message="", then=F("reason")), default=F("error_message")
)


def log_entries_of(company: Company) -> QuerySet[LogEntry]:
    """The company's runs with what their properties need; the call stack is read where it is asked for."""
    shown = [int(status) for statuses in SHOWN.values() for status in statuses]
    return (
        LogEntry.objects.filter(company=company, status__in=shown)
        .select_related("user")
        .defer("error_call_stack", "parameters")
        .annotate(shown_error=_SHOWN_ERROR)
    )


def etag_of(row: LogEntry) -> str:
    text = f"{row.pk};{row.status};{row.modified_at.isoformat() if row.modified_at else ''}".encode()
    return f'W/"{base64.urlsafe_b64encode(text).decode()}"'


def _user_name(row: Any) -> str | None:
    return row.user.get_username() if row.user is not None else None


def _plain(name: str, kind: Any, field: str, *, nullable: bool = False) -> Property:
    return Property(name, kind, lambda row: getattr(row, field), column=field, nullable=nullable)


LOG_ENTRIES = Resource(
    name="jobQueueLogEntries",
    entity="jobQueueLogEntry",
    row_order="-entry_no",
    etag=etag_of,
    properties=(
        _plain("id", Guid(), "id"),
        _plain("jobQueueEntryId", Guid(), "entry_id"),
        Property("userId", Text(), _user_name, "user__username", nullable=True),
        _plain("startDateTime", Moment(), "started_at", nullable=True),
        _plain("endDateTime", Moment(), "ended_at", nullable=True),
        _plain("objectIdToRun", Int32(), "object_id"),
        _plain(
            "objectTypeToRun",
            Choice(tuple((kind.label, (int(kind),)) for kind in ObjectType)),
            "object_type",
        ),
        _plain(
            "status",
            Choice(tuple((words, tuple(int(one) for one in stored)) for words, stored in SHOWN.items())),
            "status",
        ),
        _plain("description", Text(), "description"),
        _plain("errorMessage", Text(), "shown_error"),
        _plain("jobQueueCategoryCode", Code(), "category_code"),
        Property(CALL_STACK, Stream(), lambda row: None, sortable=False),
        _plain("parameterString", Text(), "parameter_string"),
        _plain("systemTaskId", Guid(), "system_task_id", nullable=True),
        _plain("userSessionId", Int32(), "session_number", nullable=True),
        _plain("userServiceInstanceId", Int32(), "worker_id", nullable=True),
        _plain("lastModifiedDateTime", Moment(), "modified_at", nullable=True),
    ),
)
