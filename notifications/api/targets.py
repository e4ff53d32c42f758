"""Targets of other channels, and webhooks that subscribe to events of the company."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_serializer,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import IF_MATCH
from jobqueue.api.pagination import CursorPages
from jobqueue.api.resources import CompanyRows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.text_words import TextWordField
from jobqueue.errors import NotFound
from notifications import verbs
from notifications.api.list_serializers import NothingSerializer
from notifications.api.message_serializers import DeliverySerializer, MessageSerializer
from notifications.api.messages import MessageFilters
from notifications.models import ChannelTarget, Message

TAGS = ["targets and webhooks"]
EVENTS_HELP = "Codes of scenarios (see the scenarios) it hears of in the whole company."


class TargetSerializer(serializers.ModelSerializer):
    """A target; its address and secret are never shown, only the host."""

    kind = TextWordField(ChannelTarget.Kind)
    events = serializers.ListField(child=serializers.CharField(), help_text=EVENTS_HELP)

    class Meta:
        model = ChannelTarget
        fields = ("id", "name", "kind", "host", "events", "threshold_minutes", "is_enabled", "changed_at")


class WebhookWrite(StrictSerializer):
    name = serializers.CharField(max_length=100)
    address = serializers.CharField(
        max_length=2_000, write_only=True, help_text="Beginning with https://. Stored encrypted, never shown."
    )
    events = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, max_length=200, help_text=EVENTS_HELP
    )
    threshold_minutes = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=525_600,
        help_text="“Late” and “ran longer” are told after more than so many minutes.",
    )
    is_enabled = serializers.BooleanField(required=False, help_text="Off: nothing is sent there.")


class TargetWrite(WebhookWrite):
    kind = TextWordField(ChannelTarget.Kind)
    secret = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        write_only=True,
        help_text="Signing secret of a webhook.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Failures",
            value={
                "name": "Incidents",
                "address": "https://hooks.example.com/jobs",
                "events": ["entry_error", "package_completion", "refresh_failed"],
            },
        )
    ]
)
class WebhookCreate(WebhookWrite):
    pass


class SecretSerializer(serializers.Serializer):
    secret = serializers.CharField(help_text="The new signing secret (whsec_…). Nothing shows it again.")


class WebhookMade(TargetSerializer):
    """The webhook and its signing secret, which nothing shows again."""

    secret = serializers.CharField()

    class Meta(TargetSerializer.Meta):
        fields: Any = (*TargetSerializer.Meta.fields, "secret")


class ReplayWrite(StrictSerializer):
    since = serializers.DateTimeField(help_text="What failed for good at or after this moment is sent again.")


class ReplaySerializer(serializers.Serializer):
    queued = serializers.IntegerField(help_text="How many messages; 1,000 at most: call again for the rest.")


LEVELS: Any = dict.fromkeys(
    (
        "list",
        "retrieve",
        "create",
        "partial_update",
        "destroy",
        "renew_secret",
        "drop_old_secret",
        "send_test",
    ),
    "administer",
)


class TargetRows(CompanyRows):
    """Base: set-up, for administrators like the pages of the admin."""

    model = ChannelTarget
    shown_as = TargetSerializer
    levels = LEVELS
    filter_backends = ()

    def rows(self) -> QuerySet[ChannelTarget]:
        return ChannelTarget.objects.filter(company=self.company).select_related("company").order_by("name")


@extend_schema_view(
    list=extend_schema(operation_id="targets_list", summary="List targets", tags=TAGS),
    retrieve=extend_schema(operation_id="targets_read", summary="Show a target", tags=TAGS),
)
class Targets(TargetRows):
    """Webhooks, Teams and Slack, as recipients on lists."""

    lookup_url_kwarg = "target"

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="targets_create",
        summary="Create a target",
        tags=TAGS,
        request=TargetWrite,
        responses={201: TargetSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(TargetWrite)
        return self.shown(verbs.create_target(self.company, values, actor=self.actor), status=201)

    @extend_schema(
        operation_id="targets_change",
        summary="Change a target",
        description="An address or secret that is not given stays.",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=TargetWrite,
        responses=TargetSerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(TargetWrite, partial=True)
        with self.expecting() as found:
            changed = verbs.update_target(found, values, actor=self.actor)
        return self.shown(changed)

    @extend_schema(
        operation_id="targets_delete",
        summary="Delete a target",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as found:
            verbs.delete_target(found, actor=self.actor)
        return Response(status=204)


@extend_schema_view(
    list=extend_schema(operation_id="webhooks_list", summary="List webhooks", tags=TAGS),
    retrieve=extend_schema(operation_id="webhooks_read", summary="Show a webhook", tags=TAGS),
)
class Webhooks(TargetRows):
    """Subscriptions to events of the company, signed as Standard Webhooks asks."""

    lookup_url_kwarg = "webhook"
    levels = {**LEVELS, "replay": "operate"}

    def rows(self) -> QuerySet[ChannelTarget]:
        return super().rows().filter(kind=ChannelTarget.Kind.WEBHOOK)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="webhooks_create",
        summary="Subscribe to events",
        description="The answer holds the signing secret; nothing shows it again.",
        tags=TAGS,
        request=WebhookCreate,
        responses={201: WebhookMade},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        made, secret = verbs.create_webhook(self.company, self.read(WebhookCreate), actor=self.actor)
        return Response({**TargetSerializer(made).data, "secret": secret}, status=201)

    @extend_schema(
        operation_id="webhooks_change",
        summary="Change a webhook",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=WebhookWrite,
        responses=TargetSerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(WebhookWrite, partial=True)
        with self.expecting() as found:
            changed = verbs.update_target(found, values, actor=self.actor)
        return self.shown(changed)

    @extend_schema(
        operation_id="webhooks_delete",
        summary="Delete a webhook",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as found:
            verbs.delete_target(found, actor=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="webhooks_renew_secret",
        summary="Make a new signing secret",
        description="Until the old one is dropped, messages carry a signature of each.",
        tags=TAGS,
        request=NothingSerializer,
        responses=SecretSerializer,
    )
    def renew_secret(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        return Response({"secret": verbs.renew_secret(self.found(), actor=self.actor)})

    @extend_schema(
        operation_id="webhooks_drop_old_secret",
        summary="Sign with the new secret only",
        tags=TAGS,
        request=NothingSerializer,
        responses=TargetSerializer,
    )
    def drop_old_secret(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        found = self.found()
        verbs.drop_old_secret(found, actor=self.actor)
        return self.shown(found)

    @extend_schema(
        operation_id="webhooks_send_test",
        summary="Send a test message",
        tags=TAGS,
        request=NothingSerializer,
        responses={202: MessageSerializer},
    )
    def send_test(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        message = verbs.send_test_to(self.found(), actor=self.actor)
        return Response(MessageSerializer(message).data, status=202)

    @extend_schema(
        operation_id="webhooks_replay",
        summary="Send again what failed",
        tags=TAGS,
        request=ReplayWrite,
        responses={202: ReplaySerializer},
    )
    def replay(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, values = self.found(), self.read(ReplayWrite)
        queued = verbs.replay_failed(found, since=values["since"], actor=self.actor)
        return Response({"queued": len(queued)}, status=202)


class Deliveries(CompanyRows):
    """What was sent to a webhook, newest first, with every attempt; send one again with the mail log's verb."""

    model = Message
    shown_as = DeliverySerializer
    filterset_class = MessageFilters
    pagination_class = CursorPages

    def rows(self) -> QuerySet[Message]:
        kind = ChannelTarget.Kind.WEBHOOK
        hooks = ChannelTarget.objects.filter(company=self.company, kind=kind)
        number = self.kwargs["webhook"]
        found = hooks.filter(pk=number).first() if number < 2**63 else None
        if found is None:
            raise NotFound(f"There is no webhook {number} in “{self.company}”. Look at the webhooks.")
        rows = Message.objects.filter(target=found).select_related("company").defer("text", "html", "facts")
        return rows.prefetch_related("delivery_attempts")

    @extend_schema(operation_id="webhooks_deliveries", summary="List deliveries", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)
