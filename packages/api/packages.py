"""Packages: lists, one with all that belongs to it, create, change, delete, and what people ask about one."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.pagination import CursorPages
from jobqueue.scheduler import database_now
from packages import guards, lifecycle, lists
from packages.api.base import PackagesView, tagged
from packages.api.filters import PackageFilters
from packages.api.line_serializers import PackageLineSerializer, RecurrenceSerializer
from packages.api.live import live_of
from packages.api.serializers import (
    DueTimeSerializer,
    FindingSerializer,
    PackageExplanationSerializer,
    PackageSerializer,
    StatusChangeSerializer,
)
from packages.explain import explain
from packages.models import Package, StatusChange
from packages.preview import DEFAULT_COUNT, due_times
from packages.rows import require_revision

TAGS = ["packages"]
IF_MATCH = OpenApiParameter(
    "If-Match",
    location=OpenApiParameter.HEADER,
    description="The ETag of an earlier answer about the package: 412 if somebody has changed it since.",
)


class PackageInFullSerializer(PackageSerializer):
    """A package with its lines and recurrences."""

    own_list = serializers.SerializerMethodField(help_text="Number of its own notification list.")
    lines = serializers.SerializerMethodField()
    recurrences = serializers.SerializerMethodField()

    class Meta(PackageSerializer.Meta):
        fields = (*PackageSerializer.Meta.fields, "own_list", "lines", "recurrences")  # type: ignore[assignment]

    def get_own_list(self, package: Package) -> int | None:
        own = lists.private_list(package)
        return own.pk if own is not None else None

    def get_lines(self, package: Package) -> PackageLineSerializer(many=True):  # type: ignore[valid-type]
        return PackageLineSerializer(package.lines.select_related("entry"), many=True).data

    def get_recurrences(self, package: Package) -> RecurrenceSerializer(many=True):  # type: ignore[valid-type]
        context = {"time_zone": package.time_zone}
        return RecurrenceSerializer(package.recurrences.all(), many=True, context=context).data


def in_full(package: Package) -> Any:
    """The whole package as JSON."""
    context = {"live": live_of([package]), "company": package.company}
    return PackageInFullSerializer(package, context=context).data


class PackageAnswers(PackagesView):
    """Base of the views that answer with one package."""

    def answer(self, package: Package, *, status: int = 200) -> Response:
        """The package as it is stored now, with its ETag."""
        fresh = self.packages().get(pk=package.pk)
        response = tagged(self.request, fresh, in_full(fresh), status=status)
        if status == 201:
            response["Location"] = self.address("packages-one", package=fresh.uuid)
        return response


@extend_schema_view(
    list=extend_schema(operation_id="packages_list", summary="List packages", tags=TAGS),
    retrieve=extend_schema(
        operation_id="packages_read",
        summary="Show a package with its lines and recurrences",
        tags=TAGS,
        responses=PackageInFullSerializer,
    ),
    create=extend_schema(
        operation_id="packages_create",
        summary="Create a package",
        description="It is On Hold, without lines and recurrences.",
        tags=TAGS,
        responses={201: PackageInFullSerializer},
    ),
    partial_update=extend_schema(
        operation_id="packages_change",
        summary="Change a package",
        description="Refused with 409 `package_locked` while the package is Active or a run is open.",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses=PackageInFullSerializer,
    ),
    destroy=extend_schema(
        operation_id="packages_delete",
        summary="Delete a package",
        description="With its lines, their entries, its recurrences and its own notification list; the log stays.",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    ),
)
class Packages(PackageAnswers):
    """The packages of the company."""

    shown_as = PackageSerializer
    filterset_class = PackageFilters
    lookup_url_kwarg = "package"

    def rows(self) -> QuerySet[Package]:
        return self.packages().prefetch_related("notification_lists").order_by("name", "pk")

    def prepare(self, page: Sequence[Package]) -> None:
        self.live = live_of(page)

    def get_serializer_context(self) -> dict[str, Any]:
        own = {"live": getattr(self, "live", {}), "company": getattr(self, "company", None)}
        return super().get_serializer_context() | own

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.package())

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(PackageSerializer)
        shared = values.pop("notification_lists", None)
        with transaction.atomic():
            made = lifecycle.create_package(self.company, values, actor=self.actor)
            if shared:
                lists.set_shared_lists(made, shared, actor=self.actor)
        return self.answer(made, status=201)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, expected = self.package(), self.expected_revision()
        values = self.read(PackageSerializer, partial=True)
        shared = values.pop("notification_lists", None)
        with transaction.atomic():
            changed = lifecycle.change_package(found, values, actor=self.actor, expected_revision=expected)
            known = set(found.notification_lists.values_list("pk", flat=True))
            if shared is not None and {one.pk for one in shared} != known:
                lists.set_shared_lists(changed, shared, actor=self.actor)
        return self.answer(found)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.package()
        require_revision(found, self.expected_revision())
        lifecycle.delete_package(found, actor=self.actor)
        return Response(status=204)


class PackageQuestions(PackagesView):
    """What keeps the package from running, why it does not run, when it will, and who changed its status."""

    levels = dict.fromkeys(("problems", "warnings", "explain", "preview"), "view")
    parameters = {"preview": ("count",)}
    shown_as = FindingSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(
        operation_id="packages_problems",
        summary="What keeps the package from being set Active",
        description="All findings at once, for the calling user; empty: nothing does.",
        tags=TAGS,
        responses=FindingSerializer(many=True),
    )
    def problems(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = guards.problems(self.package(), actor=self.actor, now=database_now())
        return Response(FindingSerializer(found, many=True).data)

    @extend_schema(
        operation_id="packages_warnings",
        summary="What may not be meant",
        tags=TAGS,
        responses=FindingSerializer(many=True),
    )
    def warnings(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(FindingSerializer(guards.warnings(self.package()), many=True).data)

    @extend_schema(
        operation_id="packages_explain",
        summary="Why does it not run?",
        tags=TAGS,
        responses=PackageExplanationSerializer,
    )
    def explain(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(PackageExplanationSerializer(explain(self.package())).data)

    @extend_schema(
        operation_id="packages_preview",
        summary="The coming due times",
        tags=TAGS,
        parameters=[
            OpenApiParameter(
                "count",
                {"type": "integer", "minimum": 1, "maximum": 100, "default": DEFAULT_COUNT},
                description="How many.",
            )
        ],
        responses=DueTimeSerializer(many=True),
    )
    def preview(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = PreviewSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = due_times(self.package(), asked.validated_data["count"])
        return Response(DueTimeSerializer(found, many=True).data)


class PreviewSerializer(serializers.Serializer):
    count = serializers.IntegerField(min_value=1, max_value=100, default=DEFAULT_COUNT)


@extend_schema_view(
    list=extend_schema(
        operation_id="packages_status_changes",
        summary="Who or what changed the status of the package",
        tags=TAGS,
    )
)
class StatusChanges(PackagesView):
    model = StatusChange
    shown_as = StatusChangeSerializer
    pagination_class = CursorPages

    def rows(self) -> QuerySet[StatusChange]:
        return StatusChange.objects.filter(package_uuid=self.package().uuid).select_related("user")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)
