"""Job objects: what entries can run, with their parameters as a JSON Schema."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import permissions
from jobqueue.api.conditions import polled_by_content
from jobqueue.api.views import ApiView
from jobqueue.api.words import WordField
from jobqueue.objects import JobObject, parameter_schema, registry
from jobqueue.states import ObjectType, OutputType

KINDS = {kind.label.lower(): kind for kind in ObjectType}


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A codeunit with one parameter",
            {
                "object_type": "Codeunit",
                "object_id": 90003,
                "caption": "Sleep",
                "help": "Sleeps in small steps.",
                "permission": None,
                "may_run": True,
                "atomic": False,
                "category_code": "",
                "timeout_seconds": None,
                "max_attempts": None,
                "rerun_delay_seconds": None,
                "output_types": [],
                "parameters_schema": {
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "type": "object",
                    "properties": {"seconds": {"type": "string", "title": "Seconds", "default": "0.2"}},
                    "required": [],
                    "additionalProperties": False,
                },
            },
        )
    ]
)
class JobObjectSerializer(serializers.Serializer):
    object_type = WordField(ObjectType)
    object_id = serializers.IntegerField()
    caption = serializers.CharField()
    help = serializers.CharField(allow_blank=True)
    permission = serializers.CharField(allow_null=True, help_text="Needed to run it; null if nothing is.")
    may_run = serializers.SerializerMethodField(help_text="Whether the caller may run it.")
    atomic = serializers.BooleanField(help_text="Work, ledger row and next schedule commit together.")
    category_code = serializers.CharField(
        source="category", allow_blank=True, help_text="New entries start with it."
    )
    timeout_seconds = serializers.IntegerField(allow_null=True, help_text="New entries start with it.")
    max_attempts = serializers.IntegerField(allow_null=True, help_text="New entries start with it.")
    rerun_delay_seconds = serializers.IntegerField(allow_null=True, help_text="New entries start with it.")
    output_types = serializers.ListField(child=WordField(OutputType), help_text="Of reports.")
    parameters_schema = serializers.SerializerMethodField(
        help_text="JSON Schema of an entry's “parameters”; decimals are texts, moments carry an offset."
    )

    def get_may_run(self, job: JobObject) -> bool:
        return permissions.may_run(self.context["request"].user, job)

    def get_parameters_schema(self, job: JobObject) -> dict[str, Any]:
        return parameter_schema.json_schema(job.parameter_fields)


class JobObjectList(serializers.Serializer):
    count = serializers.IntegerField()
    results = JobObjectSerializer(many=True)


class JobObjects(ApiView):
    levels = {"get": "view"}

    @extend_schema(
        operation_id="job_objects_list", summary="List what entries can run", responses=JobObjectList
    )
    def get(self, request: Request) -> Response:
        found = registry.all()
        body = JobObjectList({"count": len(found), "results": found}, context={"request": request}).data
        return polled_by_content(request, Response(body))


class OneJobObject(ApiView):
    levels = {"get": "view"}

    @extend_schema(
        operation_id="job_objects_read",
        summary="Show a job object",
        parameters=[
            OpenApiParameter(
                "object_type", str, OpenApiParameter.PATH, enum=sorted(KINDS), description="Its kind."
            )
        ],
        responses=JobObjectSerializer,
    )
    def get(self, request: Request, object_type: str, object_id: int) -> Response:
        kind = KINDS.get(object_type)
        job = registry.find(kind, object_id) if kind is not None else None
        if job is None:
            raise Http404(f"No installed app registers a {object_type[:20]} {object_id}.")
        body = JobObjectSerializer(job, context={"request": request}).data
        return polled_by_content(request, Response(body))
