"""How the worker fared with a runner in one cycle: the counters behind *failed attempts*."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.views import ApiView
from jobqueue.errors import NotAllowed
from refresher.api.callers import WATCH, calling_runner, require_worker, watches
from refresher.models import Runner
from refresher.models.runner import FAILURE_LIMIT, MAX_ERROR
from refresher.runners import get_runner, record_failure, record_success, runner_of


class OutcomeSerializer(StrictSerializer):
    cycle = serializers.UUIDField(
        help_text="Made by the worker for each cycle; a failure counts once a cycle, however often it is posted."
    )
    succeeded = serializers.BooleanField(help_text="True sets the failed attempts to 0.")
    error = serializers.CharField(
        max_length=MAX_ERROR,
        required=False,
        allow_blank=True,
        default="",
        help_text="What failed, in a sentence; needed with a failure.",
    )
    runner = serializers.CharField(
        required=False,
        max_length=150,
        help_text="Only with the worker's own token (scope “watch”): the runner user it could not sign in as.",
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if not values["succeeded"] and not values["error"].strip():
            raise serializers.ValidationError({"error": "Say in a sentence what failed."})
        return values


class CountersSerializer(serializers.Serializer):
    runner = serializers.CharField(source="name")
    failed_attempts = serializers.IntegerField(help_text="Cycles that failed in a row.")
    failure_limit = serializers.SerializerMethodField()
    is_inactive = serializers.BooleanField(help_text="It must not be called before somebody resets it.")
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_failure_at = serializers.DateTimeField(allow_null=True)

    def get_failure_limit(self, runner: Runner) -> int:
        return FAILURE_LIMIT


class Outcomes(ApiView):
    """Notes one cycle of one runner; success → 0, failure → one more, inactive at 15, of which people are told."""

    levels = {"post": None}

    @extend_schema(
        operation_id="refresher_outcome",
        summary="Say how a cycle went",
        tags=["refresher"],
        request=OutcomeSerializer,
        responses=CountersSerializer,
    )
    def post(self, request: Request) -> Response:
        require_worker(request)
        asked = OutcomeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        runner = _runner(request, values.get("runner"))
        if values["succeeded"]:
            runner = record_success(runner)
        else:
            runner = record_failure(runner, values["error"], cycle=values["cycle"])
        return Response(CountersSerializer(runner).data)


def _runner(request: Request, name: str | None) -> Runner:
    """The token's own runner; another one only for the worker's own token."""
    own = runner_of(request.user)
    if name is None or (own is not None and own.name == name):
        return calling_runner(request)
    if not watches(request):
        raise NotAllowed(
            f"These credentials speak for their own runner user only. Use ones with the scope “{WATCH}”.",
            code="scope_missing",
        )
    return get_runner(name)
