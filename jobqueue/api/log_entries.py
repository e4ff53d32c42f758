"""The log: every run and every due moment without one, with live lines; and the report inbox."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import inbox, lifecycle
from jobqueue.api.conditions import not_modified, polled
from jobqueue.api.entries import entry_lookup
from jobqueue.api.filtering import (
    LARGEST_NUMBER,
    ListFilters,
    MomentFilter,
    WholeNumberFilter,
    WordsFilter,
    YesNoFilter,
)
from jobqueue.api.log_rows import LogEntrySerializer, LogEntryWhole, LogLines
from jobqueue.api.pagination import CursorPages
from jobqueue.api.quick_rows import share_people
from jobqueue.api.resources import CompanyRows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.streams import AnyMediaType
from jobqueue.api.words import WordField
from jobqueue.models import LogEntry, ReportDocument
from jobqueue.states import LogStatus, ObjectType, OutputType

MOST_LINES = 500
DELETED_AT_ONCE = 20_000
PEOPLE = ("user", "ended_by")
NAMED = OpenApiParameter(
    "log_entry", str, OpenApiParameter.PATH, description="Log Entry No. or id (UUID) of the log entry."
)


class LogFilters(ListFilters):
    searched = ("description", "error_message", "parameter_string")
    newest_first = "entry_no"
    status = WordsFilter(LogStatus, label="One or more outcomes.")
    entry = filters.UUIDFilter(
        field_name="entry_id", label="Id of the job queue entry, also of a deleted one."
    )
    object_type = WordsFilter(ObjectType, label="Kind of object.")
    object_id = WholeNumberFilter(label="Number of the object.")
    category = filters.CharFilter(method="of_category", label="Category code; “-” for entries without one.")
    user = filters.CharFilter(field_name="user__username", label="Who it ran as.")
    final = YesNoFilter(field_name="is_final", label="Whether the row settles its due moment.")
    ended_after = MomentFilter(field_name="ended_at", lookup_expr="gte", label="Ended at or after.")
    ended_before = MomentFilter(field_name="ended_at", lookup_expr="lt", label="Ended before.")

    class Meta:
        model = LogEntry
        fields: list[str] = []

    def of_category(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(category_code="" if value == "-" else value.strip().upper())


class LogDoor(CompanyRows):
    model = LogEntry
    shown_as = LogEntryWhole

    def rows(self) -> QuerySet[LogEntry]:
        found: QuerySet[LogEntry] = self.company.log_entries.select_related(*PEOPLE)
        return found.order_by("-entry_no")

    def found(self) -> LogEntry:
        key = str(self.kwargs["log_entry"])
        lookup = entry_lookup(key)
        row = None if lookup is None else self.rows().filter(**lookup).first()
        if row is None:
            raise Http404(
                f"There is no log entry {key[:80]} in {self.company.code}. It may have been deleted."
            )
        return row


class LogEntries(LogDoor):
    shown_as = LogEntrySerializer
    filterset_class = LogFilters
    pagination_class = CursorPages

    def rows(self) -> QuerySet[LogEntry]:
        return super().rows().defer("error_call_stack").select_related(None)

    def prepare(self, page: Sequence[LogEntry]) -> None:
        share_people(page, *PEOPLE)

    @extend_schema(
        operation_id="log_entries_list", summary="List log entries", description="The newest come first."
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


class OneLogEntry(LogDoor):
    @extend_schema(operation_id="log_entries_read", summary="Show a log entry", parameters=[NAMED])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)


class Lines(LogDoor):
    parameters: Mapping[str, tuple[str, ...]] = {"retrieve": ("after", "limit")}

    @extend_schema(
        operation_id="log_entries_lines",
        summary="The lines a job writes while it runs",
        description="Poll with If-None-Match: 304 while lines, progress and status stay. Then ask on "
        "with after=next_after.",
        parameters=[
            NAMED,
            OpenApiParameter(
                "after", {"type": "integer", "minimum": 0, "default": 0}, description="Lines after this one."
            ),
            OpenApiParameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST_LINES, "default": MOST_LINES},
                description="At most so many.",
            ),
        ],
        responses=LogLines,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        after = self._number("after", least=0, most=LARGEST_NUMBER, default=0)
        limit = self._number("limit", least=1, most=MOST_LINES, default=MOST_LINES)
        row = self.found()
        newest = row.lines.order_by("-id").values_list("id", flat=True).first() or 0
        tag = f'"{row.status}.{row.progress_done}.{row.progress_total}.{newest}.{after}.{limit}"'
        unchanged = not_modified(request, tag)
        if unchanged is not None:
            return unchanged
        lines = list(row.lines.filter(id__gt=after).order_by("id")[: limit + 1])
        shown = lines[:limit]
        body = {
            "status": row.status,
            "progress_done": row.progress_done,
            "progress_total": row.progress_total,
            "next_after": shown[-1].pk if shown else after,
            "has_more": len(lines) > limit,
            "lines": shown,
        }
        return polled(Response(LogLines(body).data), tag)

    def _number(self, name: str, *, least: int, most: int, default: int) -> int:
        text = self.request.query_params.get(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
            raise serializers.ValidationError({name: [f"Write a number from {least} to {most}."]})
        return int(text)


class MarkAsError(LogDoor):
    levels = {"post": "operate"}

    @extend_schema(
        operation_id="log_entries_mark_as_error",
        summary="Set Status to Error",
        description="Corrects the record of a run that is lost. It stops nothing: use cancel on the entry for that.",
        parameters=[NAMED],
        request=None,
        responses=LogEntryWhole,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.shown(lifecycle.mark_log_as_error(self.found(), actor=self.actor))


class DeleteLog(StrictSerializer):
    older_than_days = serializers.IntegerField(
        min_value=0,
        max_value=36_500,
        allow_null=True,
        help_text="Null deletes all rows but those In Process.",
    )


class DeletedLog(serializers.Serializer):
    deleted = serializers.IntegerField()
    has_more = serializers.BooleanField(help_text="Whether there is more to delete: call again.")


class DeleteLogEntries(LogDoor):
    levels = {"post": "administer"}

    @extend_schema(
        operation_id="log_entries_delete",
        summary="Delete log entries",
        description=f"At most about {DELETED_AT_ONCE} at once. Rows In Process stay.",
        request=DeleteLog,
        responses=DeletedLog,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        days = self.read(DeleteLog)["older_than_days"]
        count = lifecycle.delete_log_entries(
            self.company, actor=self.actor, older_than_days=days, at_most=DELETED_AT_ONCE
        )
        return Response(DeletedLog({"deleted": count, "has_more": count >= DELETED_AT_ONCE}).data)


# --- the report inbox
class DocumentSerializer(serializers.ModelSerializer):
    output_type = WordField(OutputType, read_only=True)
    log_entry_no = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = ReportDocument
        fields = (
            "id",
            "entry_id",
            "log_entry_no",
            "object_id",
            "description",
            "output_type",
            "file_name",
            "content_type",
            "size_bytes",
            "created_at",
            "is_read",
        )
        read_only_fields = fields


class DocumentFilters(ListFilters):
    searched = ("description", "file_name")
    entry = filters.UUIDFilter(field_name="entry_id", label="Id of the job queue entry.")
    log_entry = WholeNumberFilter(field_name="log_entry_no", label="Log Entry No. of the run.")
    read = YesNoFilter(field_name="is_read", label="Whether it was opened.")

    class Meta:
        model = ReportDocument
        fields: list[str] = []


class Documents(CompanyRows):
    levels = {"destroy": "view", "mark_read": "view", "mark_unread": "view"}
    model = ReportDocument
    shown_as = DocumentSerializer
    filterset_class = DocumentFilters
    lookup_field = "pk"

    def rows(self) -> QuerySet[ReportDocument]:
        return inbox.documents_of(self.request.user, company=self.company)

    @extend_schema(operation_id="report_documents_list", summary="List your own report inbox")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="report_documents_read", summary="Show a document of your own report inbox")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="report_documents_delete",
        summary="Delete a document of your own report inbox",
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        inbox.delete_documents([self.found().pk], user=request.user)
        return Response(status=204)

    @extend_schema(
        operation_id="report_documents_mark_read",
        summary="Mark as read",
        request=None,
        responses=DocumentSerializer,
    )
    def mark_read(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._mark(read=True)

    @extend_schema(
        operation_id="report_documents_mark_unread",
        summary="Mark as unread",
        request=None,
        responses=DocumentSerializer,
    )
    def mark_unread(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._mark(read=False)

    def _mark(self, *, read: bool) -> Response:
        inbox.mark_documents([self.found().pk], user=self.request.user, read=read)
        return self.shown(self.found())


class DocumentContent(CompanyRows):
    model = ReportDocument
    lookup_field = "pk"
    content_negotiation_class = AnyMediaType

    def rows(self) -> QuerySet[ReportDocument]:
        return inbox.documents_of(self.request.user, company=self.company)

    @extend_schema(
        operation_id="report_documents_download",
        summary="Download a document of your own report inbox",
        description="It counts as read from now on.",
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (200, "text/csv"): OpenApiTypes.BINARY,
        },
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        found = inbox.open_document(self.found().pk, user=request.user)
        response = HttpResponse(bytes(found.content), content_type=found.content_type)
        response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found.file_name)}"
        return response
