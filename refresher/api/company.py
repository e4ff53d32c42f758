"""The refresher of a company for its administrators: set-up, monitored jobs, Refresh Now, simulation and log."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import IF_MATCH, polled_by_tag, require_tag, tagged
from jobqueue.api.pagination import CursorPages
from jobqueue.api.parameters import with_secrets_kept
from jobqueue.api.resources import CompanyRows
from jobqueue.api.views import CompanyApiView
from jobqueue.models import Company, Entry
from jobqueue.permissions import may_act_as
from jobqueue.scheduler import database_now
from jobqueue.validation import REACHING_THE_JOB
from refresher import monitoring, runners, setting_up
from refresher.api.company_serializers import (
    MonitoredJobSerializer,
    MonitoredSerializer,
    MonitorSerializer,
    NoParametersSerializer,
    PassSerializer,
    RefreshLogInFull,
    RefreshLogSerializer,
    RepairedSerializer,
    RequestedSerializer,
    SetupSerializer,
    SetupWrite,
)
from refresher.asking import setup_of
from refresher.command_line.representations import outcome_json, pass_json, setup_json
from refresher.models import MonitoredJob, RefreshLog
from refresher.passing import refresh_job_now, refresh_now, simulate_pass
from refresher.standing import standings

TAGS = ["refresher"]


class Setup(CompanyApiView):
    """How the monitored jobs of the company are refreshed, and by whom."""

    levels = {"patch": "administer"}

    @extend_schema(
        operation_id="refresh_setup_read", summary="Show the set-up", tags=TAGS, responses=SetupSerializer
    )
    def get(self, request: Request, company: str) -> Response:
        return polled_by_tag(request, setup_json(setup_of(self.company)))

    @extend_schema(
        operation_id="refresh_setup_change",
        summary="Change the set-up",
        description="`use_external` true hands the company over to the worker outside, false takes it back.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=SetupWrite,
        responses=SetupSerializer,
    )
    def patch(self, request: Request, company: str) -> Response:
        read = SetupWrite(data=request.data)
        read.is_valid(raise_exception=True)
        values = dict(read.validated_data)
        external = values.pop("use_external", None)
        if values.get("default_runner"):
            values["default_runner"] = runners.get_runner(values["default_runner"])
        with transaction.atomic():
            if "If-Match" in request.headers:
                Company.objects.select_for_update(no_key=True).get(pk=self.company.pk)
                set_up = setup_json(setup_of(self.company))
                require_tag(request, set_up, what=f"The refresh set-up of “{self.company}”")
            if values:
                setting_up.change_setup(self.company, values, actor=self.actor)
            if external is not None and external != setup_of(self.company).use_external:
                verb = setting_up.enable_external if external else setting_up.disable_external
                verb(self.company, actor=self.actor)
        return tagged(setup_json(setup_of(self.company)))


@extend_schema_view(
    list=extend_schema(operation_id="monitored_jobs_list", summary="List monitored jobs", tags=TAGS),
    retrieve=extend_schema(operation_id="monitored_jobs_read", summary="Show a monitored job", tags=TAGS),
    partial_update=extend_schema(
        operation_id="monitored_jobs_change",
        summary="Change what is expected",
        description="The entry follows at the next pass.",
        tags=TAGS,
        parameters=[IF_MATCH],
    ),
    destroy=extend_schema(
        operation_id="monitored_jobs_delete",
        summary="Stop monitoring",
        description="The entry keeps running; protected jobs come back at the next pass.",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    ),
)
class MonitoredJobs(CompanyRows):
    """Each job with its state and what has drifted."""

    levels = {"repair": "operate"}
    model = MonitoredJob
    shown_as = MonitoredJobSerializer
    filter_backends = ()
    lookup_url_kwarg = "job"

    def rows(self) -> QuerySet[MonitoredJob]:
        jobs = MonitoredJob.objects.filter(company=self.company)
        return jobs.select_related("company", "runner__user").order_by("pk")

    def prepare(self, page: Sequence[MonitoredJob]) -> None:
        self.standings = {one.job.pk: one for one in standings(page, now=database_now())}

    def get_serializer_context(self) -> dict[str, Any]:
        return super().get_serializer_context() | {"standings": getattr(self, "standings", {})}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="monitored_jobs_create",
        summary="Monitor entries",
        description="Each entry by itself: one that is refused does not stop the others.",
        tags=TAGS,
        request=MonitorSerializer,
        responses={200: MonitoredSerializer(many=True)},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        keys = list(dict.fromkeys(self.read(MonitorSerializer)["entries"]))
        rows = Entry.objects.select_related("company").filter(company=self.company, id__in=keys)
        entries = {entry.id: entry for entry in rows}
        made = {
            one.entry.id: one
            for one in monitoring.create_from_entries(
                [entries[key] for key in keys if key in entries], actor=self.actor
            )
        }
        return Response([self._made(key, made.get(key)) for key in keys])

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(MonitoredJobSerializer, partial=True)
        if "runner" in values:
            name = values.pop("runner")["name"]
            values["runner"] = runners.get_runner(name) if name else None
        with self.expecting() as job:
            if "runner" in values:
                self.require_scope("administer")
            if REACHING_THE_JOB & values.keys():
                self._require_scope_for_runner(job)
            values = with_secrets_kept(values, of=job)
            monitoring.change_monitored_job(job, values, actor=self.actor)
        return self.shown(self.found())

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as job:
            monitoring.delete_monitored_job(job, actor=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="monitored_jobs_repair",
        summary="Repair Now",
        description="What a pass would do to the job is done at once. A run in process and an entry held by a person "
        "are left alone.",
        tags=TAGS,
        request=NoParametersSerializer,
        responses=RepairedSerializer,
    )
    def repair(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NoParametersSerializer)
        result = refresh_job_now(self.found(), actor=self.actor)
        outcomes = [outcome_json(one) for one in result.outcomes]
        return Response(RepairedSerializer({"message": result.message, "outcomes": outcomes}).data)

    @extend_schema(
        operation_id="monitored_jobs_accept",
        summary="Accept the entry as the new expectation",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=NoParametersSerializer,
        responses=MonitoredJobSerializer,
    )
    def accept(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NoParametersSerializer)
        with self.expecting() as job:
            self._require_scope_for_runner(job)
            monitoring.accept_entry(job, actor=self.actor)
        return self.shown(self.found())

    def _require_scope_for_runner(self, job: MonitoredJob) -> None:
        """What reaches the job of an assigned runner is for administrators, unless one may act as that runner."""
        if job.runner is not None and not may_act_as(self.request.user, job.runner.user):
            self.require_scope("administer")

    def _made(self, key: Any, one: Any) -> dict[str, Any]:
        if one is None:
            words = f"There is no job queue entry {key} in “{self.company}”. Look at the entries."
            return {"entry": str(key), "job": None, "code": "not_found", "detail": words}
        return {
            "entry": str(key),
            "job": one.job.pk if one.job is not None else None,
            "code": one.code or None,
            "detail": one.error or None,
        }


class RefreshNow(CompanyApiView):
    """Queues the passes; see the refresh log for how they go."""

    levels = {"post": "operate"}

    @extend_schema(
        operation_id="refresh_now",
        summary="Refresh Now",
        tags=TAGS,
        request=NoParametersSerializer,
        responses={202: RequestedSerializer},
    )
    def post(self, request: Request, company: str) -> Response:
        NoParametersSerializer(data=request.data or {}).is_valid(raise_exception=True)
        asked = refresh_now(self.company, actor=self.actor)
        return Response(RequestedSerializer(asked).data, status=202)


class Simulate(CompanyApiView):
    """What a pass would do now; nothing is written."""

    levels = {"post": "view"}

    @extend_schema(
        operation_id="refresh_simulate",
        summary="Simulate a refresh",
        tags=TAGS,
        request=NoParametersSerializer,
        responses=PassSerializer(many=True),
    )
    def post(self, request: Request, company: str) -> Response:
        NoParametersSerializer(data=request.data or {}).is_valid(raise_exception=True)
        found = simulate_pass(self.company, actor=self.actor, now=database_now())
        return Response(PassSerializer([pass_json(one) for one in found], many=True).data)


@extend_schema_view(
    list=extend_schema(operation_id="refresh_log_list", summary="List passes, newest first", tags=TAGS)
)
class RefreshLogs(CompanyRows):
    """What each pass did to each job, and why."""

    model = RefreshLog
    shown_as = RefreshLogSerializer
    filter_backends = ()
    pagination_class = CursorPages
    lookup_url_kwarg = "log"

    def rows(self) -> QuerySet[RefreshLog]:
        return RefreshLog.objects.filter(company=self.company).select_related("runner__user", "user")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(
        operation_id="refresh_log_read",
        summary="Show a pass with its lines",
        tags=TAGS,
        responses=RefreshLogInFull,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(RefreshLogInFull(self.found()).data)
