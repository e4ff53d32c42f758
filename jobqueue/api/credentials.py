"""Stored credentials of job objects: the secret goes in and never comes out."""

from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import lifecycle, secrets
from jobqueue.api.conditions import IF_MATCH
from jobqueue.api.filtering import ListFilters
from jobqueue.api.resources import CompanyRows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.errors import NotAllowed
from jobqueue.models import Credential

CREDENTIAL_KINDS = Credential.Kind.choices
LONGEST_SECRET = 8_192


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A credential",
            {
                "id": 4,
                "name": "bank",
                "kind": "basic",
                "user_name": "jobwarden",
                "allowed_hosts": "api.bank.example, sandbox.bank.example:8443",
                "shared": False,
                "has_secret": True,
                "changed_at": "2026-03-02T08:00:00Z",
            },
            response_only=True,
        )
    ]
)
class CredentialSerializer(serializers.ModelSerializer):
    shared = serializers.SerializerMethodField(help_text="Whether the jobs of every company may use it.")
    has_secret = serializers.SerializerMethodField(help_text="Whether a secret is stored. It is never shown.")

    class Meta:
        model = Credential
        fields = (
            "id",
            "name",
            "kind",
            "user_name",
            "allowed_hosts",
            "shared",
            "has_secret",
            "changed_at",
        )
        read_only_fields = fields
        extra_kwargs = {"changed_at": {"help_text": "When the secret was entered last."}}

    def get_shared(self, credential: Credential) -> bool:
        return credential.company_id is None

    def get_has_secret(self, credential: Credential) -> bool:
        return secrets.has_secret(credential)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Password of a web service",
            {
                "name": "bank",
                "kind": "basic",
                "user_name": "jobwarden",
                "secret": "…",
                "allowed_hosts": "api.bank.example",
            },
            request_only=True,
        )
    ]
)
class CredentialWrite(StrictSerializer):
    name = serializers.CharField(max_length=50, help_text="Job parameters refer to it by this name.")
    kind = serializers.ChoiceField(CREDENTIAL_KINDS, required=False, help_text="“basic” if left out.")
    user_name = serializers.CharField(
        max_length=250,
        required=False,
        allow_blank=True,
        help_text="User name for a password; name of the header for a header; unused for a bearer token.",
    )
    allowed_hosts = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="Hosts the secret may be sent to, separated by commas. HTTP jobs send it nowhere else.",
    )
    secret = serializers.CharField(
        max_length=LONGEST_SECRET,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        write_only=True,
        help_text="Stored encrypted and never shown. Left out or empty, the present one stays.",
    )
    shared = serializers.BooleanField(
        required=False,
        help_text="True lets the jobs of every company use it; for administrators who work in every company.",
    )


class CredentialFilters(ListFilters):
    searched = ("name", "user_name")
    ordering = filters.OrderingFilter(fields=["name", "kind", "changed_at"])

    class Meta:
        model = Credential
        fields: list[str] = []


class Credentials(CompanyRows):
    levels: Any = dict.fromkeys(("list", "retrieve", "create", "partial_update", "destroy"), "administer")
    model = Credential
    shown_as = CredentialSerializer
    filterset_class = CredentialFilters
    lookup_field = "pk"

    def rows(self) -> QuerySet[Credential]:
        found = Credential.objects.filter(Q(company=self.company) | Q(company=None))
        return found.select_related("company").order_by("name", "pk")

    @extend_schema(
        operation_id="credentials_list",
        summary="List stored credentials",
        description="Those of the company and those for every company.",
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="credentials_read", summary="Show a credential, without its secret")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="credentials_create",
        summary="Store a credential",
        request=CredentialWrite,
        responses={201: CredentialSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(CredentialWrite)
        self._require_reach(shared=values.get("shared", False))
        return self.shown(lifecycle.create_credential(self.company, values, actor=self.actor), status=201)

    @extend_schema(
        operation_id="credentials_change",
        summary="Change a credential or its secret",
        parameters=[IF_MATCH],
        request=CredentialWrite,
        responses=CredentialSerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(CredentialWrite, partial=True)
        with self.expecting() as row:
            self._require_reach(shared=row.company_id is None or values.get("shared", False))
            changed = lifecycle.change_credential(row, self.company, values, actor=self.actor)
        return self.shown(changed)

    @extend_schema(
        operation_id="credentials_delete",
        summary="Delete a credential and its secret",
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as row:
            self._require_reach(shared=row.company_id is None)
            lifecycle.delete_credential(row, self.company, actor=self.actor)
        return Response(status=204)

    def _require_reach(self, *, shared: bool) -> None:
        """What every company uses is not changed with credentials that are good for one."""
        if shared and self.request.auth.company_id is not None:
            raise NotAllowed(
                "Your credentials are good for one company only, and this credential is for all of them. Use ones made "
                "for all companies.",
                code="scope_missing",
            )
