"""What a runner has to do: the companies the worker refreshes as it."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.views import ApiView
from refresher.api.callers import REFRESH, calling_runner
from refresher.asking import companies_served_by, last_refreshed
from refresher.models.runner import FAILURE_LIMIT
from refresher.runners import operational_problems


class AssignedCompany(serializers.Serializer):
    code = serializers.CharField(help_text="Names the company in the address of the refresh call.")
    name = serializers.CharField()
    last_refreshed_at = serializers.DateTimeField(
        allow_null=True, help_text="End of the last pass that ended well, whoever ran it."
    )


class AssignmentsSerializer(serializers.Serializer):
    runner = serializers.CharField(help_text="User name of the runner these credentials belong to.")
    is_operational = serializers.BooleanField(
        help_text="False: a refresh would be refused; “problems” says why."
    )
    is_inactive = serializers.BooleanField(
        help_text="It failed so often in a row that it must not be called before somebody resets it."
    )
    failed_attempts = serializers.IntegerField(help_text="Cycles that failed in a row.")
    failure_limit = serializers.IntegerField(
        help_text="Failures in a row from which on a runner is inactive."
    )
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="What keeps the runner from working."
    )
    companies = AssignedCompany(many=True, help_text="To be refreshed as this runner, once an hour each.")


class Assignments(ApiView):
    """The companies to refresh as the runner whose token this is."""

    scope = REFRESH
    levels = {"get": None}

    @extend_schema(
        operation_id="refresher_assignments",
        summary="What has this runner to do?",
        tags=["refresher"],
        responses=AssignmentsSerializer,
    )
    def get(self, request: Request) -> Response:
        runner = calling_runner(request)
        problems = operational_problems(runner)
        served = [company for company in companies_served_by(runner) if request.auth.reaches(company)]
        found = {
            "runner": runner.name,
            "is_operational": not problems,
            "is_inactive": runner.is_inactive,
            "failed_attempts": runner.failed_attempts,
            "failure_limit": FAILURE_LIMIT,
            "problems": problems,
            "companies": [
                {"code": one.code, "name": one.name, "last_refreshed_at": last_refreshed(one)}
                for one in served
            ],
        }
        return Response(AssignmentsSerializer(found).data)
