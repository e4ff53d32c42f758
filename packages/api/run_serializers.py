"""Runs and their lines, as the log of packages shows them."""

from typing import Any

from rest_framework import serializers

from jobqueue.api.text_words import TextWordField, seen_user
from jobqueue.states import ObjectType
from packages.api.serializers import StatusChangeSerializer
from packages.models import Run, RunLine
from packages.states import OnError, Outcome, Result, Trigger

ONLY_FOR_MAINTAINERS = ("parameters", "parameter_string", "error_call_stack")


class RunSerializer(serializers.ModelSerializer):
    """One execution of a package, or the record of due times that brought none."""

    package = serializers.UUIDField(source="package_uuid", help_text="Stays after the package was deleted.")
    trigger = TextWordField(Trigger)
    outcome = TextWordField(Outcome, allow_null=True, help_text="Null while the run is open.")
    on_error = TextWordField(OnError)
    started_by = seen_user()
    identity = seen_user(help_text="Whom the entries ran as.")
    held_by = seen_user()
    cancelled_by = seen_user()
    duration_seconds = serializers.IntegerField(allow_null=True)
    resumed_from = serializers.IntegerField(
        source="resumed_from_id", allow_null=True, help_text="Number of the run this one goes on from."
    )

    class Meta:
        model = Run
        fields = (
            "number", "id", "package", "package_name", "is_open", "outcome", "trigger", "started_by", "identity",
            "recurrence", "due_at", "started_at", "ended_at", "duration_seconds", "late_seconds", "message", "on_error",
            "lines_total", "lines_succeeded", "lines_failed", "lines_not_executed", "stops_package", "gap_count",
            "gap_last_due_at", "hold_requested_at", "held_by", "hold_reason", "cancel_requested_at", "cancelled_by",
            "cancel_reason", "resumed_from",
        )  # fmt: skip
        read_only_fields = fields

    id = serializers.UUIDField(source="uuid")


class RunLineSerializer(serializers.ModelSerializer):
    """One line in one run, as it was at that time; parameters and traces only for who maintains packages."""

    line = serializers.UUIDField(source="line_uuid", help_text="Id of the line; it may be gone by now.")
    entry = serializers.UUIDField(source="entry_id")
    object_type = serializers.SerializerMethodField()
    on_error = TextWordField(OnError)
    result = TextWordField(Result)
    duration_seconds = serializers.IntegerField(allow_null=True)
    log_entries = serializers.SerializerMethodField(
        help_text="Numbers of the log entries of its attempts, the first one first."
    )

    class Meta:
        model = RunLine
        fields = (
            "line", "entry", "run_order", "always", "on_error", "description", "object_type", "object_id",
            "object_caption", "category_code", "parameter_string", "parameters", "result", "reason", "attempts",
            "released_at", "started_at", "ended_at", "duration_seconds", "error_message", "error_call_stack", "worker",
            "log_entries",
        )  # fmt: skip

    def get_object_type(self, line: RunLine) -> str:
        return ObjectType(line.object_type).label

    def get_log_entries(self, line: RunLine) -> list[int]:
        return [row.pk for row in self.context["attempts"][line.pk]]

    def to_representation(self, line: RunLine) -> Any:
        found = super().to_representation(line)
        if not self.context["may_see_inside"]:
            for name in ONLY_FOR_MAINTAINERS:
                found.pop(name)
        return found


class RunWithLinesSerializer(RunSerializer):
    lines = serializers.SerializerMethodField()
    status_changes = StatusChangeSerializer(many=True)

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "lines", "status_changes")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    def get_lines(self, run: Run) -> RunLineSerializer(many=True):  # type: ignore[valid-type]
        return RunLineSerializer(self.context["lines"], many=True, context=self.context).data
