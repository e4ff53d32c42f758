"""The log of packages: runs, newest first, one with its lines, and the verbs on a run."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import polled_by_content
from jobqueue.api.pagination import CursorPages
from packages import lifecycle
from packages.api.base import PackagesView
from packages.api.filters import RunFilters
from packages.api.run_serializers import RunSerializer, RunWithLinesSerializer
from packages.api.serializers import NothingSerializer, PackageReasonSerializer
from packages.attempts import attempts_of
from packages.live import as_they_are
from packages.models import Run
from packages.permissions import may

TAGS = ["package runs"]
PEOPLE = ("started_by", "identity", "held_by", "cancelled_by")


@extend_schema_view(
    list=extend_schema(operation_id="package_runs_list", summary="List runs, newest first", tags=TAGS),
)
class Runs(PackagesView):
    """Runs stay when their package is renamed or deleted."""

    model = Run
    shown_as = RunSerializer
    filterset_class = RunFilters
    pagination_class = CursorPages
    lookup_url_kwarg = "run"
    levels = {"resume": "operate", "cancel": "operate"}

    def rows(self) -> QuerySet[Run]:
        return Run.objects.filter(company=self.company).select_related(*PEOPLE, "package", "company")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(
        operation_id="package_runs_read",
        summary="Show a run with its lines and status changes",
        description="While it is open, ask again with If-None-Match: unchanged is 304.",
        tags=TAGS,
        responses=RunWithLinesSerializer,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        run = self.found()
        lines = as_they_are(run.lines.all())
        context = {
            "lines": lines,
            "attempts": attempts_of(lines),
            "may_see_inside": may(self.actor, "maintain", self.company),
        }
        return polled_by_content(request, Response(RunWithLinesSerializer(run, context=context).data))

    @extend_schema(
        operation_id="package_runs_resume",
        summary="Resume this run",
        description="Goes on at the first line that did not succeed, in a new run.",
        tags=TAGS,
        request=NothingSerializer,
        responses={202: RunSerializer},
    )
    def resume(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        return self._answer(lifecycle.resume(self.found(), actor=self.actor))

    @extend_schema(
        operation_id="package_runs_cancel",
        summary="Cancel this run",
        tags=TAGS,
        request=PackageReasonSerializer,
        responses={202: RunSerializer},
    )
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        reason = self.read(PackageReasonSerializer)["reason"]
        return self._answer(lifecycle.cancel_run(self.found(), actor=self.actor, reason=reason))

    def _answer(self, run: Run) -> Response:
        response = self.shown(self.rows().get(pk=run.pk), status=202)
        response["Location"] = self.address("package-runs-one", run=run.pk)
        return response
