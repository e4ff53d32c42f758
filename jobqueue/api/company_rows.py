"""Companies: the partitions everything else lives in."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import companies, lifecycle
from jobqueue.api.conditions import IF_MATCH
from jobqueue.api.filtering import ListFilters
from jobqueue.api.resources import Rows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.errors import NotAllowed
from jobqueue.models import Company

CODE = r"^[-a-zA-Z0-9_]+$"


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Company",
            {
                "id": "8e0e6f66-9a55-4a0e-8b61-3d1f6d9f2c10",
                "code": "main",
                "name": "Main company",
                "time_zone": "Europe/Brussels",
                "is_default": True,
            },
        )
    ]
)
class CompanySerializer(serializers.ModelSerializer):
    class Meta:
        model = Company
        fields = ("id", "code", "name", "time_zone", "is_default")
        read_only_fields = fields


class CompanyChange(StrictSerializer):
    name = serializers.CharField(max_length=100)
    time_zone = serializers.CharField(max_length=64, required=False, help_text="IANA name; UTC if left out.")
    is_default = serializers.BooleanField(
        required=False, help_text="True makes it the default instead of the present one."
    )


class CompanyWrite(CompanyChange):
    code = serializers.RegexField(
        CODE, max_length=30, help_text="Names it in addresses; cannot be changed later."
    )


class CompanyFilters(ListFilters):
    searched = ("code", "name")
    ordering = filters.OrderingFilter(fields=["code", "name"])

    class Meta:
        model = Company
        fields: list[str] = []


class Companies(Rows):
    levels = {"create": "administer", "partial_update": "administer"}
    model = Company
    shown_as = CompanySerializer
    filterset_class = CompanyFilters
    lookup_field = "code"

    def rows(self) -> QuerySet[Company]:
        found = companies.visible_to(self.request.user).order_by("code")
        limited_to = self.request.auth.company_id
        return found if limited_to is None else found.filter(pk=limited_to)

    @extend_schema(operation_id="companies_list", summary="List the companies these credentials reach")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="companies_read", summary="Show a company")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="companies_create",
        summary="Create a company",
        request=CompanyWrite,
        responses={201: CompanySerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._require_all_companies()
        return self.shown(lifecycle.create_company(self.read(CompanyWrite), actor=self.actor), status=201)

    @extend_schema(
        operation_id="companies_change",
        summary="Change a company",
        parameters=[IF_MATCH],
        request=CompanyChange,
        responses=CompanySerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(CompanyChange, partial=True)
        if "is_default" in values:
            self._require_all_companies()
        with self.expecting() as company:
            changed = lifecycle.change_company(company, values, actor=self.actor)
        return self.shown(changed)

    def _require_all_companies(self) -> None:
        if self.request.auth.company_id is not None:
            raise NotAllowed(
                "These credentials are good for one company only. Use ones made for all of them.",
                code="scope_missing",
            )
