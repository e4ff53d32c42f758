"""Packages as JSON: names follow the fields of the screens, choices are words, moments are UTC."""

from typing import Any
from zoneinfo import ZoneInfo

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from jobqueue.api.serializers import StrictModelSerializer, StrictSerializer
from jobqueue.api.text_words import TextWordField, UserNameField, seen_user
from notifications.models import NotificationList
from packages.models import Package, StatusChange
from packages.states import MissedRun, OnError, Outcome, PackageStatus

MOST_AT_ONCE = 500


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Nightly",
            request_only=True,
            value={
                "name": "Nightly",
                "description": "Import, calculate, post, report",
                "on_error": "Stop",
                "time_zone": "Europe/Amsterdam",
                "missed_run": "Run Late",
            },
        )
    ]
)
class PackageSerializer(StrictModelSerializer):
    """A package without its lines. Its status is changed by verbs only."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    status = TextWordField(PackageStatus, read_only=True)
    on_error = TextWordField(OnError, required=False, help_text=Package._meta.get_field("on_error").help_text)
    missed_run = TextWordField(
        MissedRun, required=False, help_text=Package._meta.get_field("missed_run").help_text
    )
    run_as_user = UserNameField(
        required=False, allow_null=True, help_text="The entries run as this user. Null: as `identity`."
    )
    notification_lists = serializers.PrimaryKeyRelatedField(
        many=True,
        required=False,
        queryset=NotificationList.objects.none(),
        help_text="Shared notification lists of the company that hear of the package besides its own list.",
    )
    running = serializers.SerializerMethodField(help_text="Whether a run is open.")
    run = serializers.SerializerMethodField(help_text="Number of the open run.")
    running_line = serializers.SerializerMethodField(help_text="The line the open run is at, in words.")
    next_run_local = serializers.SerializerMethodField(help_text="The next run on the package's clock.")
    last_outcome = TextWordField(Outcome, read_only=True, allow_null=True)
    identity = seen_user(help_text="Whom the entries run as where no user is named.")
    activated_by = seen_user()
    held_by = seen_user()
    created_by = seen_user()
    modified_by = seen_user()

    class Meta:
        model = Package
        fields = (
            "id", "name", "description", "status", "on_error", "time_zone", "missed_run", "late_tolerance_minutes",
            "run_equal_orders_together", "max_duration_minutes", "run_as_user", "identity", "notification_lists",
            "next_run_at", "next_run_local", "running", "run", "running_line", "last_run_at", "last_outcome",
            "activated_by", "activated_at", "held_by", "held_at", "hold_reason", "revision", "lines_revision",
            "created_by", "created_at", "modified_by", "modified_at",
        )  # fmt: skip
        read_only_fields = (
            "next_run_at", "last_run_at", "activated_at", "held_at", "hold_reason", "revision", "lines_revision",
            "created_at", "modified_at",
        )  # fmt: skip
        validators: list[Any] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        company = self.context.get("company")
        if company is not None and hasattr(self.fields["notification_lists"], "child_relation"):
            shared = NotificationList.objects.filter(company=company, owner_kind="")
            self.fields["notification_lists"].child_relation.queryset = shared

    def get_running(self, package: Package) -> bool:
        return self.context["live"][package.pk].run is not None

    @extend_schema_field({"type": ["integer", "null"]})
    def get_run(self, package: Package) -> int | None:
        run = self.context["live"][package.pk].run
        return run.number if run is not None else None

    def get_running_line(self, package: Package) -> str:
        return str(self.context["live"][package.pk].words)

    @extend_schema_field({"type": ["string", "null"], "format": "date-time"})
    def get_next_run_local(self, package: Package) -> str | None:
        if package.next_run_at is None:
            return None
        return package.next_run_at.astimezone(ZoneInfo(package.time_zone)).isoformat()


class StatusChangeSerializer(serializers.ModelSerializer):
    """Who or what changed the status of a package, or asked its run to stop."""

    user = seen_user(help_text="Null: the package's own doing.")
    from_status = TextWordField(PackageStatus, read_only=True, allow_null=True)
    to_status = TextWordField(PackageStatus, read_only=True)

    class Meta:
        model = StatusChange
        fields = ("id", "at", "user", "origin", "from_status", "to_status", "reason", "run")


class FindingSerializer(serializers.Serializer):
    """Something that stands against starting, or may not be meant."""

    line = serializers.IntegerField(allow_null=True, help_text="Run order of the line; null: the package.")
    line_id = serializers.SerializerMethodField()
    code = serializers.CharField(help_text="Stable, for programs.")
    message = serializers.CharField(help_text="A sentence with the next step.")

    @extend_schema_field({"type": ["string", "null"], "format": "uuid"})
    def get_line_id(self, finding: Any) -> str | None:
        return finding.line_uuid or None


class DueTimeSerializer(serializers.Serializer):
    """A coming run."""

    at = serializers.DateTimeField(help_text="UTC.")
    local = serializers.SerializerMethodField(help_text="The same on the package's clock, with its offset.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="Remarks on clock changes.")

    @extend_schema_field({"type": "string", "format": "date-time"})
    def get_local(self, due: Any) -> str:
        return str(due.local.isoformat())


class AnswerSerializer(serializers.Serializer):
    """One question on the way to a run."""

    question = serializers.CharField()
    open = serializers.BooleanField(help_text="True: nothing stands against it.")
    reason = serializers.CharField(allow_blank=True)
    opener = serializers.CharField(help_text="Who can open it.")
    verb = serializers.CharField(allow_blank=True, help_text="The verb that opens it.")
    opens_at = serializers.DateTimeField(allow_null=True, help_text="When it opens by itself.")


class PackageExplanationSerializer(serializers.Serializer):
    """Why does it not run?"""

    sentence = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    answers = AnswerSerializer(many=True)


class PackageReasonSerializer(StrictSerializer):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=250)


class CopySerializer(StrictSerializer):
    name = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=100, help_text="Empty: “… (copy)”."
    )


class RunNowSerializer(StrictSerializer):
    """Both empty: all lines."""

    from_line = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, help_text="Run order of the first line."
    )
    only_line = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, help_text="Run order of the only line."
    )


class NothingSerializer(StrictSerializer):
    """A verb without parameters."""


class ManySerializer(StrictSerializer):
    packages = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=MOST_AT_ONCE
    )


class ManyOnHoldSerializer(ManySerializer):
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=250)
