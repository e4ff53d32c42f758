"""The audit log of the set-up, for administrators of every company: what is in it belongs to no company."""

from typing import Any

from auditlog import get_logentry_model
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import audit, lifecycle
from jobqueue.api.filtering import ListFilters, MomentFilter
from jobqueue.api.overview import ORIGINS
from jobqueue.api.pagination import CursorPages
from jobqueue.api.resources import Rows
from jobqueue.api.words import PersonField
from jobqueue.errors import NotAllowed

Change: Any = get_logentry_model()
ACTIONS = {
    Change.Action.CREATE: "created",
    Change.Action.UPDATE: "changed",
    Change.Action.DELETE: "deleted",
}
SETUP_ACTIONS = [(word, word) for word in ACTIONS.values()]


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A category was changed",
            {
                "id": 812,
                "at": "2026-03-02T08:00:00Z",
                "user": "anna",
                "origin": "api",
                "credentials": "Set-up script (jw_3f9a1c2b…)",
                "action": "changed",
                "kind": "category",
                "key": "7",
                "name": "BANK",
                "changes": {"slots": ["1", "2"]},
            },
        )
    ]
)
class SetupChangeSerializer(serializers.ModelSerializer):
    at = serializers.DateTimeField(source="timestamp", read_only=True)
    user = PersonField(source="actor", help_text="Null: a program or the system.")
    origin = serializers.SerializerMethodField(help_text="The door.")
    credentials = serializers.SerializerMethodField(
        help_text="Name and prefix of the token it was done with; empty for people at the screens."
    )
    action = serializers.SerializerMethodField()
    kind = serializers.SerializerMethodField(help_text="What kind of row.")
    key = serializers.CharField(source="object_pk", read_only=True, help_text="Which row.")
    name = serializers.CharField(source="object_repr", read_only=True, help_text="The row as people know it.")
    changes = serializers.SerializerMethodField(help_text="Field → [old, new]; secrets are never in it.")

    class Meta:
        model = Change
        fields = (
            "id",
            "at",
            "user",
            "origin",
            "credentials",
            "action",
            "kind",
            "key",
            "name",
            "changes",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=ORIGINS))
    def get_origin(self, change: Any) -> str:
        return audit.origin_of(change.additional_data)

    def get_credentials(self, change: Any) -> str:
        return audit.credentials_of(change.additional_data)

    @extend_schema_field(serializers.ChoiceField(choices=SETUP_ACTIONS))
    def get_action(self, change: Any) -> str:
        return ACTIONS[change.action]

    def get_kind(self, change: Any) -> str:
        model = ContentType.objects.get_for_id(change.content_type_id).model_class()
        return str(model._meta.verbose_name) if model is not None else ""

    def get_changes(self, change: Any) -> dict[str, list[str]]:
        return audit.in_words(change.changes)


class SetupChangeFilters(ListFilters):
    searched = ("object_repr", "actor__username")
    newest_first = "id"
    action = filters.MultipleChoiceFilter(choices=SETUP_ACTIONS, method="of_action", label="What was done.")
    user = filters.CharFilter(field_name="actor__username", label="Who did it.")
    key = filters.CharFilter(field_name="object_pk", max_length=255, label="Which row, by its key.")
    after = MomentFilter(field_name="timestamp", lookup_expr="gte", label="At or after.")
    before = MomentFilter(field_name="timestamp", lookup_expr="lt", label="Before.")

    class Meta:
        model = Change
        fields: list[str] = []

    def of_action(self, rows: QuerySet, name: str, value: list[str]) -> QuerySet:
        wanted = [number for number, word in ACTIONS.items() if word in value]
        return rows.filter(action__in=wanted) if value else rows


class SetupChanges(Rows):
    levels = {"list": "administer", "retrieve": "administer"}
    model = Change
    shown_as = SetupChangeSerializer
    filterset_class = SetupChangeFilters
    pagination_class = CursorPages
    lookup_field = "pk"

    def rows(self) -> QuerySet:
        lifecycle.require_all_companies(self.actor)
        if self.request.auth.company_id is not None:
            raise NotAllowed(
                "These credentials are good for one company only, and the audit log is about all of them. Use ones "
                "made for all companies.",
                code="scope_missing",
            )
        return Change.objects.filter(action__in=list(ACTIONS)).select_related("actor")

    @extend_schema(
        operation_id="setup_changes_list",
        summary="Who changed what of the set-up, the newest first",
        description="Companies, members, categories, credentials, tokens, notification lists and targets, packages, "
        "the refresher, users. Entries have their own history: see changes.",
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="setup_changes_read", summary="Show a change of the set-up")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)
