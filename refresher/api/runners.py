"""Runner users: who refreshes, how the worker outside fares with each, and the worker's configuration."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import api_tokens, companies
from jobqueue.api.conditions import IF_MATCH
from jobqueue.api.filtering import ListFilters, YesNoFilter
from jobqueue.api.resources import CompanyRows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.words import PersonField
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.scheduler import database_now
from notifications.conf import settings
from refresher import runners
from refresher.asking import setup_of
from refresher.handing_over import file_name, worker_configuration
from refresher.models import MonitoredJob, Runner
from refresher.rights import require_rights

TAGS = ["refresher"]
VERBS = ("enable", "disable", "reset", "worker-configuration")
EXAMPLE = {
    "user": "runner-main",
    "is_enabled": True,
    "is_inactive": False,
    "is_default": True,
    "monitored_jobs": 12,
    "failed_attempts": 0,
    "last_success_at": "2026-03-02T08:00:00Z",
    "last_failure_at": None,
    "last_error": "",
    "registered_at": "2026-01-15T10:00:00Z",
    "registered_by": "anna",
}


@extend_schema_serializer(examples=[OpenApiExample("A runner", EXAMPLE, response_only=True)])
class RunnerSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="name", read_only=True, help_text="User name.")
    is_inactive = serializers.BooleanField(
        read_only=True, help_text="It failed so often in a row that the worker no longer calls it; see reset."
    )
    is_default = serializers.SerializerMethodField(help_text="Whether it serves this company's other jobs.")
    monitored_jobs = serializers.IntegerField(
        source="job_count", read_only=True, help_text="Jobs of this company that are assigned to it."
    )
    registered_at = serializers.DateTimeField(source="created_at", read_only=True, allow_null=True)
    registered_by = PersonField(source="created_by")

    class Meta:
        model = Runner
        fields: Any = tuple(EXAMPLE)
        read_only_fields = fields

    def get_is_default(self, runner: Runner) -> bool:
        return runner.pk == self.context["view"].default_runner_id


class RunnerWhole(RunnerSerializer):
    """With what keeps it from working, which lists leave out."""

    problems = serializers.SerializerMethodField(
        help_text="Everything that keeps it from working in this company; empty if nothing does."
    )

    class Meta(RunnerSerializer.Meta):
        fields = (*RunnerSerializer.Meta.fields, "problems")
        read_only_fields = fields

    def get_problems(self, runner: Runner) -> list[str]:
        return runners.operational_problems(runner, company=self.context["view"].company)


@extend_schema_serializer(examples=[OpenApiExample("Register", {"user": "runner-main"}, request_only=True)])
class RunnerWrite(StrictSerializer):
    user = serializers.CharField(
        max_length=150,
        help_text="Name of an active user in the group Ext JQ Refresher; a user of its own for each runner.",
    )


class WorkerConfigurationWrite(StrictSerializer):
    url = serializers.URLField(
        required=False,
        max_length=500,
        help_text="Where the worker reaches this installation; left out, the address people are told.",
    )


class WorkerConfigurationSerializer(serializers.Serializer):
    file_name = serializers.CharField()
    content = serializers.CharField(
        help_text="The configuration (TOML) with the runner's credential. Nothing shows it again."
    )


class RunnerFilters(ListFilters):
    searched = ("user__username", "last_error")
    enabled = YesNoFilter(field_name="is_enabled", label="Whether it is enabled.")
    ordering = filters.OrderingFilter(
        fields=[("user__username", "user"), "failed_attempts", "last_success_at", "last_failure_at"]
    )

    class Meta:
        model = Runner
        fields: list[str] = []


class Runners(CompanyRows):
    """Runner users serve every company: only administrators of all of them register, change and remove them."""

    levels: Any = dict.fromkeys(
        ("create", "destroy", "enable", "disable", "reset", "worker_configuration"), "administer"
    )
    model = Runner
    shown_as = RunnerWhole
    filterset_class = RunnerFilters
    lookup_field = "user__username"
    lookup_url_kwarg = "user"

    def get_serializer_class(self) -> Any:
        return RunnerSerializer if self.action == "list" else RunnerWhole

    def rows(self) -> QuerySet[Runner]:
        """All for those who work in every company, else those this company counts on."""
        self.default_runner_id = setup_of(self.company).default_runner_id
        found = Runner.objects.select_related("user", "created_by").order_by("user__username")
        found = found.annotate(
            job_count=Count("monitored_jobs", filter=Q(monitored_jobs__company=self.company))
        )
        if self.request.auth.company_id is None and companies.works_in_every(self.request.user):
            return found
        own = MonitoredJob.objects.filter(company=self.company, runner__isnull=False).values("runner")
        return found.filter(Q(pk__in=own) | Q(pk=self.default_runner_id))

    @extend_schema(
        operation_id="runners_list",
        summary="List runner users",
        description="All of them for those who work in every company; else those this company counts on.",
        tags=TAGS,
        responses=RunnerSerializer(many=True),
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.shown_as = RunnerSerializer
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="runners_read", summary="Show a runner user", tags=TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="runners_register",
        summary="Register a runner user",
        description="One that is registered already is enabled, and its failed attempts are forgotten.",
        tags=TAGS,
        request=RunnerWrite,
        responses={201: RunnerWhole},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._require_rights()
        name = self.read(RunnerWrite)["user"]
        user = get_user_model()._default_manager.filter(username=name).first()
        if user is None:
            sentence = f"There is no user “{name}”. Create an ordinary user of its own for the runner first."
            raise Invalid([Problem("user", "unknown_user", sentence)])
        made = runners.register_runner(user, actor=self.actor)
        return self.shown(self.rows().get(pk=made.pk), status=201)

    @extend_schema(
        operation_id="runners_remove",
        summary="Remove from the runner users",
        description="The user itself stays. Refused while monitored jobs or a company count on it, or while it has an "
        "Entra application.",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._require_rights()
        with self.expecting() as runner:
            runners.remove_runner(runner, actor=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="runners_enable",
        summary="Enable",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=None,
        responses=RunnerWhole,
    )
    def enable(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._switch(enabled=True)

    @extend_schema(
        operation_id="runners_disable",
        summary="Disable",
        description="Its jobs stay assigned to it and are refreshed by nobody meanwhile.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=None,
        responses=RunnerWhole,
    )
    def disable(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._switch(enabled=False)

    @extend_schema(
        operation_id="runners_reset",
        summary="Reset Failed Attempts",
        description="The worker outside calls it again. Repair the cause first, or it fails again.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=None,
        responses=RunnerWhole,
    )
    def reset(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._require_rights()
        with self.expecting() as runner:
            runners.reset_runner(runner, actor=self.actor)
        return self.shown(self.found())

    @extend_schema(
        operation_id="runners_worker_configuration",
        summary="Hand over the worker's configuration",
        description="Makes a new API token for the worker; a runner with an Entra application hands over that "
        "credential instead, which works once. Called with a token, it needs the scope “tokens”. Keep the answer where "
        "only the worker can read it.",
        tags=TAGS,
        request=WorkerConfigurationWrite,
        responses=WorkerConfigurationSerializer,
    )
    def worker_configuration(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._require_rights()
        self.require_scope(api_tokens.MINTING)
        runner = self.found()
        url = self.read(WorkerConfigurationWrite).get("url")
        url = url or settings().public_url or request.build_absolute_uri("/")
        content = worker_configuration(runner, url=url, actor=self.actor, now=database_now())
        return Response({"file_name": file_name(runner), "content": content})

    def _switch(self, *, enabled: bool) -> Response:
        self._require_rights()
        with self.expecting() as runner:
            runners.set_runner_enabled(runner, enabled, actor=self.actor)
        return self.shown(self.found())

    def _require_rights(self) -> None:
        require_rights(self.actor)
        if self.request.auth.company_id is not None:
            raise NotAllowed(
                "These credentials are good for one company only, and runner users serve all of them. Use ones made "
                "for all companies.",
                code="scope_missing",
            )
