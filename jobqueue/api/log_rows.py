"""What a log entry and its lines look like in the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from jobqueue.api.parameters import ParametersField
from jobqueue.api.quick_rows import RowSerializer
from jobqueue.api.words import PersonField, WordField
from jobqueue.models import LogEntry, LogLine
from jobqueue.states import Level, LogStatus, ObjectType


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A run that failed",
            {
                "entry_no": 4711,
                "id": "1d0c2f3e-4a5b-4c6d-8e7f-001122334455",
                "entry_id": "0b6b7a3c-5f0e-4f0e-9a55-6a1f4f5f3c11",
                "company": "main",
                "status": "Error",
                "is_final": True,
                "user": "anna",
                "origin": "schedule",
                "due_at": "2026-03-02T08:00:00Z",
                "attempt": 3,
                "started_at": "2026-03-02T08:09:30Z",
                "ended_at": "2026-03-02T08:09:31.400000Z",
                "duration_ms": 1400,
                "object_type": "Codeunit",
                "object_id": 1,
                "object_caption": "HTTP request",
                "description": "Fetch exchange rates",
                "error_kind": "exception",
                "error_message": "rates.example answered 503.",
            },
            response_only=True,
        )
    ]
)
class LogEntrySerializer(RowSerializer):
    company = serializers.CharField(source="company.code", help_text="Code of the company.")
    status = WordField(LogStatus, read_only=True)
    user = PersonField(help_text="Who it ran as; null is the System identity.")
    ended_by = PersonField(help_text="Who cancelled it or set it to Error.")
    object_type = WordField(ObjectType, read_only=True)
    parameters = ParametersField(help_text="As executed; values of secrets are not shown.")
    duration_ms = serializers.IntegerField(help_text="Rounded to 100; 0 while it runs.")
    error_register = serializers.UUIDField(
        source="error_register_id", allow_null=True, help_text="Its error messages, by id."
    )

    class Meta:
        model = LogEntry
        fields = (
            "entry_no",
            "id",
            "entry_id",
            "company",
            "status",
            "is_final",
            "user",
            "origin",
            "due_at",
            "attempt",
            "claimed_at",
            "started_at",
            "ended_at",
            "duration_ms",
            "gap_count",
            "gap_last_due_at",
            "object_type",
            "object_id",
            "object_caption",
            "description",
            "parameter_string",
            "parameters",
            "category_code",
            "error_kind",
            "error_message",
            "error_register",
            "reason",
            "ended_by",
            "system_task_id",
            "worker_id",
            "session_number",
            "progress_done",
            "progress_total",
            "modified_at",
        )
        read_only_fields = fields


class LogEntryWhole(LogEntrySerializer):
    """With the call stack, which lists leave out."""

    class Meta(LogEntrySerializer.Meta):
        fields: Any = (*LogEntrySerializer.Meta.fields, "error_call_stack")
        read_only_fields = fields


class LogLineSerializer(RowSerializer):
    level = WordField(Level, read_only=True)

    class Meta:
        model = LogLine
        fields = ("id", "at", "level", "text")
        read_only_fields = fields


class LogLines(serializers.Serializer):
    status = WordField(LogStatus, help_text="Of the run; once it is not In Process no more lines come.")
    progress_done = serializers.IntegerField(allow_null=True)
    progress_total = serializers.IntegerField(allow_null=True)
    next_after = serializers.IntegerField(help_text="Ask with after= this for lines written since.")
    has_more = serializers.BooleanField(help_text="Whether there are lines already beyond these.")
    lines = LogLineSerializer(many=True)
