"""The task scheduler's rows; administrators cancel and release them."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import lifecycle
from jobqueue.api.conditions import IF_MATCH
from jobqueue.api.filtering import ListFilters, YesNoFilter
from jobqueue.api.quick_rows import RowSerializer
from jobqueue.api.resources import CompanyRows
from jobqueue.api.words import PersonField
from jobqueue.errors import NotAllowed
from jobqueue.models import Entry, ScheduledTask

TASK_STATES = [(state.label, state.label) for state in ScheduledTask.State]


class TaskSerializer(RowSerializer):
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


class TaskDone(serializers.Serializer):
    message = serializers.CharField(help_text="What was done.")


class ScheduledTasks(CompanyRows):
    levels = {"set_ready": "administer", "cancel": "administer"}
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

    @extend_schema(
        operation_id="scheduled_tasks_set_ready",
        summary="Set Task Ready",
        description="It starts as soon as a worker is free, without waiting for its turn in a category.",
        parameters=[IF_MATCH],
        request=None,
        responses=TaskDone,
    )
    def set_ready(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._act(lifecycle.set_task_ready)

    @extend_schema(
        operation_id="scheduled_tasks_cancel",
        summary="Cancel Task",
        description="Removes the task; the entry behind it goes On Hold. Refused while it runs: cancel the run of the "
        "entry instead.",
        parameters=[IF_MATCH],
        request=None,
        responses=TaskDone,
    )
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._act(lifecycle.cancel_task)

    def _act(self, verb: Callable[..., str]) -> Response:
        with self.expecting() as task:
            if task.company_id is None and self.request.auth.company_id is not None:
                raise NotAllowed(
                    "This task serves the whole installation, and these credentials are good for one company only. Use "
                    "ones made for all of them.",
                    code="scope_missing",
                )
            message = verb(task, task.company, actor=self.actor)
        return Response(TaskDone({"message": message}).data)
