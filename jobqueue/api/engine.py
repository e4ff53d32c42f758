"""Behind the scenes: clusters, worker sessions and session events; all read-only."""

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
from jobqueue.models import Cluster, SessionEvent, WorkerSession
from jobqueue.scheduler import database_now

CLUSTER_STATES = Cluster.State.choices
EVENT_KINDS = SessionEvent.Kind.choices


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
    lookup_field = "pk"

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

    @extend_schema(operation_id="session_events_read", summary="Show a session event")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)
