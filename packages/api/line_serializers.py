"""Lines with the settings of the entries they own, and recurrences."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from jobqueue.api.parameters import ParametersField
from jobqueue.api.serializers import Strict, StrictModelSerializer, StrictSerializer
from jobqueue.api.text_words import TextWordField
from jobqueue.api.words import WordField as NumberWordField
from jobqueue.lifecycle.owned import OWNED_SETTABLE
from jobqueue.models import Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.objects import registry
from jobqueue.states import CategoryPriority, ObjectType, OutputType, Priority, Status
from packages.models import PackageLine, Recurrence
from packages.recurrences import in_words
from packages.states import OnError


class LineEntrySerializer(Strict, serializers.ModelSerializer):
    """Settings of the entry a line owns: those of any entry but its schedule, which the package has."""

    object_type = NumberWordField(ObjectType, required=False)
    report_output_type = NumberWordField(OutputType, required=False)
    priority = NumberWordField(Priority, required=False)
    priority_within_category = NumberWordField(CategoryPriority, required=False)
    parameters = ParametersField(required=False)
    entry_no = serializers.IntegerField(read_only=True)
    id = serializers.UUIDField(read_only=True)
    status = NumberWordField(Status, read_only=True)
    object_caption = serializers.SerializerMethodField()

    class Meta:
        model = Entry
        fields = ("id", "entry_no", "status", "object_caption", "error_message", *OWNED_SETTABLE)
        read_only_fields = ("error_message",)
        validators: list[Any] = []

    def get_object_caption(self, entry: Entry) -> str:
        job = registry.find(entry.object_type, entry.object_id)
        return job.caption if job is not None else ""


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A new entry",
            request_only=True,
            value={
                "run_order": 10,
                "on_error": "Continue",
                "entry": {"object_type": "Codeunit", "object_id": 90001, "description": "Import"},
            },
        ),
        OpenApiExample(
            "A copy of an entry",
            request_only=True,
            value={"copy_of": "3fa85f64-5717-4562-b3fc-2c963f66afa6"},
        ),
    ]
)
class PackageLineSerializer(StrictModelSerializer):
    """A line of a package; its entry belongs to it."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    run_order = serializers.IntegerField(required=False, help_text="Left out: the highest one + 10.")
    on_error = TextWordField(
        OnError, required=False, allow_null=True, allow_blank=True, help_text="Null: as the package says."
    )
    entry = LineEntrySerializer(required=False, partial=True)
    copy_of = serializers.UUIDField(
        write_only=True,
        required=False,
        help_text="Id of an entry of the company whose settings are copied, in place of `entry`; only for new lines.",
    )

    class Meta:
        model = PackageLine
        fields = ("id", "run_order", "enabled", "always", "on_error", "entry", "copy_of")

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        if values.get("on_error", "") is None:
            values["on_error"] = ""
        return values


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "On working days at 22:00",
            request_only=True,
            value={"weekdays": [1, 2, 3, 4, 5], "starting_time": "22:00:00"},
        )
    ]
)
class RecurrenceSerializer(StrictModelSerializer):
    """On which days and at which times; on weekdays or by a date formula."""

    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7),
        max_length=7,
        required=False,
        help_text="Monday = 1 … Sunday = 7.",
    )
    words = serializers.SerializerMethodField(help_text="The recurrence as people read it.")

    class Meta:
        model = Recurrence
        fields = (
            "id", "enabled", "weekdays", "next_run_date_formula", "starting_time", "ending_time",
            "minutes_between_runs", "valid_from", "valid_to", "words",
        )  # fmt: skip

    def get_words(self, recurrence: Recurrence) -> str:
        return in_words(recurrence, time_zone=self.context["time_zone"])

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        if "weekdays" in values:
            chosen = set(values.pop("weekdays"))
            values |= {name: day in chosen for day, name in enumerate(WEEKDAY_FIELDS, start=1)}
        return values

    def to_representation(self, recurrence: Recurrence) -> Any:
        return {**super().to_representation(recurrence), "weekdays": sorted(recurrence.weekdays)}


class ReorderSerializer(StrictSerializer):
    lines = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=10_000,
        help_text="Every line of the package, in its new order.",
    )
