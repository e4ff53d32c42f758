"""The error message register: what went wrong in one failed run, message by message."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.filtering import ListFilters
from jobqueue.api.pagination import CursorPages
from jobqueue.api.quick_rows import RowSerializer
from jobqueue.api.resources import CompanyRows
from jobqueue.api.words import PersonField, WordField
from jobqueue.models import ErrorMessage, ErrorMessageRegister
from jobqueue.states import Level


class ErrorMessageSerializer(RowSerializer):
    level = WordField(Level, read_only=True)

    class Meta:
        model = ErrorMessage
        fields = (
            "id",
            "level",
            "message",
            "record",
            "field_name",
            "context_record",
            "context_field_name",
            "additional_information",
            "support_url",
            "created_at",
            "call_stack",
            "is_duplicate",
        )
        read_only_fields = fields
        extra_kwargs = {"level": {"help_text": "How grave it is."}}


class RegisterSerializer(serializers.ModelSerializer):
    user = PersonField()

    class Meta:
        model = ErrorMessageRegister
        fields = ("id", "created_at", "user", "message")
        read_only_fields = fields


class RegisterWhole(RegisterSerializer):
    messages = ErrorMessageSerializer(many=True, read_only=True)

    class Meta(RegisterSerializer.Meta):
        fields: Any = (*RegisterSerializer.Meta.fields, "messages")
        read_only_fields = fields


class RegisterFilters(ListFilters):
    searched = ("message",)

    class Meta:
        model = ErrorMessageRegister
        fields: list[str] = []


class NewestRegisters(CursorPages):
    ordering = ("-created_at", "-id")  # type: ignore[assignment]


class ErrorMessages(CompanyRows):
    model = ErrorMessageRegister
    shown_as = RegisterSerializer
    filterset_class = RegisterFilters
    pagination_class = NewestRegisters
    lookup_field = "pk"

    def rows(self) -> QuerySet[ErrorMessageRegister]:
        return ErrorMessageRegister.objects.filter(company=self.company).select_related("user")

    @extend_schema(operation_id="error_messages_list", summary="List failed runs with messages")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


class OneErrorMessages(ErrorMessages):
    shown_as = RegisterWhole

    def rows(self) -> QuerySet[ErrorMessageRegister]:
        messages = ErrorMessage.objects.filter(is_context=False).order_by("id")
        return super().rows().prefetch_related(Prefetch("messages", queryset=messages))

    @extend_schema(operation_id="error_messages_read", summary="Every message of a failed run")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)
