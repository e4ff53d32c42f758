"""The verbs of people on packages, one address each, and two of them on many packages at once."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.errors import JobQueueError, NotFound, Refused
from packages import guards, lifecycle
from packages.api.packages import (
    IF_MATCH,
    TAGS,
    PackageAnswers,
    PackageInFullSerializer,
)
from packages.api.run_serializers import RunSerializer
from packages.api.serializers import (
    CopySerializer,
    FindingSerializer,
    ManyOnHoldSerializer,
    ManySerializer,
    NothingSerializer,
    PackageReasonSerializer,
    RunNowSerializer,
)
from packages.models import Package, Run
from packages.rows import last_ended_run, open_run, require_revision

RUN_PEOPLE = ("started_by", "identity", "held_by", "cancelled_by")


class SetActiveSerializer(PackageInFullSerializer):
    """The package, and what may not be meant."""

    warnings = FindingSerializer(many=True)

    class Meta(PackageInFullSerializer.Meta):
        fields = (*PackageInFullSerializer.Meta.fields, "warnings")  # type: ignore[assignment]


class PackageVerbs(PackageAnswers):
    """POST with the word of the button; what the admin would refuse is refused with the same sentence."""

    levels = {
        "set_active": "operate",
        "set_on_hold": "operate",
        "run_now": "operate",
        "resume": "operate",
        "cancel": "operate",
        "copy": "schedule",
    }
    shown_as = PackageInFullSerializer
    filter_backends = ()

    @extend_schema(
        operation_id="packages_set_active",
        summary="Set Active",
        description="Switches the schedule on; nothing runs at once. 409 `cannot_start` lists every problem.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=NothingSerializer,
        responses=SetActiveSerializer,
    )
    def set_active(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        package = self.package()
        lifecycle.set_active(package, actor=self.actor, expected_revision=self.expected_revision())
        response = self.answer(package)
        response.data["warnings"] = FindingSerializer(guards.warnings(package), many=True).data
        return response

    @extend_schema(
        operation_id="packages_set_on_hold",
        summary="Set On Hold",
        description="Switches the schedule off at once; the entry that is running finishes, later ones do not run.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=PackageReasonSerializer,
        responses=PackageInFullSerializer,
    )
    def set_on_hold(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        package = self._as_expected()
        lifecycle.set_on_hold(package, actor=self.actor, reason=self.read(PackageReasonSerializer)["reason"])
        return self.answer(package)

    @extend_schema(
        operation_id="packages_run_now",
        summary="Run Now",
        description="Starts a run at once, in the background; the schedule does not move.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=RunNowSerializer,
        responses={202: RunSerializer},
    )
    def run_now(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        package = self._as_expected()
        return self._run(lifecycle.run_now(package, actor=self.actor, **self.read(RunNowSerializer)))

    @extend_schema(
        operation_id="packages_resume",
        summary="Resume the last run",
        description="Goes on at the first line that did not succeed, in a new run. For a run that ended with Error or "
        "Stopped.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=NothingSerializer,
        responses={202: RunSerializer},
    )
    def resume(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        package = self._as_expected()
        return self._run(lifecycle.resume(last_ended_run(package), actor=self.actor))

    @extend_schema(
        operation_id="packages_cancel",
        summary="Cancel Run",
        description="Asks the running entries of the open run to stop; later lines do not run.",
        tags=TAGS,
        request=PackageReasonSerializer,
        responses={202: RunSerializer},
    )
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        package, reason = self.package(), self.read(PackageReasonSerializer)["reason"]
        run = open_run(package)
        if run is None:
            raise Refused(f"No run of “{package}” is open.", code="not_running")
        return self._run(lifecycle.cancel_run(run, actor=self.actor, reason=reason))

    @extend_schema(
        operation_id="packages_copy",
        summary="Copy",
        description="Lines (as new entries), recurrences and notification list under a new name, On Hold.",
        tags=TAGS,
        request=CopySerializer,
        responses={201: PackageInFullSerializer},
    )
    def copy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        name = self.read(CopySerializer)["name"]
        return self.answer(lifecycle.copy_package(self.package(), actor=self.actor, name=name), status=201)

    def _as_expected(self) -> Package:
        package = self.package()
        require_revision(package, self.expected_revision())
        return package

    def _run(self, run: Run) -> Response:
        fresh = Run.objects.select_related(*RUN_PEOPLE).get(pk=run.pk)
        response = Response(RunSerializer(fresh).data, status=202)
        response["Location"] = self.address("package-runs-one", run=run.pk)
        return response


class ErrorItem(serializers.Serializer):
    field = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class BulkResult(serializers.Serializer):
    """What came of one package."""

    id = serializers.UUIDField()
    done = serializers.BooleanField()
    code = serializers.CharField(required=False, help_text="Of the refusal; stable.")
    detail = serializers.CharField(required=False, help_text="Why it was refused, and what to do next.")
    errors = ErrorItem(many=True, required=False, help_text="Every finding, where there are several.")


class BulkAnswer(serializers.Serializer):
    results = BulkResult(many=True)


class PackagesAtOnce(PackageAnswers):
    """Each package by itself: one that is refused does not stop the others. The answer is 200 with a result each."""

    levels = {"set_active": "operate", "set_on_hold": "operate"}
    shown_as = BulkAnswer
    filter_backends = ()

    @extend_schema(
        operation_id="packages_bulk_set_active",
        summary="Set many packages Active",
        tags=TAGS,
        request=ManySerializer,
        responses=BulkAnswer,
    )
    def set_active(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(ManySerializer)
        return self._each(values["packages"], lambda package: lifecycle.set_active(package, actor=self.actor))

    @extend_schema(
        operation_id="packages_bulk_set_on_hold",
        summary="Set many packages On Hold",
        tags=TAGS,
        request=ManyOnHoldSerializer,
        responses=BulkAnswer,
    )
    def set_on_hold(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(ManyOnHoldSerializer)
        return self._each(
            values["packages"],
            lambda package: lifecycle.set_on_hold(package, actor=self.actor, reason=values["reason"]),
        )

    def _each(self, keys: list[Any], act: Callable[[Package], Any]) -> Response:
        keys = list(dict.fromkeys(keys))
        rows = {package.uuid: package for package in self.packages().filter(uuid__in=keys)}
        return Response({"results": [self._one(key, rows.get(key), act) for key in keys]})

    def _one(self, key: Any, package: Package | None, act: Callable[[Package], Any]) -> dict[str, Any]:
        try:
            if package is None:
                raise NotFound(f"There is no job queue package {key} in “{self.company}”.")
            act(package)
        except JobQueueError as refusal:
            found = {"id": str(key), "done": False, "code": refusal.code, "detail": refusal.message}
            problems = getattr(refusal, "problems", ())
            errors = [{"field": one.field, "code": one.code, "message": one.message} for one in problems]
            return found | ({"errors": errors} if errors else {})
        return {"id": str(key), "done": True}
