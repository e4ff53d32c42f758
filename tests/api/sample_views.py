"""Views on the API's base classes, with something of everything that can go wrong, and their addresses."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import include, path
from rest_framework import serializers
from rest_framework.mixins import CreateModelMixin, ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from config.urls import urlpatterns as product
from jobqueue import errors, secrets
from jobqueue.api.pagination import CursorPages
from jobqueue.api.serializers import StrictModelSerializer
from jobqueue.api.views import ApiView, CompanyApiView
from jobqueue.errors import Problem
from jobqueue.models import Category
from jobqueue.outbound import OutboundFailed, OutboundRefused

ERRORS = {
    "not_allowed": errors.NotAllowed("You may not."),
    "not_found": errors.NotFound("It is not there."),
    "refused": errors.Refused("Not in this status."),
    "locked_field": errors.LockedField("Only while On Hold."),
    "invalid": errors.Invalid([Problem("minutes", "too_small", "Minutes are too small.")]),
    "invalid_parameters": errors.InvalidParameters(
        "They do not fit.", problems=[Problem("a", "b", "A is B.")]
    ),
    "unknown_object": errors.UnknownObject("Nobody registers it."),
    "forbidden_user": errors.ForbiddenUser("The user is disabled."),
    "outbound_refused": OutboundRefused("A private address."),
    "outbound_failed": OutboundFailed("It does not answer."),
    "credential_unusable": secrets.CredentialUnusable("No key."),
    "http404": Http404("No Category matches the given query."),
    "denied": PermissionDenied(),
    "bug": ZeroDivisionError("secret detail"),
}


class Failing(ApiView):
    levels = {"get": "view"}

    def get(self, request, name):
        raise ERRORS[name]


class CategorySerializer(StrictModelSerializer):
    slots = serializers.IntegerField(max_value=9)

    class Meta:
        model = Category
        fields = ("id", "code", "slots")


class Categories(CompanyApiView, ListModelMixin, RetrieveModelMixin, CreateModelMixin, GenericViewSet):
    levels = {"create": "administer"}
    serializer_class = CategorySerializer

    def get_queryset(self):
        return Category.objects.filter(company=self.company).order_by("code")

    def perform_create(self, serializer):
        serializer.save(company=self.company)


class CursorCategories(Categories):
    pagination_class = CursorPages


class Special(ApiView):
    """Wants the scope of another app; reads its own user's name."""

    scope = "sample"
    levels = {"delete": "administer"}

    def post(self, request):
        return Response({"user": self.actor.name, "origin": self.actor.origin})

    def delete(self, request):
        return Response({"deleted": True})


v1 = [
    path("failing/<name>/", Failing.as_view()),
    path("special/", Special.as_view()),
    path("companies/<company>/categories/", Categories.as_view({"get": "list", "post": "create"})),
    path("companies/<company>/categories/<int:pk>/", Categories.as_view({"get": "retrieve"})),
    path("companies/<company>/latest/", CursorCategories.as_view({"get": "list"})),
]
urlpatterns = [path("api/v1/", include((v1, "v1"), namespace="sample")), *product]
