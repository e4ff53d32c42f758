"""Lines and recurrences of a package; refused while it is Active or a run is open."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import polled
from jobqueue.api.parameters import with_secrets_kept
from jobqueue.errors import Invalid, NotFound, Problem
from jobqueue.models import Entry
from packages import lifecycle
from packages.api.base import PackagesView
from packages.api.line_serializers import PackageLineSerializer, RecurrenceSerializer, ReorderSerializer
from packages.api.packages import IF_MATCH, TAGS
from packages.models import Package, PackageLine, Recurrence

ENTRY_FIELDS = ("entry", "copy_of")


class OfPackage(PackagesView):
    """Base: rows of the package in the address, answered with the ETag of the package."""

    pagination_class = None
    filter_backends = ()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.shown_as(self.rows(), many=True, context=self.get_serializer_context()).data)

    def answer(self, row: Any, *, status: int = 200) -> Response:
        package = Package.objects.get(pk=row.package_id)
        return polled(self.shown(row, status=status), f'"{package.revision}"')


@extend_schema_view(
    list=extend_schema(operation_id="package_lines_list", summary="List the lines of a package", tags=TAGS),
    retrieve=extend_schema(operation_id="package_lines_read", summary="Show a line", tags=TAGS),
    create=extend_schema(
        operation_id="package_lines_create",
        summary="Add a line",
        description="With a new entry of its own, or with a copy of the settings of one there is.",
        tags=TAGS,
        parameters=[IF_MATCH],
    ),
    partial_update=extend_schema(
        operation_id="package_lines_change",
        summary="Change a line or its entry",
        tags=TAGS,
        parameters=[IF_MATCH],
    ),
    destroy=extend_schema(
        operation_id="package_lines_delete",
        summary="Remove a line",
        description="Its entry is deleted; the log of both stays.",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    ),
)
class Lines(OfPackage):
    """The lines in the order in which they run."""

    model = PackageLine
    shown_as = PackageLineSerializer
    lookup_field = "uuid"
    lookup_url_kwarg = "line"
    levels = {"reorder": "schedule"}

    def rows(self) -> QuerySet[PackageLine]:
        return self.package().lines.select_related("entry", "package__company")

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.found())

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        package, values = self.package(), self.read(PackageLineSerializer)
        given: dict[str, Any] = {name: value for name, value in values.items() if name not in ENTRY_FIELDS}
        given |= {"actor": self.actor, "expected_revision": self.expected_revision()}
        if "copy_of" in values and "entry" in values:
            sentence = "Give either `entry` for a new entry, or `copy_of` to copy one; not both."
            raise Invalid([Problem("copy_of", "both_given", sentence)])
        if "copy_of" in values:
            line = lifecycle.add_line_from_entry(package, self._entry(values["copy_of"]), **given)
        else:
            line = lifecycle.add_line(package, with_secrets_kept(values.get("entry", {})), **given)
        response = self.answer(line, status=201)
        response["Location"] = self.address("package-lines-one", package=package.uuid, line=line.uuid)
        return response

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        line, expected = self.found(), self.expected_revision()
        values = self.read(PackageLineSerializer, partial=True)
        if "copy_of" in values:
            sentence = "An entry can be copied into a new line only. Add a line for it."
            raise Invalid([Problem("copy_of", "only_new", sentence)])
        of_entry = with_secrets_kept(values.pop("entry", {}), of=line.entry)
        with transaction.atomic():  # both or neither
            if values or not of_entry:
                line = lifecycle.change_line(line, values, actor=self.actor, expected_revision=expected)
                expected = None
            if of_entry:
                line = lifecycle.change_line_entry(
                    line, of_entry, actor=self.actor, expected_revision=expected
                )
        return self.answer(self.found())

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        lifecycle.remove_line(self.found(), actor=self.actor, expected_revision=self.expected_revision())
        return Response(status=204)

    @extend_schema(
        operation_id="package_lines_reorder",
        summary="Give the lines the run orders 10, 20, 30 …",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=ReorderSerializer,
        responses=PackageLineSerializer(many=True),
    )
    def reorder(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        package, values = self.package(), self.read(ReorderSerializer)
        keys = dict(package.lines.values_list("uuid", "pk"))
        lifecycle.reorder_lines(
            package,
            [keys.get(one, str(one)) for one in values["lines"]],
            actor=self.actor,
            expected_revision=self.expected_revision(),
        )
        return Response(
            PackageLineSerializer(self.rows(), many=True, context=self.get_serializer_context()).data
        )

    def _entry(self, key: Any) -> Entry:
        found = Entry.objects.select_related("company").filter(id=key, company=self.company).first()
        if found is None:
            raise NotFound(
                f"There is no job queue entry {key} in “{self.company}”. Look at the list of entries."
            )
        return found


@extend_schema_view(
    list=extend_schema(operation_id="package_recurrences_list", summary="List the recurrences", tags=TAGS),
    retrieve=extend_schema(operation_id="package_recurrences_read", summary="Show a recurrence", tags=TAGS),
    create=extend_schema(
        operation_id="package_recurrences_create",
        summary="Add a recurrence",
        description="Either weekdays or a date formula, in the time zone of the package.",
        tags=TAGS,
        parameters=[IF_MATCH],
    ),
    partial_update=extend_schema(
        operation_id="package_recurrences_change",
        summary="Change a recurrence",
        description="Giving weekdays empties the date formula, and the other way round.",
        tags=TAGS,
        parameters=[IF_MATCH],
    ),
    destroy=extend_schema(
        operation_id="package_recurrences_delete",
        summary="Remove a recurrence",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    ),
)
class Recurrences(OfPackage):
    """On which days and at which times the package runs."""

    model = Recurrence
    shown_as = RecurrenceSerializer
    lookup_field = "pk"
    lookup_url_kwarg = "recurrence"

    def rows(self) -> QuerySet[Recurrence]:
        self.of = self.package()
        return self.of.recurrences.select_related("package__company")

    def get_serializer_context(self) -> dict[str, Any]:
        of = getattr(self, "of", None)
        return super().get_serializer_context() | {"time_zone": of.time_zone if of is not None else "UTC"}

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.found())

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.of = self.package()
        row = lifecycle.add_recurrence(
            self.of,
            self.read(RecurrenceSerializer),
            actor=self.actor,
            expected_revision=self.expected_revision(),
        )
        response = self.answer(row, status=201)
        response["Location"] = self.address(
            "package-recurrences-one", package=self.of.uuid, recurrence=row.pk
        )
        return response

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = lifecycle.change_recurrence(
            self.found(),
            self.read(RecurrenceSerializer, partial=True),
            actor=self.actor,
            expected_revision=self.expected_revision(),
        )
        return self.answer(row)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        lifecycle.remove_recurrence(
            self.found(), actor=self.actor, expected_revision=self.expected_revision()
        )
        return Response(status=204)
