"""Lists, their lines and what they are linked to."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from jobqueue.api.serializers import StrictSerializer
from notifications import scenarios
from notifications.models import NotificationLine, NotificationList


class NotificationLineSerializer(serializers.ModelSerializer):
    """One recipient in one scenario: a user, an e-mail address, or a target."""

    user = serializers.CharField(source="user.username", allow_null=True, default=None)
    target = serializers.CharField(source="target.name", allow_null=True, default=None)
    scenario_caption = serializers.SerializerMethodField()

    class Meta:
        model = NotificationLine
        fields = (
            "id", "user", "address", "target", "scenario", "scenario_caption", "threshold_minutes", "repeat_minutes",
        )  # fmt: skip

    def get_scenario_caption(self, line: NotificationLine) -> str:
        return scenarios.caption(line.scenario)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A user hears of errors, once an hour at most",
            value={"user": "ann", "scenario": "entry_error", "repeat_minutes": 60},
        )
    ]
)
class NotificationLineWrite(StrictSerializer):
    """Exactly one of `user`, `address` and `target`; a new recipient replaces the old one of whatever kind."""

    user = serializers.CharField(required=False, allow_null=True, max_length=150, help_text="User name.")
    address = serializers.CharField(
        required=False, allow_blank=True, max_length=254, help_text="E-mail address."
    )
    target = serializers.CharField(
        required=False, allow_null=True, max_length=100, help_text="Name of a target of the company."
    )
    scenario = serializers.CharField(max_length=40, help_text="Code; see the scenarios.")
    threshold_minutes = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    repeat_minutes = serializers.IntegerField(required=False, min_value=0, help_text="0: every time.")

    def to_internal_value(self, data: Any) -> Any:
        return {
            name: "" if value is None else value for name, value in super().to_internal_value(data).items()
        }


class NotificationListSerializer(serializers.ModelSerializer):
    """A list with its lines."""

    is_default = serializers.BooleanField(help_text="Hears of the company's failures where nobody is listed.")
    lines = NotificationLineSerializer(many=True)

    class Meta:
        model = NotificationList
        fields = (
            "id", "name", "description", "is_enabled", "owner_kind", "owner_reference", "is_default", "remark",
            "changed_at", "lines",
        )  # fmt: skip


class NotificationListWrite(StrictSerializer):
    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=250, required=False, allow_blank=True)
    is_enabled = serializers.BooleanField(required=False, help_text="Off: nobody is told through it.")


class ListChosen(StrictSerializer):
    list = serializers.IntegerField(help_text="Number of a shared list of the company.")


class DefaultChosen(StrictSerializer):
    list = serializers.IntegerField(
        allow_null=True, help_text="Number of a shared list; null: there is none."
    )


class DefaultSerializer(serializers.Serializer):
    list = NotificationListSerializer(allow_null=True)


class ScenarioSerializer(serializers.Serializer):
    """An occasion a line can name, or a webhook subscribe to."""

    code = serializers.CharField()
    caption = serializers.CharField()
    about = serializers.CharField(source="subject")
    told_when = serializers.CharField(source="sentence")
    is_failure = serializers.BooleanField()
    needs_minutes = serializers.BooleanField()


class NothingSerializer(StrictSerializer):
    """A verb without parameters."""
