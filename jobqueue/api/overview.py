"""How things stand: the queue at a glance, what is held, what people did, and whether the installation is well."""

from typing import Any

from django.db.models import Count, QuerySet, Sum
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import doctor, housekeeping, lifecycle
from jobqueue.api.conditions import polled_by_content
from jobqueue.api.entries import LATE_AFTER, EntryDoor
from jobqueue.api.entry_rows import EntrySerializer
from jobqueue.api.filtering import ListFilters, MomentFilter
from jobqueue.api.pagination import CursorPages
from jobqueue.api.resources import CompanyRows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.views import ApiView, CompanyApiView
from jobqueue.api.words import PersonField
from jobqueue.models import Cluster, Company, Entry, EntryChange
from jobqueue.querysets import running_entries
from jobqueue.scheduler import copy_guard, database_now
from jobqueue.states import HoldKind, Origin, Status

DOCTOR_STATES = [(state.value, state.value) for state in doctor.State]
ORIGINS = [(origin.value, origin.value) for origin in Origin]


class QueueStatusSerializer(serializers.Serializer):
    company = serializers.CharField()
    entries = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Number of entries by status, in the words of the screens.",
    )
    running = serializers.IntegerField(help_text="Entries with a run in process, extra runs included.")
    late = serializers.IntegerField(help_text="Ready entries due for more than a minute.")
    next_run = serializers.DateTimeField(allow_null=True, help_text="The next start ahead.")
    clusters = serializers.IntegerField(help_text="Clusters that are alive; 0 means that nothing runs.")
    workers = serializers.IntegerField(help_text="Worker processes they keep.")
    held = serializers.BooleanField(help_text="Whether the copy guard holds all work.")
    held_reason = serializers.CharField(allow_blank=True)


class QueueStatus(CompanyApiView):
    @extend_schema(
        operation_id="status",
        summary="The queue at a glance",
        description="Poll with If-None-Match: 304 while nothing has changed.",
        responses=QueueStatusSerializer,
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return polled_by_content(request, Response(queue_status(self.company)))


def queue_status(company: Company) -> Any:
    """The queue of the company at a glance, as JSON, in a fixed number of small queries."""
    now = database_now()
    entries = Entry.objects.filter(company=company)
    counts = dict(entries.order_by().values_list("status").annotate(Count("pk")))
    ready = entries.filter(status=Status.READY)
    ahead = ready.filter(earliest_start_at__gt=now).order_by("earliest_start_at")
    alive = Cluster.objects.filter(
        state__in=[Cluster.State.LIVE, Cluster.State.DRAINING], lease_until__gt=now
    )
    found = alive.aggregate(clusters=Count("pk"), workers=Sum("workers"))
    verdict = copy_guard.look()
    body = {
        "company": company.code,
        "entries": {status.label: counts.get(int(status), 0) for status in Status},
        "running": running_entries(company).count(),
        "late": ready.filter(earliest_start_at__lt=now - LATE_AFTER).count(),
        "next_run": ahead.values_list("earliest_start_at", flat=True).first(),
        "clusters": found["clusters"],
        "workers": found["workers"] or 0,
        "held": verdict.held,
        "held_reason": verdict.reason if verdict.held else "",
    }
    return QueueStatusSerializer(body).data


# --- holds
class HoldFilters(ListFilters):
    searched = ("description", "hold_reason")
    kind = filters.MultipleChoiceFilter(
        field_name="hold_kind", choices=[(kind.value, kind.value) for kind in HoldKind], label="Kind of hold."
    )
    held_by = filters.CharFilter(field_name="held_by__username", label="Name of who holds it.")
    ends_before = MomentFilter(field_name="held_until", lookup_expr="lt", label="Ends before.")
    ordering = filters.OrderingFilter(fields=["held_at", "held_until", "entry_no"])

    class Meta:
        model = Entry
        fields: list[str] = []


class Holds(EntryDoor):
    filterset_class = HoldFilters

    def rows(self) -> QuerySet[Entry]:
        return super().rows().filter(status=Status.ON_HOLD).order_by("-held_at", "entry_no")

    @extend_schema(
        operation_id="holds_list",
        summary="List what is On Hold: who, when, why, until when",
        description="Entries as in their own list; set-ready ends a hold.",
        responses=EntrySerializer,
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


# --- history
class ChangeSerializer(serializers.ModelSerializer):
    user = PersonField(help_text="Null is the System identity.")
    changes = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(allow_blank=True)),
        help_text="Field → [old, new] in the words of the screens; secrets are never shown.",
    )

    class Meta:
        model = EntryChange
        fields = (
            "id",
            "entry_id",
            "entry_description",
            "at",
            "user",
            "origin",
            "credentials",
            "action",
            "reason",
            "changes",
        )
        read_only_fields = fields


class ChangeFilters(ListFilters):
    searched = ("entry_description", "reason", "user__username", "action")
    newest_first = "id"
    entry = filters.UUIDFilter(field_name="entry_id", label="Id of the entry, also of a deleted one.")
    origin = filters.MultipleChoiceFilter(choices=ORIGINS, label="The door.")
    user = filters.CharFilter(field_name="user__username", label="Who did it.")

    class Meta:
        model = EntryChange
        fields: list[str] = []


class Changes(CompanyRows):
    model = EntryChange
    shown_as = ChangeSerializer
    filterset_class = ChangeFilters
    pagination_class = CursorPages
    lookup_field = "pk"

    def rows(self) -> QuerySet[EntryChange]:
        return EntryChange.objects.filter(company=self.company).select_related("user")

    @extend_schema(operation_id="changes_list", summary="Who did what on purpose, the newest first")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="changes_read", summary="Show a change")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)


# --- for all entries
class RemoveFailed(StrictSerializer):
    only_own = serializers.BooleanField(required=False, help_text="Only entries that run as you.")


class Counted(serializers.Serializer):
    count = serializers.IntegerField(help_text="How many.")


class RemoveFailedEntries(CompanyApiView):
    levels = {"post": "schedule"}

    @extend_schema(
        operation_id="entries_remove_failed",
        summary="Remove failed entries",
        description="Deletes one-off entries in Error whose last run ended at least 30 seconds ago. The log stays.",
        request=RemoveFailed,
        responses=Counted,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        body = RemoveFailed(data=request.data)
        body.is_valid(raise_exception=True)
        only_own = body.validated_data.get("only_own", False)
        count = lifecycle.remove_failed_entries(self.company, actor=self.actor, only_own=only_own)
        return Response(Counted({"count": count}).data)


class CheckStale(CompanyApiView):
    levels = {"post": "administer"}

    @extend_schema(
        operation_id="entries_check_stale",
        summary="Check for stale jobs",
        description="Sets entries and log entries to Error that say they run, or should, but have no task.",
        request=None,
        responses=Counted,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(Counted({"count": housekeeping.check_stale(self.company, actor=self.actor)}).data)


# --- the installation
class DoctorFindingSerializer(serializers.Serializer):
    name = serializers.CharField()
    state = serializers.ChoiceField(DOCTOR_STATES)
    sentence = serializers.CharField()
    fix = serializers.CharField(allow_blank=True, help_text="What to do, where something is to be done.")


class DoctorSerializer(serializers.Serializer):
    state = serializers.ChoiceField(DOCTOR_STATES, help_text="The gravest among the checks.")
    checks = DoctorFindingSerializer(many=True)


class Doctor(ApiView):
    levels = {"get": "administer"}

    @extend_schema(operation_id="doctor", summary="Is this installation well?", responses=DoctorSerializer)
    def get(self, request: Request) -> Response:
        found = doctor.examine()
        return Response(DoctorSerializer({"state": doctor.worst(found), "checks": found}).data)
