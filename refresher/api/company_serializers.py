"""The set-up, monitored jobs as they stand, passes and the refresh log, as the screens show them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobqueue.api.parameters import ParametersField
from jobqueue.api.serializers import StrictModelSerializer, StrictSerializer
from jobqueue.api.words import WordField
from jobqueue.states import CategoryPriority, ObjectType, OutputType, Priority
from jobqueue.validation import SETTABLE
from refresher.models import MonitoredJob, RefreshLog, RefreshLogLine
from refresher.standing import Standing
from refresher.templates import BESIDE


class SetupSerializer(serializers.Serializer):
    company = serializers.CharField()
    enabled = serializers.BooleanField()
    use_external = serializers.BooleanField(help_text="A worker outside refreshes, not the sign-ins.")
    external_enabled_at = serializers.DateTimeField(allow_null=True)
    external_only = serializers.BooleanField()
    default_runner = serializers.CharField(allow_null=True, help_text="User name.")
    default_time_zone = serializers.CharField(allow_blank=True)
    create_missing_custom_jobs = serializers.BooleanField()
    last_refreshed = serializers.DateTimeField(allow_null=True)


class SetupWrite(StrictSerializer):
    enabled = serializers.BooleanField(required=False)
    use_external = serializers.BooleanField(required=False)
    external_only = serializers.BooleanField(required=False)
    default_runner = serializers.CharField(required=False, allow_null=True, max_length=150)
    default_time_zone = serializers.CharField(required=False, allow_blank=True, max_length=64)
    create_missing_custom_jobs = serializers.BooleanField(required=False)


class MonitoredJobSerializer(StrictModelSerializer):
    """The template of a job that is kept alive, and how its entry stands against it."""

    object_type = WordField(ObjectType, required=False)
    report_output_type = WordField(OutputType, required=False)
    priority = WordField(Priority, required=False)
    priority_within_category = WordField(CategoryPriority, required=False)
    parameters = ParametersField(required=False)
    runner = serializers.CharField(
        required=False,
        allow_null=True,
        source="runner.name",
        help_text="User name; null: the default runner.",
    )
    entry = serializers.UUIDField(source="entry_id", read_only=True, allow_null=True)
    state = serializers.SerializerMethodField(help_text="ok, drifted, missing, stopped, held or late.")
    drift = serializers.SerializerMethodField(help_text="By field in words: as it is, and as it shall be.")

    class Meta:
        model = MonitoredJob
        fields = (
            "id", "entry", "state", "drift", "runner", "is_protected", "is_customisable", "registered_by",
            "last_refresh_at", "last_refresh_status", "last_reason", "last_error", *SETTABLE, *BESIDE,
        )  # fmt: skip
        read_only_fields = (
            "is_protected", "is_customisable", "registered_by", "last_refresh_at", "last_refresh_status",
            "last_reason", "last_error",
        )  # fmt: skip
        validators: list[Any] = []

    def get_state(self, job: MonitoredJob) -> str:
        return self._standing(job).condition.value

    @extend_schema_field(
        {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    )
    def get_drift(self, job: MonitoredJob) -> dict[str, list[str]]:
        return self._standing(job).changes

    def _standing(self, job: MonitoredJob) -> Standing:
        found: Standing = self.context["standings"][job.pk]
        return found


class MonitorSerializer(StrictSerializer):
    entries = serializers.ListField(
        child=serializers.UUIDField(),
        allow_empty=False,
        max_length=500,
        help_text="Ids of recurring entries.",
    )


class MonitoredSerializer(serializers.Serializer):
    entry = serializers.UUIDField()
    job = serializers.IntegerField(allow_null=True, help_text="Number of its monitored job.")
    code = serializers.CharField(allow_null=True, help_text="Of the refusal; stable.")
    detail = serializers.CharField(allow_null=True)


class OutcomeSerializer(serializers.Serializer):
    """What a pass did, or would do, to one job."""

    job = serializers.IntegerField(allow_null=True)
    description = serializers.CharField()
    entry_id = serializers.UUIDField(allow_null=True)
    action = serializers.CharField()
    why = serializers.CharField(help_text="Stable, for programs.")
    reason = serializers.CharField(allow_blank=True)
    changes = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    due_at = serializers.DateTimeField(allow_null=True)


class PassSerializer(serializers.Serializer):
    """A pass that was only simulated."""

    runner = serializers.CharField(allow_null=True)
    message = serializers.CharField(allow_blank=True)
    registration_errors = serializers.ListField(child=serializers.CharField())
    outcomes = OutcomeSerializer(many=True)


class RepairedSerializer(serializers.Serializer):
    """What was done to one job; no outcome if it is not monitored any more."""

    message = serializers.CharField(allow_blank=True)
    outcomes = OutcomeSerializer(many=True)


class RefreshLogSerializer(serializers.ModelSerializer):
    """One pass over the monitored jobs of the company."""

    runner = serializers.CharField(source="runner.name", allow_null=True, default=None)
    user = serializers.CharField(source="user.username", allow_null=True, default=None)
    trigger = serializers.CharField()
    state = serializers.CharField()

    class Meta:
        model = RefreshLog
        fields = (
            "id", "runner", "user", "trigger", "state", "asked_at", "started_at", "ended_at", "message", "jobs",
            "left_alone", "corrected", "restarted", "recreated", "failed", "registered", "registration_errors",
        )  # fmt: skip


class RefreshLogLineSerializer(serializers.ModelSerializer):
    job = serializers.IntegerField(source="monitored_job_id", allow_null=True)
    action = serializers.CharField()
    changes = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))

    class Meta:
        model = RefreshLogLine
        fields = ("job", "description", "entry_id", "at", "action", "why", "reason", "changes", "due_at")


class RefreshLogInFull(RefreshLogSerializer):
    lines = RefreshLogLineSerializer(many=True)

    class Meta(RefreshLogSerializer.Meta):
        fields: Any = (*RefreshLogSerializer.Meta.fields, "lines")


class RequestedSerializer(serializers.Serializer):
    queued = RefreshLogSerializer(many=True)
    unserved = serializers.ListField(
        child=serializers.CharField(), help_text="What nobody refreshes, and why."
    )


class NoParametersSerializer(StrictSerializer):
    """A verb without parameters."""
