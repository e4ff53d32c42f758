"""Addresses of the job queue below ``/api/v1/``."""

from collections.abc import Mapping

from django.urls import URLPattern, path

from jobqueue.api import entry_verbs
from jobqueue.api.categories import Categories
from jobqueue.api.company_rows import Companies
from jobqueue.api.credentials import Credentials
from jobqueue.api.engine import Clusters, SessionEvents, WorkerSessions
from jobqueue.api.enqueued import Enqueue, Enqueued
from jobqueue.api.entries import Entries, Explain, Preview
from jobqueue.api.error_messages import ErrorMessages, OneErrorMessages
from jobqueue.api.job_objects import JobObjects, OneJobObject
from jobqueue.api.live import EntryEvents, QueueEvents, RunEvents
from jobqueue.api.log_entries import (
    DeleteLogEntries,
    DocumentContent,
    Documents,
    Lines,
    LogEntries,
    MarkAsError,
    OneLogEntry,
)
from jobqueue.api.me import Me
from jobqueue.api.members import Members
from jobqueue.api.overview import Changes, CheckStale, Doctor, Holds, QueueStatus, RemoveFailedEntries
from jobqueue.api.scheduled_tasks import ScheduledTasks
from jobqueue.api.setup_changes import SetupChanges
from jobqueue.api.site import Adopt
from jobqueue.api.tokens import ApiTokens

IN_COMPANY = "companies/<str:company>/"
ENTRIES = f"{IN_COMPANY}entries/"
LOG = f"{IN_COMPANY}log-entries/"
TASKS = f"{IN_COMPANY}scheduled-tasks/"
MEMBERS = f"{IN_COMPANY}members/"
LIST = {"get": "list"}
READ = {"get": "retrieve"}
MANY = {"get": "list", "post": "create"}
ONE = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}


def rows(
    address: str,
    view: type,
    *,
    named: str,
    many: Mapping[str, str] = MANY,
    one: Mapping[str, str] = ONE,
    name: str = "",
) -> list[URLPattern]:
    """The two addresses of a resource: its list, and one row, as ``named`` says (a path converter and argument)."""
    name = name or address.rstrip("/").rpartition("/")[2]
    return [
        path(address, view.as_view(dict(many)), name=name),  # type: ignore[attr-defined]
        path(f"{address}{named}/", view.as_view(dict(one)), name=f"{name}-one"),  # type: ignore[attr-defined]
    ]


urlpatterns = [
    path("me/", Me.as_view(), name="me"),
    path("doctor/", Doctor.as_view(), name="doctor"),
    path("adopt/", Adopt.as_view(), name="adopt"),
    *rows("api-tokens/", ApiTokens, named="<uuid:pk>", one=READ),
    path("api-tokens/<uuid:pk>/revoke/", ApiTokens.as_view({"post": "revoke"}), name="api-token-revoke"),
    path("job-objects/", JobObjects.as_view(), name="job-objects"),
    path("job-objects/<str:object_type>/<int:object_id>/", OneJobObject.as_view(), name="job-object"),
    *rows("setup-changes/", SetupChanges, named="<int:pk>", many=LIST, one=READ),
    *rows("clusters/", Clusters, named="<int:pk>", many=LIST, one=READ),
    *rows("worker-sessions/", WorkerSessions, named="<int:pk>", many=LIST, one=READ),
    *rows("companies/", Companies, named="<str:code>", one={"get": "retrieve", "patch": "partial_update"}),
    path(f"{IN_COMPANY}status/", QueueStatus.as_view(), name="status"),
    path(f"{IN_COMPANY}status/events/", QueueEvents.as_view(), name="status-events"),
    path(f"{LOG}<str:log_entry>/events/", RunEvents.as_view(READ), name="log-events"),
    path(f"{ENTRIES}<str:entry>/events/", EntryEvents.as_view(READ), name="entry-events"),
    path(f"{IN_COMPANY}holds/", Holds.as_view(LIST), name="holds"),
    *rows(f"{IN_COMPANY}changes/", Changes, named="<int:pk>", many=LIST, one=READ),
    *rows(f"{IN_COMPANY}session-events/", SessionEvents, named="<int:pk>", many=LIST, one=READ),
    *rows(TASKS, ScheduledTasks, named="<uuid:pk>", many=LIST, one=READ),
    path(
        f"{TASKS}<uuid:pk>/set-ready/", ScheduledTasks.as_view({"post": "set_ready"}), name="task-set-ready"
    ),
    path(f"{TASKS}<uuid:pk>/cancel/", ScheduledTasks.as_view({"post": "cancel"}), name="task-cancel"),
    path(f"{IN_COMPANY}error-messages/", ErrorMessages.as_view(LIST), name="error-messages"),
    path(f"{IN_COMPANY}error-messages/<uuid:pk>/", OneErrorMessages.as_view(READ), name="error-messages-one"),
    path(LOG, LogEntries.as_view(LIST), name="log-entries"),
    path(f"{LOG}delete/", DeleteLogEntries.as_view({"post": "post"}), name="log-delete"),
    path(f"{LOG}<str:log_entry>/", OneLogEntry.as_view(READ), name="log-entry"),
    path(f"{LOG}<str:log_entry>/lines/", Lines.as_view(READ), name="log-lines"),
    path(
        f"{LOG}<str:log_entry>/mark-as-error/",
        MarkAsError.as_view({"post": "post"}),
        name="log-mark-as-error",
    ),
    *rows(
        f"{IN_COMPANY}report-documents/",
        Documents,
        named="<uuid:pk>",
        many=LIST,
        one={"get": "retrieve", "delete": "destroy"},
    ),
    *(
        path(
            f"{IN_COMPANY}report-documents/<uuid:pk>/{verb}/",
            Documents.as_view({"post": verb.replace("-", "_")}),
            name=f"document-{verb}",
        )
        for verb in ("mark-read", "mark-unread")
    ),
    path(
        f"{IN_COMPANY}report-documents/<uuid:pk>/content/",
        DocumentContent.as_view(READ),
        name="document-content",
    ),
    path(f"{ENTRIES}remove-failed/", RemoveFailedEntries.as_view(), name="remove-failed"),
    path(f"{ENTRIES}check-stale/", CheckStale.as_view(), name="check-stale"),
    path(f"{IN_COMPANY}enqueue/", Enqueue.as_view({"post": "create"}), name="enqueue"),
    path(f"{IN_COMPANY}enqueue/<uuid:entry_id>/", Enqueued.as_view({"get": "retrieve"}), name="enqueued"),
    *entry_verbs.addresses(ENTRIES),
    *rows(ENTRIES, Entries, named="<str:entry>"),
    path(f"{ENTRIES}<str:entry>/explain/", Explain.as_view({"get": "retrieve"}), name="explain"),
    path(f"{ENTRIES}<str:entry>/preview/", Preview.as_view({"get": "retrieve"}), name="preview"),
    *rows(f"{IN_COMPANY}categories/", Categories, named="<str:code>"),
    *rows(f"{IN_COMPANY}credentials/", Credentials, named="<int:pk>"),
    *rows(MEMBERS, Members, named="<str:user>", one={"get": "retrieve", "delete": "destroy"}),
]
