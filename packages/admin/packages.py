"""*Job Queue Packages*: the list people work from (*Packages reference, Pages and actions*)."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from jobqueue.admin import words as plain_words
from jobqueue.admin.base import PagedList
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.tabs import tab
from packages.admin import looks, words
from packages.admin.card import PackageCard
from packages.admin.filters import LastOutcomeFilter, OnErrorFilter, PackageTab
from packages.admin.state import states_of
from packages.models import Package, Run
from packages.states import OnError

ROW_VERBS = ("set-active", "set-on-hold", "run-now", "cancel-run", "resume", "copy", "delete-package")
HIDDEN_UNLESS_POSSIBLE = ("cancel-run", "resume")


class PackageChangeList(PagedList):
    """Gives each row of the page its live state and its buttons."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        states = states_of(self.result_list)
        here = request.get_full_path()
        for package in self.result_list:
            package.state_shown = states[package.pk]
            buttons = self.model_admin.buttons(request, package, ROW_VERBS)
            package.row_buttons = [
                button
                for button in buttons
                if button.enabled or button.verb.name not in HIDDEN_UNLESS_POSSIBLE
            ]
            package.seen_from = here


@admin.register(Package)
class PackageAdmin(PackageCard):
    """The list: tabs with counts, search, filters, row menus and bulk verbs."""

    list_display = (
        "status_shown",
        "description_shown",
        "running_shown",
        "next_run_shown",
        "outcome_shown",
        "on_error_shown",
        "menu_shown",
    )
    list_display_links = None
    list_filter = (PackageTab, OnErrorFilter, LastOutcomeFilter)
    search_fields = ("name", "description")
    search_help_text = "Search name and description"
    ordering = ("name",)
    list_before_template = "packages/admin/list_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("held_by", "identity", "run_as_user", "company")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PackageChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": "Job queue packages", "tabs": package_tabs(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    # --- cells
    @display(description="Status", ordering="status")
    def status_shown(self, package: Any) -> SafeString:
        return looks.status_badge(package, is_running=package.state_shown.is_running)

    @display(description="Name", ordering="name")
    def description_shown(self, package: Any) -> SafeString:
        note = first_line(package.description, length=120)
        return format_html(
            '<a class="jw-name" href="{}">{}</a>{}',
            reverse("admin:packages_package_change", args=[package.pk]),
            package.name,
            format_html('<span class="jw-line jw-line--subtle">{}</span>', note) if note else "",
        )

    @display(description="Running line")
    def running_shown(self, package: Any) -> SafeString:
        state = package.state_shown
        if state.open_run is None:
            return mark_safe('<span class="jw-none">–</span>')
        address = words.run_address(state.open_run)
        line = words.running_line(state.lines) or "ending"
        return format_html('<a class="jw-link" href="{}">{}</a>', address, line)

    @display(description="Next run", ordering="next_run_at")
    def next_run_shown(self, package: Any) -> SafeString:
        return words.next_run(package, now=package.seen_at)

    @display(description="Last outcome", ordering="last_outcome")
    def outcome_shown(self, package: Any) -> SafeString:
        if not package.last_outcome:
            return mark_safe('<span class="jw-none">never ran</span>')
        run = package.state_shown.last_run
        badge = looks.outcome_badge(package.last_outcome)
        when = plain_words.moment(package.last_run_at, now=package.seen_at)
        if run is None:
            return format_html('{}<span class="jw-line jw-line--subtle">{}</span>', badge, when)
        return format_html(
            '<a href="{}">{}<span class="jw-line jw-line--subtle">{}</span></a>',
            words.run_address(run),
            badge,
            when,
        )

    @display(description="On Error", ordering="on_error")
    def on_error_shown(self, package: Any) -> str:
        return OnError(package.on_error).label

    @display(description="")
    def menu_shown(self, package: Any) -> SafeString:
        links = [
            (
                "Log Entries",
                "receipt_long",
                f"{reverse('admin:packages_run_changelist')}?package={package.uuid}",
            )
        ]
        context = {
            "buttons": package.row_buttons,
            "entry": package,
            "next": package.seen_from,
            "links": links,
        }
        return mark_safe(render_to_string("jobqueue/admin/row_menu.html", context))


def package_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """The tabs with their counts, in two queries."""
    rows = Package.objects.filter(company=request.company).order_by().values_list("status")
    counts: dict[str, int] = dict(rows.annotate(Count("pk")))
    running = Run.objects.filter(company=request.company, is_open=True).count()
    found = []
    for name, label in PackageTab.TABS:
        count = sum(counts.values()) if not name else counts.get(name.replace("-", "_"), 0)
        if name == PackageTab.RUNNING:
            count = running
        found.append(tab(request, name, label, count=count))
    return found
