"""One pass over the monitored jobs of a company, as the runner whose token this is."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.views import CompanyApiView
from refresher.api.callers import REFRESH
from refresher.passing.calls import refresh_for_worker
from refresher.results import PassResult

COUNTED = (
    "jobs",
    "left_alone",
    "corrected",
    "restarted",
    "recreated",
    "failed",
    "registered",
    "registration_errors",
)


class RefreshAsked(StrictSerializer):
    """The company follows from the address, the runner from the token."""

    cycle = serializers.UUIDField(
        required=False,
        help_text="Of a worker that posts the outcome of its cycle afterwards: until then the failed attempts stay. "
        "Without it a success sets them to 0 at once.",
    )


class RefreshedSerializer(serializers.Serializer):
    status = serializers.ChoiceField(
        choices=["refreshed", "not_enabled"],
        help_text="“not_enabled”: the external refresher is off for the company, and nothing was touched.",
    )
    message = serializers.CharField(help_text="The pass in one sentence.")
    log = serializers.IntegerField(allow_null=True, help_text="Number of the pass in the refresh log.")
    jobs = serializers.IntegerField(help_text="Monitored jobs the pass looked at.")
    left_alone = serializers.IntegerField()
    corrected = serializers.IntegerField()
    restarted = serializers.IntegerField()
    recreated = serializers.IntegerField(help_text="Entries created again, or adopted.")
    failed = serializers.IntegerField(
        help_text="Jobs that could not be refreshed; each has its error message."
    )
    registered = serializers.IntegerField(help_text="Jobs registered by code.")
    registration_errors = serializers.IntegerField()


class Refresh(CompanyApiView):
    """Runs the pass. Calling again is harmless; beside a pass that still runs it is refused (409 ``pass_running``)."""

    scope = REFRESH
    levels = {"post": None}

    @extend_schema(
        operation_id="refresh",
        summary="Refresh the monitored jobs of a company",
        tags=["refresher"],
        request=RefreshAsked,
        responses=RefreshedSerializer,
    )
    def post(self, request: Request, company: str) -> Response:
        asked = RefreshAsked(data=request.data or {})
        asked.is_valid(raise_exception=True)
        result = refresh_for_worker(self.company, actor=self.actor, in_cycle="cycle" in asked.validated_data)
        return Response(RefreshedSerializer(_answer(result)).data)


def _answer(result: PassResult) -> dict[str, Any]:
    log = result.log
    return {
        "status": "not_enabled" if result.state is None else "refreshed",
        "message": result.message,
        "log": log.pk if log is not None else None,
        **{name: getattr(log, name) if log is not None else 0 for name in COUNTED},
    }
