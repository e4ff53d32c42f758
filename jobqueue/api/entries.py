"""Job queue entries: lists, definitions, and what they look ahead to."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import lifecycle
from jobqueue.api.conditions import expect, not_modified, polled, polled_by_content, revision_tag
from jobqueue.api.entry_rows import EntrySerializer, EntryWrite
from jobqueue.api.filtering import (
    LARGEST_NUMBER,
    ListFilters,
    MomentFilter,
    WholeNumberFilter,
    WordsFilter,
    YesNoFilter,
)
from jobqueue.api.parameters import with_secrets_kept
from jobqueue.api.quick_rows import share_people
from jobqueue.api.resources import CompanyRows
from jobqueue.explain import explain
from jobqueue.models import Company, Entry, ScheduledTask
from jobqueue.permissions import Level, level_for
from jobqueue.preview import DEFAULT_COUNT, preview
from jobqueue.querysets import running_entries
from jobqueue.scheduler import database_now
from jobqueue.states import HoldKind, ObjectType, Status

LATE_AFTER = timedelta(minutes=1)
MOST_PREVIEWED = 200
PEOPLE = ("user", "held_by", "created_by")
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the entry as you saw it: 412 if it was changed since. Without it, nothing is expected.",
)
NAMED = OpenApiParameter(
    "entry", str, OpenApiParameter.PATH, description="Entry No. or id (UUID) of the job queue entry."
)


class EntryFilters(ListFilters):
    searched = ("description", "parameter_string", "error_message", "category_code", "user__username")
    status = WordsFilter(Status, label="One or more statuses.")
    object_type = WordsFilter(ObjectType, label="Kind of object.")
    object_id = WholeNumberFilter(label="Number of the object.")
    category = filters.CharFilter(method="of_category", label="Category code; “-” for entries without one.")
    user = filters.CharFilter(field_name="user__username", label="Name of the running user.")
    recurring = YesNoFilter(label="Whether it repeats.")
    late = YesNoFilter(method="which_are_late", label="Ready, and due for more than a minute.")
    running = YesNoFilter(method="which_run", label="With a run in process, extra runs included.")
    held = filters.MultipleChoiceFilter(
        field_name="hold_kind", choices=[(kind.value, kind.value) for kind in HoldKind], label="Kind of hold."
    )
    owned = YesNoFilter(method="which_are_owned", label="Whether it has an owner.")
    owner_kind = filters.CharFilter(label="Kind of owner.")
    owner_reference = filters.CharFilter(label="Which owner.")
    starts_after = MomentFilter(
        field_name="earliest_start_at", lookup_expr="gte", label="Earliest start at or after."
    )
    starts_before = MomentFilter(
        field_name="earliest_start_at", lookup_expr="lt", label="Earliest start before."
    )
    ordering = filters.OrderingFilter(
        fields=[
            "entry_no",
            "status",
            "description",
            "earliest_start_at",
            "category_code",
            "modified_at",
            ("user__username", "user"),
        ]
    )

    class Meta:
        model = Entry
        fields: list[str] = []

    def of_category(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(category_code="" if value == "-" else value.strip().upper())

    def which_are_owned(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        return rows.exclude(owner_kind="") if value else rows.filter(owner_kind="")

    def which_are_late(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        late = Q(status=Status.READY, earliest_start_at__lt=database_now() - LATE_AFTER)
        return rows.filter(late) if value else rows.exclude(late)

    def which_run(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        running = running_entries(self.request.parser_context["view"].company).values("pk")
        return rows.filter(pk__in=running) if value else rows.exclude(pk__in=running)


class EntryDoor(CompanyRows):
    """Finds entries by Entry No. or id, and asks for what a call on one needs."""

    model = Entry
    shown_as = EntrySerializer

    def rows(self) -> QuerySet[Entry]:
        return entries_shown(self.company)

    def found(self) -> Entry:
        key = str(self.kwargs["entry"])
        lookup = entry_lookup(key)
        entry = None if lookup is None else self.rows().filter(**lookup).first()
        if entry is None:
            raise Http404(
                f"There is no job queue entry {key[:80]} in {self.company.code}. If it has run and ended, see the log."
            )
        return entry

    def entry_for(self, level: Level) -> Entry:
        """The entry, as the caller expects it (``If-Match``); system entries need the level of an administrator."""
        entry = self.found()
        self.require_scope(level_for(entry, level))
        return expect(entry, self.request)

    def again(self, entry: Entry) -> Entry:
        """The entry as stored now; as it was if it is gone."""
        found = self.rows().filter(pk=entry.pk).first()
        if found is None:
            entry.has_task = False  # type: ignore[attr-defined]
        return found or entry

    def shown(self, row: Entry, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return polled(super().shown(row, status=status, headers=headers), revision_tag(row))


class Entries(EntryDoor):
    levels = {"create": "schedule", "partial_update": "schedule", "destroy": "schedule"}
    filterset_class = EntryFilters

    @extend_schema(operation_id="entries_list", summary="List job queue entries")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def rows(self) -> QuerySet[Entry]:
        """For a list without what :meth:`prepare` looks up for its page alone."""
        return self.company.entries.order_by("entry_no") if self.action == "list" else super().rows()

    def prepare(self, page: Sequence[Entry]) -> None:
        share_people(page, *PEOPLE)
        if self.action == "list":
            tasks = ScheduledTask.objects.filter(pk__in=[entry.system_task_id for entry in page])
            found = set(tasks.values_list("pk", flat=True))
            for entry in page:
                entry.has_task = entry.system_task_id in found  # type: ignore[attr-defined]

    @extend_schema(
        operation_id="entries_read",
        summary="Show an entry",
        description="The ETag is its revision: ask again with If-None-Match to watch it cheaply.",
        parameters=[NAMED],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        entry = self.found()
        return not_modified(request, revision_tag(entry)) or self.shown(entry)

    @extend_schema(
        operation_id="entries_create",
        summary="Create an entry",
        description="It is On Hold as a draft; set-ready releases it. To run a job at once, use enqueue.",
        request=EntryWrite,
        responses={201: EntrySerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = with_secrets_kept(self.read(EntryWrite))
        entry = lifecycle.create_entry(self.company, values, actor=self.actor)
        address = request.build_absolute_uri(f"{request.path}{entry.pk}/")
        return self.shown(self.again(entry), status=201, headers={"Location": address})

    @extend_schema(
        operation_id="entries_change",
        summary="Change an entry",
        description="Only while it is On Hold (409 locked_field otherwise), except priority_within_category. Whoever "
        "changes what reaches the job becomes its running user. Send If-Match so that nobody's change is lost.",
        parameters=[NAMED, IF_MATCH],
        request=EntryWrite,
        responses=EntrySerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        entry = self.entry_for("schedule")
        values = with_secrets_kept(self.read(EntryWrite, partial=True), of=entry)
        changed = lifecycle.change_entry(entry, values, actor=self.actor)
        return self.shown(self.again(changed))

    @extend_schema(
        operation_id="entries_delete",
        summary="Delete an entry",
        description="Its pending task is cancelled, its log stays. Refused while a run is in process. Repeated: 404.",
        parameters=[NAMED, IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        lifecycle.delete_entry(self.entry_for("schedule"), actor=self.actor)
        return Response(status=204)


# --- looking ahead
class GateSerializer(serializers.Serializer):
    name = serializers.CharField()
    open = serializers.BooleanField(allow_null=True, help_text="Null if an earlier gate decides already.")
    reason = serializers.CharField(allow_blank=True)
    opener = serializers.CharField(help_text="Who opens it.")
    opens_at = serializers.DateTimeField(allow_null=True)
    verb = serializers.CharField(allow_blank=True, help_text="The verb that opens it, where one can.")


class ExplanationSerializer(serializers.Serializer):
    sentence = serializers.CharField()
    starts_at = serializers.DateTimeField(
        allow_null=True, help_text="When it starts as things stand; null if somebody has to act first."
    )
    gates = GateSerializer(many=True)


class Explain(EntryDoor):
    @extend_schema(
        operation_id="entries_explain",
        summary="Why is it not running?",
        parameters=[NAMED],
        responses=ExplanationSerializer,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = explain(self.found(), now=database_now())
        return polled_by_content(request, Response(ExplanationSerializer(found).data))


class PlannedRunSerializer(serializers.Serializer):
    at = serializers.DateTimeField()
    local = serializers.SerializerMethodField(
        help_text="The same moment on the entry's clock, with its offset."
    )
    notes = serializers.ListField(child=serializers.CharField())
    will_run = serializers.BooleanField()

    def get_local(self, run: Any) -> str:
        return run.local.isoformat()


class PreviewSerializer(serializers.Serializer):
    runs = PlannedRunSerializer(many=True)


class Preview(EntryDoor):
    parameters: Mapping[str, tuple[str, ...]] = {"retrieve": ("count",)}

    @extend_schema(
        operation_id="entries_preview",
        summary="The next planned runs",
        parameters=[
            NAMED,
            OpenApiParameter(
                "count",
                {"type": "integer", "minimum": 1, "maximum": MOST_PREVIEWED, "default": DEFAULT_COUNT},
                description="How many.",
            ),
        ],
        responses=PreviewSerializer,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        text = request.query_params.get("count", str(DEFAULT_COUNT))
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_PREVIEWED):
            raise serializers.ValidationError({"count": [f"Write a number from 1 to {MOST_PREVIEWED}."]})
        runs = preview(self.found(), now=database_now(), count=int(text))
        return polled_by_content(request, Response(PreviewSerializer({"runs": runs}).data))


def entries_shown(company: Company) -> QuerySet[Entry]:
    """The company's entries with all that :class:`EntrySerializer` shows, in one query."""
    task = ScheduledTask.objects.filter(pk=OuterRef("system_task_id"))
    rows: QuerySet[Entry] = company.entries.select_related(*PEOPLE)
    return rows.annotate(has_task=Exists(task)).order_by("entry_no")


def entry_lookup(key: str) -> dict[str, Any] | None:
    """An entry's or log entry's number or id as a filter; None if it can be neither."""
    if key.isascii() and key.isdecimal():
        return {"entry_no": int(key)} if len(key) < 20 and int(key) <= LARGEST_NUMBER else None
    try:
        return {"id": UUID(key)}
    except ValueError:
        return None
