"""Adopting a copied or restored database, so that its schedules run here."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import lifecycle
from jobqueue.api.serializers import StrictSerializer
from jobqueue.api.views import ApiView
from jobqueue.errors import NotAllowed

ADOPTED_ENTRIES = [("hold", "hold"), ("keep", "keep")]


@extend_schema_serializer(examples=[OpenApiExample("A copy", {"entries": "hold"}, request_only=True)])
class AdoptWrite(StrictSerializer):
    entries = serializers.ChoiceField(
        ADOPTED_ENTRIES,
        help_text="What becomes of entries that would start. “hold” for a copy: they are set On Hold. “keep” for a "
        "restored backup: what is due starts at once.",
    )


class AdoptionSerializer(serializers.Serializer):
    former_site_id = serializers.CharField(help_text="Whose the database was.")
    site_id = serializers.CharField(help_text="Whose it is now.")
    held = serializers.IntegerField(help_text="How many entries were set On Hold.")


class Adopt(ApiView):
    levels = {"post": "administer"}

    @extend_schema(
        operation_id="adopt",
        summary="Adopt a copied or restored database",
        description="The state of a company says “held” while it is needed. Refused (409) if there is nothing to "
        "adopt, or while another installation works with this very database.",
        request=AdoptWrite,
        responses=AdoptionSerializer,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if request.auth.company_id is not None:
            raise NotAllowed(
                "These credentials are good for one company only, and the database is that of all. Use ones made for "
                "all of them.",
                code="scope_missing",
            )
        body = AdoptWrite(data=request.data)
        body.is_valid(raise_exception=True)
        keeps = body.validated_data["entries"] == "keep"
        return Response(AdoptionSerializer(lifecycle.adopt(actor=self.actor, keep_ready=keeps)).data)
