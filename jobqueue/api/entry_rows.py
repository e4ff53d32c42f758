"""What an entry looks like in the API, and what of it may be written."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from jobqueue.api.parameters import ParametersField
from jobqueue.api.quick_rows import RowSerializer
from jobqueue.api.serializers import Strict
from jobqueue.api.words import PersonField, WordField
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.states import CategoryPriority, HoldKind, ObjectType, OutputType, Priority, Status
from jobqueue.validation import SETTABLE

WEEKDAYS = "Days it runs on, Monday = 1 … Sunday = 7."
CLOCK = {
    "type": "string",
    "pattern": r"^\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?$",
    "description": "A time of day on the entry's clock (time_zone).",
    "examples": ["08:00:00"],
}
EXAMPLE = {
    "object_type": "Codeunit",
    "object_id": 1,
    "description": "Fetch exchange rates",
    "parameters": {"url": "https://rates.example/today"},
    "weekdays": [1, 2, 3, 4, 5],
    "minutes_between_runs": 60,
    "starting_time": "08:00:00",
    "ending_time": "18:00:00",
    "time_zone": "Europe/Copenhagen",
    "max_attempts": 3,
    "rerun_delay_seconds": 180,
    "category_code": "BANK",
}


@extend_schema_field(CLOCK)
class ClockField(serializers.Field):
    """A time of day; read by the verbs, which say in words what is wrong with one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > 20:
            raise serializers.ValidationError("Write a time of day such as 08:00.")
        return data

    def to_representation(self, value: Any) -> str:
        return value.isoformat()


class MomentField(serializers.DateTimeField):
    """A moment; without an offset it is read on the entry's own clock, which only the verb knows."""

    def enforce_timezone(self, value: Any) -> Any:
        return value


class HoldKindField(serializers.ChoiceField):
    """The kind of hold; null while the entry is not held."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs |= {"choices": [kind.value for kind in HoldKind], "allow_null": True, "read_only": True}
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> Any:
        return value or None


class EntryChoices(serializers.ModelSerializer):
    """The fields both shown and written, in the words of the screens."""

    object_type = WordField(ObjectType, required=False, help_text="What kind of object the entry runs.")
    report_output_type = WordField(OutputType, required=False, help_text="Only for reports.")
    priority_within_category = WordField(
        CategoryPriority, required=False, help_text="Which waiting entry of the category is next."
    )
    priority = WordField(
        Priority, required=False, help_text="High counts as due five minutes earlier, Low five minutes later."
    )
    starting_time = ClockField(
        required=False, allow_null=True, help_text="It starts only from this time of day on."
    )
    ending_time = ClockField(
        required=False, allow_null=True, help_text="It starts only until this time; may lie over midnight."
    )
    parameters = ParametersField(required=False)


DEFINITION = tuple(name for name in SETTABLE if not name.startswith("run_on_"))


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An entry On Hold",
            {
                "entry_no": 12,
                "id": "0b6b7a3c-5f0e-4f0e-9a55-6a1f4f5f3c11",
                "company": "main",
                "status": "On Hold",
                "revision": 1,
                "user": "anna",
                "object_caption": "HTTP request",
                "recurring": True,
                "scheduled": False,
                "hold_kind": "draft",
                "hold_reason": "",
                **EXAMPLE,
            },
            response_only=True,
        )
    ]
)
class EntrySerializer(RowSerializer, EntryChoices):
    company = serializers.CharField(source="company.code", read_only=True, help_text="Code of the company.")
    status = WordField(Status, read_only=True, help_text="Changed by verbs and runs, never written.")
    user = PersonField(help_text="Its jobs run as this user; null is the System identity.")
    object_caption = serializers.SerializerMethodField(help_text="Empty if no app registers the object.")
    weekdays = serializers.SerializerMethodField(help_text=WEEKDAYS)
    scheduled = serializers.BooleanField(
        source="has_task", read_only=True, help_text="Whether a task exists that will run it."
    )
    hold_kind = HoldKindField(help_text="Who holds it; null while it is not On Hold.")
    held_by = PersonField()
    created_by = PersonField()
    error_register = serializers.UUIDField(
        source="error_register_id", read_only=True, allow_null=True, help_text="Its error messages, by id."
    )

    class Meta:
        model = Entry
        fields = (
            "entry_no",
            "id",
            "company",
            "status",
            "revision",
            "user",
            *DEFINITION,
            "object_caption",
            "weekdays",
            "recurring",
            "manual_recurrence",
            "scheduled",
            "due_at",
            "attempts",
            "last_ready_state_at",
            "hold_kind",
            "hold_reason",
            "held_by",
            "held_at",
            "held_until",
            "error_message",
            "error_register",
            "system_task_id",
            "user_session_started_at",
            "worker_id",
            "session_number",
            "owner_kind",
            "owner_reference",
            "is_system",
            "created_at",
            "created_by",
            "modified_at",
        )
        read_only_fields = tuple(
            name
            for name in fields
            if name
            not in (
                "object_type",
                "report_output_type",
                "priority_within_category",
                "priority",
                "starting_time",
                "ending_time",
                "parameters",
            )
        )

    def get_object_caption(self, entry: Entry) -> str:
        job = registry.find(entry.object_type, entry.object_id)
        return job.caption if job is not None else ""

    @extend_schema_field(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 7},
            "uniqueItems": True,
            "description": WEEKDAYS,
        }
    )
    def get_weekdays(self, entry: Entry) -> list[int]:
        return sorted(entry.weekdays)


@extend_schema_serializer(
    examples=[OpenApiExample("Every hour on working days", EXAMPLE, request_only=True)],
)
class EntryWrite(Strict, EntryChoices):
    """A definition. Live fields such as the status are not part of it: verbs change them."""

    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7),
        required=False,
        max_length=7,
        help_text=f"{WEEKDAYS} Makes the entry recurring.",
    )
    earliest_start_at = MomentField(
        required=False,
        allow_null=True,
        help_text="Not before this moment; without an offset it is read on the entry's clock.",
    )
    expires_at = MomentField(
        required=False, allow_null=True, help_text="After this moment the entry is deleted instead of run."
    )

    class Meta:
        model = Entry
        fields = (*DEFINITION, "weekdays")
        extra_kwargs = {"object_id": {"required": True, "min_value": 1}}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            shown = [name for name in data if name in EntrySerializer.Meta.fields and name not in self.fields]
            if shown:
                raise serializers.ValidationError({name: [_not_written(name)] for name in shown})
        return super().to_internal_value(data)


def _not_written(name: str) -> serializers.ErrorDetail:
    if name == "status":
        sentence = "The status is never written. Use a verb: set-ready, set-on-hold, restart, cancel."
    else:
        sentence = "This field cannot be written."
    return serializers.ErrorDetail(sentence, code="read_only_field")
