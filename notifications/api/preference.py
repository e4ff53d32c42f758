"""How the caller reads: language and time zone of the messages sent to them."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import IF_MATCH, polled_by_tag, require_tag, tagged
from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.views import ApiView
from notifications import verbs
from notifications.models import RecipientPreference


@extend_schema_serializer(
    examples=[OpenApiExample("In Dutch", {"language": "nl", "time_zone": "Europe/Amsterdam"})]
)
class PreferenceSerializer(StrictSerializer):
    language = serializers.CharField(
        max_length=15,
        required=False,
        allow_blank=True,
        help_text="“en”, “de” or “nl”; empty: that of the installation.",
    )
    time_zone = serializers.CharField(
        max_length=64, required=False, allow_blank=True, help_text="IANA name; empty: that of the company."
    )


class MessagePreference(ApiView):
    """Everybody for themselves."""

    levels = {"get": "view", "patch": "view"}

    @extend_schema(
        operation_id="message_preference_read",
        summary="How your messages are written",
        responses=PreferenceSerializer,
    )
    def get(self, request: Request) -> Response:
        return polled_by_tag(request, self._body())

    @extend_schema(
        operation_id="message_preference_change",
        summary="Choose how your messages are written",
        parameters=[IF_MATCH],
        request=PreferenceSerializer,
        responses=PreferenceSerializer,
    )
    def patch(self, request: Request) -> Response:
        read = PreferenceSerializer(data=request.data)
        read.is_valid(raise_exception=True)
        with transaction.atomic():
            RecipientPreference.objects.select_for_update().filter(user=request.user).first()
            present = self._body()
            require_tag(request, present, what="Your preference")
            verbs.set_preference(request.user, **(dict(present) | read.validated_data), actor=self.actor)
        return tagged(self._body())

    def _body(self) -> Any:
        found = RecipientPreference.objects.filter(user=self.request.user).first()
        return PreferenceSerializer(found or RecipientPreference(user=self.request.user)).data
