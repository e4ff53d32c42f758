"""Side filters and tabs of the lists of packages and of their runs."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from jobqueue.admin.base import now_of
from jobqueue.admin.filters import HiddenFilter
from packages.models import Package, Run
from packages.states import OnError, Outcome, PackageStatus

MOST_CHOICES = 200


class PackageTab(HiddenFilter):
    """The statuses, and *Running*: packages with an open run, whatever their status."""

    parameter_name = "tab"
    RUNNING = "running"
    TABS: tuple[tuple[str, str], ...] = (
        ("", "All"),
        (RUNNING, "Running"),
        *((status.value.replace("_", "-"), status.label) for status in PackageStatus),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == self.RUNNING:
            return queryset.filter(Exists(Run.objects.filter(package=OuterRef("pk"), is_open=True)))
        status = (self.value() or "").replace("-", "_")
        return queryset.filter(status=status) if status in PackageStatus.values else queryset


class OnErrorFilter(SimpleListFilter):
    title = "On Error"
    parameter_name = "on_error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(mode.value, mode.label) for mode in OnError]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(on_error=self.value()) if self.value() in OnError.values else queryset


class LastOutcomeFilter(SimpleListFilter):
    title = "last outcome"
    parameter_name = "last_outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        ran = (Outcome.SUCCESS, Outcome.WITH_ERRORS, Outcome.ERROR, Outcome.STOPPED)
        return [("-", "Never ran"), *((outcome.value, outcome.label) for outcome in ran)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "-":
            return queryset.filter(last_outcome="")
        return queryset.filter(last_outcome=self.value()) if self.value() in Outcome.values else queryset


class RunTab(HiddenFilter):
    parameter_name = "tab"
    TABS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("", "All", ()),
        ("running", "Running", ()),
        ("success", "Success", (Outcome.SUCCESS,)),
        ("with-errors", "Completed with Errors", (Outcome.WITH_ERRORS,)),
        ("error", "Error", (Outcome.ERROR,)),
        ("stopped", "Stopped", (Outcome.STOPPED,)),
        ("no-run", "Did not run", (Outcome.MISSED, Outcome.SKIPPED)),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "running":
            return queryset.filter(is_open=True)
        for name, _label, outcomes in self.TABS:
            if name and name == self.value():
                return queryset.filter(outcome__in=outcomes)
        return queryset


class PackageFilter(SimpleListFilter):
    """``?package=<uuid>``: the runs of one package, also after it was deleted."""

    title = "package"
    parameter_name = "package"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Package.objects.filter(company=request.company).order_by("name")[:MOST_CHOICES]
        return [(str(package.uuid), package.name) for package in rows]

    def has_output(self) -> bool:
        return bool(self.lookup_choices) or self.value() is not None

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        try:
            return queryset.filter(package_uuid=uuid.UUID(self.value()))
        except ValueError:
            return queryset.none()


class PeriodFilter(SimpleListFilter):
    """Runs that were due in the last hours or days."""

    title = "period"
    parameter_name = "period"
    PERIODS: dict[str, tuple[str, timedelta]] = {
        "day": ("Last 24 hours", timedelta(hours=24)),
        "week": ("Last 7 days", timedelta(days=7)),
        "month": ("Last 30 days", timedelta(days=30)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in self.PERIODS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        found = self.PERIODS.get(self.value() or "")
        return queryset if found is None else queryset.filter(due_at__gte=now_of(request) - found[1])
