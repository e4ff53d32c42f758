"""Messages: outbox and mail log in one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobqueue.api.text_words import TextWordField
from notifications.models import DeliveryAttempt, Message


class MessageSerializer(serializers.ModelSerializer):
    """One message to one person or target about one occasion."""

    channel = TextWordField(Message.Channel)
    state = TextWordField(Message.State)
    told_as = TextWordField(Message.Reason)
    scenarios = serializers.ListField(
        child=serializers.CharField(), help_text="All that matched, most severe first."
    )
    about = serializers.SerializerMethodField(help_text="Kind and reference, such as “entry:” and its id.")
    source = serializers.SerializerMethodField(help_text="The run or entry it is shown with.")
    target = serializers.IntegerField(source="target_id", allow_null=True)
    sent_again_from = serializers.IntegerField(source="sent_again_from_id", allow_null=True)

    class Meta:
        model = Message
        fields = (
            "id", "uuid", "channel", "recipient", "address", "target", "state", "scenario", "scenarios", "told_as",
            "subject", "about", "source", "held_back", "is_test", "attempts", "last_error", "occurred_at", "queued_at",
            "next_attempt_at", "sent_at", "failed_at", "sent_again_from",
        )  # fmt: skip

    @extend_schema_field({"type": ["string", "null"]})
    def get_about(self, message: Message) -> str | None:
        return f"{message.about_kind}:{message.about_reference}" if message.about_kind else None

    @extend_schema_field({"type": ["string", "null"]})
    def get_source(self, message: Message) -> str | None:
        return f"{message.source_kind}:{message.source_reference}" if message.source_kind else None


class AttemptSerializer(serializers.ModelSerializer):
    """One attempt to send a message, and what the other side said."""

    outcome = TextWordField(DeliveryAttempt.Outcome)

    class Meta:
        model = DeliveryAttempt
        fields = ("number", "started_at", "ended_at", "outcome", "error")


class MessageInFullSerializer(MessageSerializer):
    """A message with its words and attempts."""

    delivery_attempts = AttemptSerializer(many=True)
    facts = serializers.SerializerMethodField(help_text="What is told, before it is put into words.")

    class Meta(MessageSerializer.Meta):
        fields: Any = (
            *MessageSerializer.Meta.fields, "language", "time_zone", "text", "html", "facts", "delivery_attempts",
        )  # fmt: skip

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_facts(self, message: Message) -> dict[str, Any]:
        return message.facts


class DeliverySerializer(MessageSerializer):
    """A message to a webhook with its attempts."""

    delivery_attempts = AttemptSerializer(many=True)

    class Meta(MessageSerializer.Meta):
        fields: Any = (*MessageSerializer.Meta.fields, "delivery_attempts")
