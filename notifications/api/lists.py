"""Notification lists, their lines, the default list, and the lists of an entry."""

from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import IF_MATCH, polled_by_tag, require_tag, tagged
from jobqueue.api.entries import entry_lookup
from jobqueue.api.filtering import ListFilters, YesNoFilter
from jobqueue.api.resources import CompanyRows
from jobqueue.api.views import CompanyApiView
from jobqueue.errors import NotFound
from jobqueue.models import Company, Entry
from notifications import scenarios, verbs
from notifications.api.list_serializers import (
    DefaultChosen,
    DefaultSerializer,
    ListChosen,
    NothingSerializer,
    NotificationLineSerializer,
    NotificationLineWrite,
    NotificationListSerializer,
    NotificationListWrite,
    ScenarioSerializer,
)
from notifications.api.message_serializers import MessageSerializer
from notifications.models import DefaultList, NotificationLine, NotificationList
from notifications.verbs.guards import level_of

TAGS = ["notifications"]
LARGEST = 2**63 - 1


class ListsFilters(ListFilters):
    searched = ("name", "description")
    private = YesNoFilter(method="filter_private", label="Lists that belong to a package.")
    enabled = YesNoFilter(field_name="is_enabled", label="Whether the list is enabled.")

    class Meta:
        model = NotificationList
        fields: list[str] = []

    def filter_private(self, rows: QuerySet, name: str, value: bool) -> QuerySet:
        return rows.exclude(owner_kind="") if value else rows.filter(owner_kind="")


class InCompany(CompanyRows):
    """Base: the lists of the company."""

    def lists(self) -> QuerySet[NotificationList]:
        lines = NotificationLine.objects.select_related("user", "target").order_by("pk")
        rows = NotificationList.objects.filter(company=self.company).select_related("company")
        rows = rows.annotate(is_default=Exists(DefaultList.objects.filter(list=OuterRef("pk"))))
        return rows.prefetch_related(Prefetch("lines", lines)).order_by("name", "pk")

    def list_numbered(self, number: int) -> NotificationList:
        found = self.lists().filter(pk=number).first() if 0 < number <= LARGEST else None
        if found is None:
            raise NotFound(f"There is no notification list {number} in “{self.company}”. Look at the lists.")
        return found


@extend_schema_view(
    list=extend_schema(operation_id="notification_lists_list", summary="List notification lists", tags=TAGS),
    retrieve=extend_schema(operation_id="notification_lists_read", summary="Show a list", tags=TAGS),
)
class Lists(InCompany):
    """Shared lists are set-up; those of packages belong to who maintains the package."""

    model = NotificationList
    shown_as = NotificationListSerializer
    filterset_class = ListsFilters
    lookup_url_kwarg = "list"
    levels = {"create": "administer", "send_test": "administer"}

    def rows(self) -> QuerySet[NotificationList]:
        return self.lists()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="notification_lists_create",
        summary="Create a shared list",
        tags=TAGS,
        request=NotificationListWrite,
        responses={201: NotificationListSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        made = verbs.create_list(self.company, self.read(NotificationListWrite), actor=self.actor)
        return self.shown(self.list_numbered(made.pk), status=201)

    @extend_schema(
        operation_id="notification_lists_change",
        summary="Change a list",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=NotificationListWrite,
        responses=NotificationListSerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(NotificationListWrite, partial=True)
        with self.expecting() as found:
            self.require_scope(level_of(found))
            verbs.change_list(found, values, actor=self.actor)
        return self.shown(self.list_numbered(found.pk))

    @extend_schema(
        operation_id="notification_lists_delete",
        summary="Delete a list",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as found:
            self.require_scope(level_of(found))
            verbs.delete_list(found, actor=self.actor)
        return Response(status=204)

    @extend_schema(
        operation_id="notification_lists_send_test",
        summary="Send a test message to everybody on the list",
        tags=TAGS,
        request=NothingSerializer,
        responses={202: MessageSerializer(many=True)},
    )
    def send_test(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.read(NothingSerializer)
        sent = verbs.send_test(self.found(), actor=self.actor)
        return Response(MessageSerializer(sent, many=True).data, status=202)


@extend_schema_view(
    list=extend_schema(operation_id="notification_lines_list", summary="List the lines", tags=TAGS),
    retrieve=extend_schema(operation_id="notification_lines_read", summary="Show a line", tags=TAGS),
)
class Lines(InCompany):
    """Who is told in which scenario."""

    model = NotificationLine
    shown_as = NotificationLineSerializer
    lookup_url_kwarg = "line"
    pagination_class = None
    filter_backends = ()

    def rows(self) -> QuerySet[NotificationLine]:
        of = self.list_numbered(self.kwargs["list"])
        return of.lines.select_related("list__company", "user", "target").order_by("pk")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(NotificationLineSerializer(self.rows(), many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        operation_id="notification_lines_create",
        summary="Add a recipient in a scenario",
        tags=TAGS,
        request=NotificationLineWrite,
        responses={201: NotificationLineSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        of = self.list_numbered(self.kwargs["list"])
        self.require_scope(level_of(of))
        return self.shown(verbs.add_line(of, self.read(NotificationLineWrite), actor=self.actor), status=201)

    @extend_schema(
        operation_id="notification_lines_change",
        summary="Change a line",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=NotificationLineWrite,
        responses=NotificationLineSerializer,
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        values = self.read(NotificationLineWrite, partial=True)
        with self.expecting() as line:
            self.require_scope(level_of(line.list))
            changed = verbs.change_line(line, values, actor=self.actor)
        return self.shown(changed)

    @extend_schema(
        operation_id="notification_lines_delete",
        summary="Remove a line",
        tags=TAGS,
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.expecting() as line:
            self.require_scope(level_of(line.list))
            verbs.remove_line(line, actor=self.actor)
        return Response(status=204)


class Default(InCompany):
    """The list that hears of the company's failures where nobody else is listed."""

    shown_as = DefaultSerializer
    model = NotificationList
    levels = {"change": "administer"}
    pagination_class = None
    filter_backends = ()

    @extend_schema(
        operation_id="default_list_read",
        summary="Show the default list",
        tags=TAGS,
        responses=DefaultSerializer,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return polled_by_tag(request, self._body())

    @extend_schema(
        operation_id="default_list_choose",
        summary="Choose the default list",
        tags=TAGS,
        parameters=[IF_MATCH],
        request=DefaultChosen,
        responses=DefaultSerializer,
    )
    def change(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        number = self.read(DefaultChosen)["list"]
        chosen = None if number is None else self.list_numbered(number)
        with transaction.atomic():
            Company.objects.select_for_update(no_key=True).get(pk=self.company.pk)
            require_tag(request, self._body(), what=f"The default list of “{self.company}”")
            verbs.set_default_list(self.company, chosen, actor=self.actor)
        return tagged(self._body())

    def _body(self, row: Any = None) -> Any:
        return DefaultSerializer({"list": self.lists().filter(is_default=True).first()}).data


class EntryLists(InCompany):
    """Which shared lists hear of an entry; entries of a package are told through it."""

    shown_as = NotificationListSerializer
    model = NotificationList
    pagination_class = None
    filter_backends = ()

    def rows(self) -> QuerySet[NotificationList]:
        return self.lists().filter(entry_links__entry_id=self._entry().id)

    @extend_schema(operation_id="entry_lists_list", summary="List the lists of an entry", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(NotificationListSerializer(self.rows(), many=True).data)

    @extend_schema(
        operation_id="entry_lists_link",
        summary="Let a list hear of the entry",
        tags=TAGS,
        request=ListChosen,
        responses=NotificationListSerializer(many=True),
    )
    def link(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        entry, number = self._entry(), self.read(ListChosen)["list"]
        verbs.link_entry(entry, self.list_numbered(number), actor=self.actor)
        return self.list(request)

    @extend_schema(
        operation_id="entry_lists_unlink",
        summary="Take a list off the entry",
        tags=TAGS,
        responses={204: None},
    )
    def unlink(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        verbs.unlink_entry(self._entry(), self.list_numbered(self.kwargs["list"]), actor=self.actor)
        return Response(status=204)

    def _entry(self) -> Entry:
        key = str(self.kwargs["entry"])
        lookup = entry_lookup(key)
        rows = Entry.objects.select_related("company").filter(company=self.company)
        found = None if lookup is None else rows.filter(**lookup).first()
        if found is None:
            raise NotFound(
                f"There is no job queue entry {key[:80]} in “{self.company}”. Look at the entries."
            )
        return found


class Scenarios(CompanyApiView):
    """The occasions lists and webhooks can name."""

    @extend_schema(
        operation_id="scenarios_list",
        summary="List scenarios",
        tags=TAGS,
        responses=ScenarioSerializer(many=True),
    )
    def get(self, request: Request, company: str) -> Response:
        return Response(ScenarioSerializer(scenarios.registered(), many=True).data)
