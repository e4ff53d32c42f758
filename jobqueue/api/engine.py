"""Behind the scenes: clusters, worker sessions, session events and scheduled tasks; all read-only."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.filtering import ListFilters, WholeNumberFilter, YesNoFilter
from jobqueue.api.pagination import CursorPages
from jobqueue.api.resources import CompanyRows, Rows
from jobqueue.api.words import PersonField
from jobqueue.models import Cluster, Entry, ScheduledTask, SessionEvent, WorkerSession
from jobqueue.scheduler import database_now

CLUSTER_STATES = Cluster.State.choices
EVENT_KINDS = SessionEvent.Kind.choices
TASK_STATES = [(state.label, state.label) for state in ScheduledTask.State]
TASK_ERRORS = ScheduledTask.ErrorKind.choices


class ClusterSerializer(serializers.ModelSerializer):
    is_alive = serializers.SerializerMethodField(help_text="Whether its lease still runs.")

    class Meta:
        model = Cluster
        fields = (
            "id",
            "name",
            "host",
            "pid",
            "workers",
            "state",
            "is_alive",
            "version",
            "started_at",
            "heartbeat_at",
            "lease_until",
            "ended_at",
            "end_reason",
        )
        read_only_fields = fields

    def get_is_alive(self, cluster: Any) -> bool:
        return cluster.ended_at is None and cluster.lease_until > self.context["view"].now


class ClusterFilters(ListFilters):
    searched = ("host", "name")
    state = filters.MultipleChoiceFilter(choices=CLUSTER_STATES)
    ordering = filters.OrderingFilter(fields=["id", "host", "started_at", "heartbeat_at"])

    class Meta:
        model = Cluster
        fields: list[str] = []


class EngineRows(Rows):
    """Rows of no company: workers serve all of them."""

    lookup_field = "pk"

    def prepare(self, page: Sequence[Any]) -> None:
        self.now = database_now()


class Clusters(EngineRows):
    model = Cluster
    shown_as = ClusterSerializer
    filterset_class = ClusterFilters

    def rows(self) -> QuerySet[Cluster]:
        return Cluster.objects.order_by("-id")

    @extend_schema(operation_id="clusters_list", summary="List clusters, the newest first")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="clusters_read", summary="Show a cluster")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)


class WorkerSerializer(serializers.ModelSerializer):
    cluster = serializers.IntegerField(source="cluster_id", read_only=True)
    is_alive = serializers.SerializerMethodField(help_text="Not ended, in a cluster whose lease still runs.")

    class Meta:
        model = WorkerSession
        fields = (
            "id",
            "cluster",
            "host",
            "pid",
            "is_alive",
            "started_at",
            "seen_at",
            "ended_at",
            "end_reason",
        )
        read_only_fields = fields

    def get_is_alive(self, session: Any) -> bool:
        return session.ended_at is None and session.cluster.lease_until > self.context["view"].now


class WorkerFilters(ListFilters):
    searched = ("host",)
    cluster = WholeNumberFilter(field_name="cluster_id", label="Of this cluster.")
    ended = YesNoFilter(
        field_name="ended_at", lookup_expr="isnull", exclude=True, label="Whether it has ended."
    )
    ordering = filters.OrderingFilter(fields=["id", "host", "started_at", "seen_at"])

    class Meta:
        model = WorkerSession
        fields: list[str] = []


class WorkerSessions(EngineRows):
    model = WorkerSession
    shown_as = WorkerSerializer
    filterset_class = WorkerFilters

    def rows(self) -> QuerySet[WorkerSession]:
        return WorkerSession.objects.select_related("cluster").order_by("-id")

    @extend_schema(operation_id="worker_sessions_list", summary="List worker processes, the newest first")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="worker_sessions_read", summary="Show a worker process")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)


class SessionEventSerializer(serializers.ModelSerializer):
    cluster = serializers.IntegerField(source="cluster_id", read_only=True, allow_null=True)
    worker = serializers.IntegerField(source="worker_id", read_only=True, allow_null=True)
    user = PersonField(help_text="The identity the session ran as.")
    entry_id = serializers.UUIDField(
        source="record", read_only=True, allow_null=True, help_text="The entry the session was about."
    )

    class Meta:
        model = SessionEvent
        fields = (
            "id",
            "at",
            "kind",
            "cluster",
            "worker",
            "session_number",
            "user",
            "host",
            "pid",
            "task_id",
            "entry_id",
            "comment",
        )
        read_only_fields = fields


class SessionEventFilters(ListFilters):
    searched = ("host", "comment", "user__username")
    newest_first = "id"
    kind = filters.MultipleChoiceFilter(choices=EVENT_KINDS)
    worker = WholeNumberFilter(field_name="worker_id", label="Of this worker process.")
    entry = filters.UUIDFilter(field_name="record", label="About this entry, by its id.")

    class Meta:
        model = SessionEvent
        fields: list[str] = []


class SessionEvents(CompanyRows):
    model = SessionEvent
    shown_as = SessionEventSerializer
    filterset_class = SessionEventFilters
    pagination_class = CursorPages

    def rows(self) -> QuerySet[SessionEvent]:
        found = SessionEvent.objects.filter(Q(company=self.company) | Q(company=None))
        return found.select_related("user")

    @extend_schema(
        operation_id="session_events_list",
        summary="List session events, the newest first",
        description="Workers serve all companies; sessions of jobs of other companies are not shown.",
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


class TaskSerializer(serializers.ModelSerializer):
    state = serializers.ChoiceField(TASK_STATES, source="get_state_display", read_only=True)
    user = PersonField(help_text="The identity it runs as; null is the System identity.")
    entry_no = serializers.IntegerField(
        source="shown_entry_no",
        read_only=True,
        allow_null=True,
        help_text="The entry behind it, if there is one.",
    )
    error_kind = serializers.SerializerMethodField(help_text="Null unless its failure routine is to run.")

    class Meta:
        model = ScheduledTask
        fields = (
            "id",
            "main_routine",
            "failure_routine",
            "state",
            "is_ready",
            "not_before",
            "user",
            "entry_no",
            "record",
            "timeout_seconds",
            "attempt",
            "error_kind",
            "error_message",
            "created_at",
            "claimed_at",
            "started_at",
            "cancel_requested_at",
        )
        read_only_fields = fields

    def get_error_kind(self, task: ScheduledTask) -> str | None:
        return task.error_kind or None


class TaskFilters(ListFilters):
    searched = ("main_routine",)
    ready = YesNoFilter(field_name="is_ready", label="Whether it may start.")
    state = filters.ChoiceFilter(choices=TASK_STATES, method="in_state")
    ordering = filters.OrderingFilter(fields=["not_before", "created_at", "main_routine"])

    class Meta:
        model = ScheduledTask
        fields: list[str] = []

    def in_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        return rows.filter(state=next(state.value for state in ScheduledTask.State if state.label == value))


class ScheduledTasks(CompanyRows):
    model = ScheduledTask
    shown_as = TaskSerializer
    filterset_class = TaskFilters
    lookup_field = "pk"

    def rows(self) -> QuerySet[ScheduledTask]:
        found = ScheduledTask.objects.filter(Q(company=self.company) | Q(company=None))
        return found.select_related("user").order_by("not_before", "id")

    def prepare(self, page: Sequence[Any]) -> None:
        entries = Entry.objects.filter(company=self.company, system_task_id__in=[task.pk for task in page])
        numbers = dict(entries.values_list("system_task_id", "entry_no"))
        for task in page:
            task.shown_entry_no = numbers.get(task.pk)

    @extend_schema(operation_id="scheduled_tasks_list", summary="List scheduled tasks, the next first")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="scheduled_tasks_read", summary="Show a scheduled task")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)
