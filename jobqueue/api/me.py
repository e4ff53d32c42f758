"""Whose credentials are these, and what are they good for: the first call of every integration."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import api_tokens, companies, permissions
from jobqueue.api.grants import Grant
from jobqueue.api.views import ApiView


class CompanySeen(serializers.Serializer):
    code = serializers.CharField(help_text="Names the company in addresses.")
    name = serializers.CharField()
    time_zone = serializers.CharField(help_text="IANA name.")


class MeSerializer(serializers.Serializer):
    user = serializers.CharField(help_text="The user these credentials act as.")
    credentials = serializers.CharField(help_text="Kind of the credentials: session, token or entra.")
    reference = serializers.CharField(help_text="Tells the credentials apart; not a secret.")
    scopes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What these credentials may do, the user's own rights applied.",
    )
    companies = CompanySeen(many=True, help_text="Companies these credentials reach.")


class Me(ApiView):
    """Who the credentials act as, and what they may do."""

    levels = {"get": None}

    @extend_schema(operation_id="me", summary="Who am I?", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        grant: Grant = request.auth
        reached = [company for company in companies.visible_to(request.user) if grant.reaches(company)]
        return Response(
            MeSerializer(
                {
                    "user": request.user.get_username(),
                    "credentials": grant.kind,
                    "reference": grant.reference,
                    "scopes": [scope for scope in api_tokens.scopes() if self._holds(scope, grant)],
                    "companies": reached,
                }
            ).data
        )

    def _holds(self, scope: str, grant: Grant) -> bool:
        if scope in api_tokens.LEVELS:
            return grant.covers(scope) and permissions.may(self.actor, scope)
        return grant.scopes is not None and grant.covers(scope)
