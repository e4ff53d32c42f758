"""The mail log: what was told to whom, how it went, and sending once more."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import polled_by_content
from jobqueue.api.filtering import ListFilters, MomentFilter
from jobqueue.api.pagination import CursorPages
from jobqueue.api.resources import CompanyRows
from jobqueue.api.text_words import TextWordsFilter
from notifications import verbs
from notifications.api.list_serializers import NothingSerializer
from notifications.api.message_serializers import MessageInFullSerializer, MessageSerializer
from notifications.models import Message

TAGS = ["notifications"]


class MessageFilters(ListFilters):
    searched = ("recipient", "address", "subject", "last_error")
    newest_first = "id"
    state = TextWordsFilter(Message.State)
    channel = TextWordsFilter(Message.Channel)
    about = filters.CharFilter(method="filter_about", label="Kind and reference, such as entry:<id>.")
    source = filters.CharFilter(
        method="filter_source", label="Kind and reference, such as package_run:<no.>."
    )
    queued_from = MomentFilter(field_name="queued_at", lookup_expr="gte", label="Queued at or after.")
    queued_before = MomentFilter(field_name="queued_at", lookup_expr="lt", label="Queued before.")

    class Meta:
        model = Message
        fields: list[str] = []

    def filter_about(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        kind, _, reference = value.partition(":")
        return rows.filter(about_kind=kind, about_reference=reference)

    def filter_source(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        kind, _, reference = value.partition(":")
        return rows.filter(source_kind=kind, source_reference=reference)


@extend_schema_view(
    list=extend_schema(operation_id="messages_list", summary="List messages, newest first", tags=TAGS)
)
class Messages(CompanyRows):
    """Messages by e-mail, webhook, Teams and Slack."""

    model = Message
    shown_as = MessageSerializer
    filterset_class = MessageFilters
    pagination_class = CursorPages
    lookup_url_kwarg = "message"
    levels = {"send_again": "operate"}

    def rows(self) -> QuerySet[Message]:
        rows = Message.objects.filter(company=self.company).select_related("company", "user", "target")
        return rows.defer("text", "html", "facts") if self.asked == "list" else rows

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(
        operation_id="messages_read",
        summary="Show a message with its words and attempts",
        tags=TAGS,
        responses=MessageInFullSerializer,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return polled_by_content(request, Response(MessageInFullSerializer(self.found()).data))

    @extend_schema(
        operation_id="messages_send_again",
        summary="Send again",
        description="A new message with the same contents, to the address the recipient has now.",
        tags=TAGS,
        request=NothingSerializer,
        responses={202: MessageSerializer},
    )
    def send_again(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        return self.shown(verbs.send_again(self.found(), actor=self.actor), status=202)
