"""Users limited to a company: whoever is a member of any company works in those only."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import lifecycle
from jobqueue.api.filtering import ListFilters
from jobqueue.api.resources import CompanyRows
from jobqueue.api.serializers import StrictSerializer
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.models import CompanyMember


@extend_schema_serializer(examples=[OpenApiExample("A member", {"user": "anna"})])
class MemberSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="user.username", read_only=True, help_text="Name of the user.")

    class Meta:
        model = CompanyMember
        fields = ("user",)


@extend_schema_serializer(examples=[OpenApiExample("Limit a user", {"user": "anna"}, request_only=True)])
class MemberWrite(StrictSerializer):
    user = serializers.CharField(max_length=150, help_text="Name of a user.")


class MemberFilters(ListFilters):
    searched = ("user__username",)
    ordering = filters.OrderingFilter(fields=[("user__username", "user")])

    class Meta:
        model = CompanyMember
        fields: list[str] = []


class Members(CompanyRows):
    """For administrators who work in every company: nobody lifts a limit of their own."""

    levels: Any = dict.fromkeys(("list", "retrieve", "create", "destroy"), "administer")
    model = CompanyMember
    shown_as = MemberSerializer
    filterset_class = MemberFilters
    lookup_field = "user__username"
    lookup_url_kwarg = "user"

    def rows(self) -> QuerySet[CompanyMember]:
        lifecycle.require_all_companies(self.actor)
        if self.request.auth.company_id is not None:
            raise NotAllowed(
                "These credentials are good for one company only; who is limited to which is decided with ones made "
                "for all of them.",
                code="scope_missing",
            )
        found = CompanyMember.objects.filter(company=self.company)
        return found.select_related("user").order_by("user__username")

    @extend_schema(
        operation_id="members_list",
        summary="List the members of the company",
        description="Users who are members of no company work in every one; so an empty list limits nobody.",
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="members_read", summary="Show a member")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="members_add",
        summary="Add a member",
        description="The user works from now on in those companies only that list it. Added again, nothing happens.",
        request=MemberWrite,
        responses={201: MemberSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.rows()
        name = self.read(MemberWrite)["user"]
        user = get_user_model()._default_manager.filter(username=name).first()
        if user is None:
            sentence = f"There is no user “{name}”. Check the name."
            raise Invalid([Problem("user", "unknown_user", sentence)])
        return self.shown(lifecycle.add_member(self.company, user, actor=self.actor), status=201)

    @extend_schema(
        operation_id="members_remove",
        summary="Remove a member",
        description="A user removed from its last company works in every one.",
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        lifecycle.remove_member(self.found(), actor=self.actor)
        return Response(status=204)
