"""*Job Queue Package Log Entries*: the runs of packages, newest first, read-only (*Packages reference, Log*)."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue.admin import words as plain_words
from jobqueue.admin.base import now_of
from jobqueue.admin.polling import polled
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.tabs import tab
from packages.admin import looks, words
from packages.admin.base import ReadOnlyPackagesAdmin
from packages.admin.filters import PackageFilter, PeriodFilter, RunTab
from packages.admin.run_page import run_page
from packages.models import Run, StatusChange
from packages.states import Outcome

SHOWN_CHANGES = 10


@admin.register(Run)
class RunAdmin(ReadOnlyPackagesAdmin):
    """The list of runs and the page of one."""

    list_display = (
        "outcome_shown",
        "description_shown",
        "trigger_shown",
        "started_shown",
        "duration_shown",
        "lines_shown",
    )
    list_display_links = None
    list_filter = (RunTab, PackageFilter, PeriodFilter)
    search_fields = ("package_name", "message")
    ordering = ("-number",)
    list_before_template = "packages/admin/log_head.html"
    list_after_template = "packages/admin/log_foot.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("started_by", "package")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tabs = [tab(request, name, label) for name, label, _ in RunTab.TABS]
        context = {"title": "Job queue package log entries", "tabs": tabs, "now": now_of(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Adds, for the log of one package, its name and the changes of its status."""
        found = super().get_changelist_instance(request)
        if request.GET.get(PackageFilter.parameter_name):
            rows: Iterable[Run] = found.result_list
            run = next(iter(rows), None)
            found.of_package = run
            found.status_changes = (
                []
                if run is None
                else list(
                    StatusChange.objects.filter(company=request.company, package_uuid=run.package_uuid)
                    .select_related("user")
                    .order_by("-id")[:SHOWN_CHANGES]
                )
            )
        return found

    # --- cells
    @display(description="Outcome", ordering="outcome")
    def outcome_shown(self, run: Run) -> SafeString:
        return looks.run_badge(run)

    @display(description="Run")
    def description_shown(self, run: Run) -> SafeString:
        note = ""
        if run.message:
            look = "jw-line--error" if run.outcome in (Outcome.ERROR, Outcome.WITH_ERRORS) else ""
            note = format_html('<span class="jw-line {}">{}</span>', look, first_line(run.message))
        gap = f" · {run.gap_count} due times" if run.gap_count > 1 else ""
        return format_html(
            '<a class="jw-name" href="{}">{}</a><span class="jw-line jw-line--subtle">Run {}{}</span>{}',
            words.run_address(run),
            run.package_name,
            run.number,
            gap,
            note,
        )

    @display(description="Trigger")
    def trigger_shown(self, run: Run) -> str:
        return words.trigger_words(run)

    @display(description="Started", ordering="number")
    def started_shown(self, run: Run) -> SafeString:
        return plain_words.moment(run.started_at or run.due_at, now=run.seen_at)

    @display(description="Duration")
    def duration_shown(self, run: Run) -> SafeString:
        return words.run_duration(run, now=run.seen_at)

    @display(description="Lines")
    def lines_shown(self, run: Run) -> str:
        return words.counted_lines(run) if run.lines_total else "–"

    # --- one run
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """A page of its own: nothing on it can be changed."""
        run = self.object_or_404(request, object_id or "")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Run {run.number}",
            "original": run,
            **run_page(request, run),
        }
        return polled(
            request, "packages/admin/run_card.html", context, region="packages/admin/run_card_body.html"
        )
