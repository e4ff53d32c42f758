"""Side filters of the lists. Choices come from rows of the company in the address, in one query each."""

import re
import uuid
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from jobqueue.admin import badges, extensions
from jobqueue.admin.base import now_of
from jobqueue.models import Category, Company, Entry
from jobqueue.objects import registry
from jobqueue.querysets import running_entries
from jobqueue.states import LogStatus, ObjectType, Status

# Addresses are typed and forged: what is not a number of this size is no choice of the filter.
KIND_AND_NUMBER = re.compile(r"([0-9]{1,2})-(-?[0-9]{1,9})")
ROW_KEY = re.compile(r"[0-9]{1,18}")


class HiddenFilter(SimpleListFilter):
    """A filter set by tabs or links instead of the side panel."""

    title = ""
    template = "jobqueue/admin/hidden_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]

    def has_output(self) -> bool:
        return True


class EntryTab(HiddenFilter):
    parameter_name = "tab"
    TABS: tuple[tuple[str, str, tuple[Status, ...]], ...] = (
        ("", "All", ()),
        ("ready", "Ready", (Status.READY,)),
        ("late", "Late", ()),
        ("in-process", "In Process", (Status.IN_PROCESS,)),
        ("waiting", "Waiting", (Status.WAITING,)),
        ("on-hold", "On Hold", (Status.ON_HOLD,)),
        ("inactive", "Inactive", (Status.INACTIVITY,)),
        ("error", "Error", (Status.ERROR,)),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "late":
            return queryset.filter(
                status=Status.READY, earliest_start_at__lt=now_of(request) - badges.LATE_AFTER
            )
        if self.value() == "in-process":
            return queryset.filter(pk__in=running_entries(request.company).values("pk"))
        for name, _label, statuses in self.TABS:
            if name and name == self.value():
                return queryset.filter(status__in=statuses)
        return queryset


class LogTab(HiddenFilter):
    parameter_name = "tab"
    TABS: tuple[tuple[str, str, tuple[LogStatus, ...]], ...] = (
        ("", "All", ()),
        ("in-process", "In Process", (LogStatus.IN_PROCESS,)),
        ("error", "Error", (LogStatus.ERROR,)),
        ("success", "Success", (LogStatus.SUCCESS,)),
        ("no-run", "Did not run", (LogStatus.SKIPPED, LogStatus.MISSED, LogStatus.CANCELLED)),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        for name, _label, statuses in self.TABS:
            if name and name == self.value():
                return queryset.filter(status__in=statuses)
        return queryset


class OfEntry(HiddenFilter):
    """``?entry=<uuid>``: the rows about one entry, also after it was deleted."""

    parameter_name = "entry"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        try:
            return queryset.filter(entry_id=uuid.UUID(self.value()))
        except ValueError:
            return queryset.none()


def objects_of(model: type[Model], company: Company, *, at_most: int = 200) -> list[tuple[int, int]]:
    """Types and numbers of the job objects in the company's rows, in order.

    PostgreSQL does not look for distinct values by stepping from one to the next, and a log has millions of rows for a
    few objects; so the steps are spelled out, each one look into the index.
    """
    if connection.vendor != "postgresql":
        rows = model._default_manager.filter(company=company).order_by("object_type", "object_id")
        return list(rows.values_list("object_type", "object_id").distinct()[:at_most])
    table = connection.ops.quote_name(model._meta.db_table)
    first = f"SELECT object_type, object_id FROM {table} WHERE company_id = %(company)s"
    order = "ORDER BY object_type, object_id LIMIT 1"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE found AS (({first} {order}) UNION ALL SELECT following.* FROM found, LATERAL ({first}"
            f" AND (object_type, object_id) > (found.object_type, found.object_id) {order}) AS following)"
            " SELECT object_type, object_id FROM found LIMIT %(at_most)s",
            {"company": company.pk, "at_most": at_most},
        )
        return cursor.fetchall()


class ObjectFilter(SimpleListFilter):
    title = "object"
    parameter_name = "object"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = objects_of(model_admin.model, request.company)
        return [(f"{kind}-{number}", self._caption(kind, number)) for kind, number in rows]

    @staticmethod
    def _caption(kind: int, number: int) -> str:
        job = registry.find(kind, number)
        return f"{number} {job.caption}" if job is not None else f"{ObjectType(kind).label} {number}"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        found = KIND_AND_NUMBER.fullmatch(self.value() or "")
        return queryset.filter(object_type=int(found[1]), object_id=int(found[2])) if found else queryset


class CategoryFilter(SimpleListFilter):
    title = "category"
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Category.objects.filter(company=request.company)
        return [("-", "No category"), *((item.code, str(item)) for item in rows)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() is None:
            return queryset
        return queryset.filter(category_code="" if self.value() == "-" else self.value())


class UserFilter(SimpleListFilter):
    title = "running user"
    parameter_name = "user"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        used = (
            Entry.objects.filter(company=request.company, user__isnull=False)
            .order_by()
            .values("user")
            .distinct()
        )
        users = get_user_model().objects.filter(pk__in=used).order_by("username")
        return [(str(user.pk), user.get_username()) for user in users[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value() or ""
        return queryset.filter(user_id=int(value)) if ROW_KEY.fullmatch(value) else queryset


class RecurringFilter(SimpleListFilter):
    title = "recurring"
    parameter_name = "recurring"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Recurring"), ("no", "Runs once")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(recurring=self.value() == "yes")


class OwnerFilter(SimpleListFilter):
    """``?owner=-``: entries nobody owns; ``?owner=<kind>:<key>``: those of one owner."""

    title = "owner"
    parameter_name = "owner"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.title = str(extensions.OwnerLabel()).lower()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = [
            (f"{pages.kind}:{value}", label)
            for pages in extensions.owners()
            for value, label in pages.choices(request)
        ]
        return [("-", f"No {str(extensions.OwnerLabel()).lower()}"), *found] if found else []

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "-":
            return queryset.filter(owner_kind="")
        kind, colon, value = (self.value() or "").partition(":")
        for pages in extensions.owners():
            if colon and pages.kind == kind:
                return pages.narrow(queryset, value)
        return queryset
