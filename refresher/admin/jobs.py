"""*Monitored Job Queue Entries*: expected against actual, and what can be done about a difference."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from jobqueue.admin import badges, words
from jobqueue.admin.base import PagedList, may, now_of
from jobqueue.admin.entry_cells import schedule_in_words
from jobqueue.admin.filters import HiddenFilter
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.tabs import chosen_tab, tab
from jobqueue.objects import registry
from jobqueue.states import ObjectType
from refresher.admin import looks
from refresher.admin.job_card import JobCard
from refresher.admin.job_pages import JobPages
from refresher.admin.seen import NEEDING, seen, setup_seen, why_left_alone, works
from refresher.models import MonitoredJob
from refresher.standing import CONDITION_WORDS, Condition, standings
from refresher.states import RefreshStatus
from refresher.templates import as_entry

ROW_VERBS = ("repair", "accept", "assign-runner", "stop-monitoring")
SHOWN_FIELDS = 3


class ConditionTab(HiddenFilter):
    """How the jobs stand now; *Needs attention* is everything but OK and held by a person."""

    parameter_name = "tab"
    ATTENTION = "attention"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        wanted = self.value()
        if wanted == self.ATTENTION:
            conditions: tuple[Condition, ...] = NEEDING
        elif wanted in list(Condition):
            conditions = (Condition(wanted),)
        else:
            return queryset
        return queryset.filter(pk__in=[one.job.pk for one in seen(request).of(*conditions)])


class JobChangeList(PagedList):
    """Gives each row of the page its standing and its buttons."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        here = request.get_full_path()
        for standing in standings(self.result_list, now=now_of(request)):
            job: Any = standing.job
            job.standing = standing
            job.row_buttons = self.model_admin.buttons(request, job, ROW_VERBS)
            job.seen_from = here
            job.served_by = job.runner or setup_seen(request).default_runner
            job.in_external_mode = setup_seen(request).use_external
            job.is_served = job.served_by is not None and works(request, job.served_by)


@admin.register(MonitoredJob)
class MonitoredJobAdmin(JobPages, JobCard):
    """The list: tabs by condition with counts, search, row menus and bulk verbs."""

    list_display = (
        "condition_shown",
        "description_shown",
        "expected_shown",
        "actual_shown",
        "refresh_shown",
        "runner_shown",
        "menu_shown",
    )
    list_display_links = None
    list_filter = (ConditionTab,)
    search_fields = (
        "description",
        "category_code",
        "parameter_string",
        "last_error",
        "runner__user__username",
    )
    search_help_text = "Search description, category, error, runner"
    ordering = ("description", "pk")
    list_before_template = "refresher/admin/job_list_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("company", "runner__user", "last_user")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return JobChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        context = {
            "title": "Monitored job queue entries",
            "tabs": condition_tabs(request),
            "may_schedule": may(request, "schedule"),
            "may_administer": may(request, "administer"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    # --- cells
    @display(description="State")
    def condition_shown(self, job: Any) -> SafeString:
        return looks.condition_badge(job.standing.condition)

    @display(description="Job", ordering="description")
    def description_shown(self, job: Any) -> SafeString:
        return format_html(
            '<a class="jw-name" href="{}">{}</a>{}<span class="jw-line jw-line--subtle">{}</span>',
            self.card_address(job),
            str(job),
            protected_mark(job),
            object_in_words(job),
        )

    @display(description="Expected")
    def expected_shown(self, job: Any) -> SafeString:
        return format_html('<span class="jw-schedule">{}</span>', schedule_in_words(as_entry(job)))

    @display(description="Actual")
    def actual_shown(self, job: Any) -> SafeString:
        standing = job.standing
        if standing.entry is None:
            return mark_safe('<span class="jw-none">no entry</span>')
        link = format_html(
            '<a href="{}">{}</a>',
            reverse("admin:jobqueue_entry_change", args=[standing.entry.pk]),
            badges.entry_badge(standing.entry, now=job.seen_at),
        )
        why = why_left_alone(standing, now=job.seen_at)
        note = format_html('<span class="jw-line jw-line--subtle">{}</span>', why) if why else ""
        return format_html("{}{}{}", link, self._differing(standing.changes), note)

    @staticmethod
    def _differing(changes: dict[str, list[str]]) -> SafeString:
        if not changes:
            return mark_safe("")
        names = list(changes)
        more = f" and {len(names) - SHOWN_FIELDS} more" if len(names) > SHOWN_FIELDS else ""
        listed = format_html_join(", ", "{}", ((name,) for name in names[:SHOWN_FIELDS]))
        return format_html('<span class="jw-line jw-drift">Differs: {}{}</span>', listed, more)

    @display(description="Last refresh", ordering="last_refresh_at")
    def refresh_shown(self, job: Any) -> SafeString:
        when = words.moment(job.last_refresh_at, now=job.seen_at, empty="")
        failed = job.last_refresh_status == RefreshStatus.ERROR
        said = first_line(job.last_error if failed else job.last_reason, length=160)
        look = "jw-line--error" if failed else "jw-line--subtle"
        return format_html(
            '{} {}<span class="jw-line {}">{}</span>', looks.refresh_badge(job), when, look, said
        )

    @display(description="Runner", ordering="runner__user__username")
    def runner_shown(self, job: Any) -> SafeString:
        if not job.in_external_mode:
            name = job.runner.name if job.runner is not None else "–"
            return format_html('<span class="jw-none">{}</span>', name)
        if job.served_by is None:
            return mark_safe('<span class="jw-line--error">nobody</span>')
        note = (
            ""
            if job.runner is not None
            else mark_safe('<span class="jw-line jw-line--subtle">default</span>')
        )
        look = "" if job.is_served else "jw-line--error"
        return format_html('<span class="{}">{}</span>{}', look, job.served_by.name, note)

    @display(description="")
    def menu_shown(self, job: Any) -> SafeString:
        return mark_safe(
            render_to_string(
                "jobqueue/admin/row_menu.html",
                {"buttons": job.row_buttons, "entry": job, "next": job.seen_from},
            )
        )


def condition_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """All, what needs attention, and each condition some job is in."""
    found = seen(request)
    rows: list[tuple[str, str, int]] = [
        ("", "All", len(found.standings)),
        (ConditionTab.ATTENTION, "Needs attention", len(found.of(*NEEDING))),
        *((one.value, CONDITION_WORDS[one], len(found.of(one))) for one in Condition),
    ]
    return [
        tab(request, name, label, count=count, look="error" if name == ConditionTab.ATTENTION else "")
        for name, label, count in rows
        if count or name in ("", ConditionTab.ATTENTION, chosen_tab(request))
    ]


def object_in_words(job: MonitoredJob) -> str:
    """``Codeunit 50102 Update currency rates``."""
    found = registry.find(job.object_type, job.object_id)
    caption = found.caption if found is not None else "not registered"
    return f"{ObjectType(job.object_type).label} {job.object_id} {caption if caption != str(job) else ''}".strip()


def protected_mark(job: MonitoredJob) -> SafeString:
    if not job.is_protected:
        return mark_safe("")
    word = "customisable" if job.is_customisable else "protected"
    return format_html(
        ' <span class="jw-mark" title="Registered by {}"><span class="material-symbols-outlined" aria-hidden="true">'
        "shield_lock</span>{}</span>",
        job.registered_by or "code",
        word,
    )
