"""API tokens: one's own, and for administrators of every company those of application users too.

A token is shown whole once, in the answer that makes it. A token makes and revokes others only with the scope
``tokens``, and makes none that may do more, reach further or last longer than itself.
"""

from typing import Any

from django.contrib.auth import get_user_model
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

from jobqueue import api_tokens, companies, permissions
from jobqueue.api.conditions import IF_MATCH
from jobqueue.api.filtering import ListFilters, YesNoFilter
from jobqueue.api.grants import Grant
from jobqueue.api.resources import Rows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.words import PersonField
from jobqueue.errors import Invalid, NotAllowed, NotFound, Problem
from jobqueue.models import ApiToken, Company
from jobqueue.scheduler import database_now

TOKEN_STATES = [(state, state) for state in ("valid", "expired", "revoked")]
TOKEN_KINDS = ApiToken.Kind.choices
EXAMPLE = {
    "id": "5f1c9a52-7a0e-4a3b-9c57-0f6d2b8e4a11",
    "name": "Nightly export on host alpha",
    "kind": "personal",
    "user": "anna",
    "company": "main",
    "scopes": ["view", "operate"],
    "prefix": "jw_3f9a1c2b",
    "state": "valid",
    "created_at": "2026-03-02T08:00:00Z",
    "created_by": "anna",
    "expires_at": "2026-06-01T08:00:00Z",
    "last_used_at": "2026-03-02T09:15:00Z",
    "revoked_at": None,
    "revoked_by": None,
}


@extend_schema_serializer(examples=[OpenApiExample("A personal token", EXAMPLE, response_only=True)])
class ApiTokenSerializer(serializers.ModelSerializer):
    user = serializers.CharField(
        source="user.username", read_only=True, help_text="Calls with the token act as this user."
    )
    company = serializers.CharField(
        source="company.code",
        allow_null=True,
        default=None,
        read_only=True,
        help_text="Null: every company the user may work in.",
    )
    scopes = serializers.ListField(child=serializers.CharField(), read_only=True)
    state = serializers.SerializerMethodField()
    created_by = PersonField()
    revoked_by = PersonField()

    class Meta:
        model = ApiToken
        fields = tuple(EXAMPLE)
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=TOKEN_STATES))
    def get_state(self, token: ApiToken) -> str:
        if token.revoked_at is not None:
            return "revoked"
        now = self.context["view"].now
        return "expired" if token.expires_at is not None and token.expires_at <= now else "valid"


@extend_schema_serializer(
    examples=[OpenApiExample("Made", {**EXAMPLE, "token": "jw_3f9a1c2b_…"}, response_only=True)]
)
class ApiTokenMade(ApiTokenSerializer):
    """The token and its text, which nothing shows again."""

    token = serializers.CharField(
        read_only=True, help_text="The whole token. Keep it; nobody can show it again."
    )

    class Meta(ApiTokenSerializer.Meta):
        fields: Any = (*ApiTokenSerializer.Meta.fields, "token")
        read_only_fields = fields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "For an export",
            {
                "name": "Nightly export on host alpha",
                "scopes": ["view"],
                "company": "main",
                "expires_at": "2026-06-01T00:00:00Z",
            },
            request_only=True,
        )
    ]
)
class ApiTokenWrite(StrictSerializer):
    name = serializers.CharField(max_length=100, help_text="Says where it is used.")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=40),
        min_length=1,
        max_length=20,
        help_text="What it may do; each level includes those below it. The user's own rights remain the limit.",
    )
    company = serializers.CharField(
        max_length=30,
        required=False,
        allow_null=True,
        help_text="Code of the only company it reaches; null or left out: every company its user may work in.",
    )
    expires_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="A personal token needs it, within a year; one of an application user may last for ever.",
    )
    user = serializers.CharField(
        max_length=150,
        required=False,
        allow_null=True,
        help_text="An application user it shall act as, for administrators of every company; else it acts as you.",
    )


class ApiTokenFilters(ListFilters):
    searched = ("name", "prefix", "user__username")
    kind = filters.MultipleChoiceFilter(choices=TOKEN_KINDS, label="Kind of token.")
    user = filters.CharFilter(field_name="user__username", label="Name of the user it acts as.")
    revoked = YesNoFilter(
        field_name="revoked_at", lookup_expr="isnull", exclude=True, label="Whether it was revoked."
    )
    ordering = filters.OrderingFilter(fields=["name", "created_at", "expires_at", "last_used_at"])

    class Meta:
        model = ApiToken
        fields: list[str] = []


class ApiTokens(Rows):
    levels = {"create": "view", "revoke": "view"}
    model = ApiToken
    shown_as = ApiTokenSerializer
    filterset_class = ApiTokenFilters
    lookup_field = "pk"

    def rows(self) -> QuerySet[ApiToken]:
        """One's own; all for whoever administers every company. Credentials of one company see those of that one."""
        grant: Grant = self.request.auth
        found = ApiToken.objects.select_related("user", "company", "created_by", "revoked_by")
        found = found.order_by("-created_at", "pk")
        if not self._manages_all():
            found = found.filter(user=self.request.user)
        return found if grant.company_id is None else found.filter(company=grant.company_id)

    def prepare(self, page: Any) -> None:
        self.now = database_now()

    @extend_schema(
        operation_id="api_tokens_list",
        summary="List API tokens",
        description="Your own; those of everybody for administrators who work in every company.",
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="api_tokens_read", summary="Show an API token")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="api_tokens_create",
        summary="Make an API token",
        description="The answer holds the token; nothing shows it again. Called with a token, that needs the scope "
        "“tokens”, and the new one gets no scope, company or time beyond it.",
        request=ApiTokenWrite,
        responses={201: ApiTokenMade},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(ApiTokenWrite)
        name, now = values.pop("user", None), database_now()
        common = {**values, "company": self._company(values.get("company")), "now": now}
        self._require_not_beyond(common)
        if name is None or name == request.user.get_username():
            made, text = api_tokens.make_personal(self.actor, **common)
        else:
            self._require_managing()
            made, text = api_tokens.make_application(self.actor, self._user(name), **common)
        made.token = text  # type: ignore[attr-defined]
        self.prepare([made])
        body = ApiTokenMade(made, context=self.get_serializer_context()).data
        return Response(body, status=201, headers={"Location": request.build_absolute_uri(f"{made.pk}/")})

    @extend_schema(
        operation_id="api_tokens_revoke",
        summary="Revoke",
        description="Ends the token at once, for good; revoked again, nothing happens. Any token may revoke itself; to "
        "revoke others it needs the scope “tokens”.",
        parameters=[IF_MATCH],
        request=None,
        responses=ApiTokenSerializer,
    )
    def revoke(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as token:
            if request.auth.reference != token.prefix:
                self.require_scope(api_tokens.MINTING)
            api_tokens.revoke(token, actor=self.actor, now=database_now())
        return self.shown(self.found())

    # --- what the caller's own credentials allow
    def _manages_all(self) -> bool:
        grant: Grant = self.request.auth
        return (
            grant.company_id is None
            and grant.covers("administer")
            and permissions.may(self.actor, "administer")
            and companies.works_in_every(self.request.user)
        )

    def _require_managing(self) -> None:
        self.require_scope("administer")
        api_tokens.require_application_rights(self.actor)
        if self.request.auth.company_id is not None:
            raise NotAllowed(
                "These credentials are good for one company only, and application users work in every company they may "
                "enter. Use credentials made for all of them.",
                code="scope_missing",
            )

    def _company(self, code: str | None) -> Company | None:
        if code is None:
            return None
        company = companies.visible_to(self.request.user).filter(code=code).first()
        if company is None or not self.request.auth.reaches(company):
            sentence = (
                f"There is no company “{code}” these credentials are good for. Check the code, or use others."
            )
            raise Invalid([Problem("company", "unknown_company", sentence)])
        return company

    def _require_not_beyond(self, wanted: dict[str, Any]) -> None:
        """Raises ``NotAllowed`` or ``Invalid`` where the new token would be good for more than the calling one."""
        grant: Grant = self.request.auth
        if grant.scopes is None:
            return
        self.require_scope(api_tokens.MINTING)
        company, ends = wanted["company"], wanted.get("expires_at")
        problems = [
            Problem("scopes", "beyond_own", f"Your own credentials lack the scope “{scope}”. Leave it out.")
            for scope in wanted["scopes"]
            if scope in api_tokens.scopes() and not grant.covers(scope)
        ]
        if grant.company_id is not None and (company is None or company.pk != grant.company_id):
            sentence = "Your own credentials are good for one company only. Name that one."
            problems.append(Problem("company", "beyond_own", sentence))
        if grant.expires_at is not None and (ends is None or ends > grant.expires_at):
            sentence = f"Your own credentials end at {grant.expires_at.isoformat()}. Choose no later moment."
            problems.append(Problem("expires_at", "beyond_own", sentence))
        if problems:
            raise Invalid(problems)

    @staticmethod
    def _user(name: str) -> Any:
        found = get_user_model()._default_manager.filter(username=name).first()
        if found is None:
            raise NotFound(f"There is no user “{name}”. Look at the users of the installation.")
        return found
