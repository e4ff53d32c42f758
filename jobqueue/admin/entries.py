"""Job queue entries: the list people work from (*Job queue reference, Job Queue Entries*)."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from jobqueue import housekeeping, lifecycle
from jobqueue.admin import badges, extensions, words
from jobqueue.admin.base import PagedList, may, now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.entry_card import EntryCard
from jobqueue.admin.entry_cells import row_menu, running_user, schedule_in_words
from jobqueue.admin.entry_verbs import VERBS
from jobqueue.admin.entry_words import run_in_process
from jobqueue.admin.filters import (
    CategoryFilter,
    EntryTab,
    ObjectFilter,
    OwnerFilter,
    RecurringFilter,
    UserFilter,
)
from jobqueue.admin.recent_runs import recent_runs
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.role_centre import late_count, running_count, status_counts
from jobqueue.admin.tabs import tab
from jobqueue.admin.verbs import Verb
from jobqueue.conf import settings
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.states import CategoryPriority, LogStatus, ObjectType, Status

QUALIFIERS = {
    "user": "user__username__icontains",
    "category": "category_code__iexact",
    "job": "object_id",
    "error": "error_message__icontains",
    "id": "entry_no",
}
ROW_VERBS = (
    "set-ready",
    "set-on-hold",
    "restart",
    "run-now",
    "run-once",
    "cancel-run",
    "copy",
    "delete-entry",
)


class EntryChangeList(PagedList):
    """Gives each row of the page what its cells show: the moment of reading, the latest runs, owner and buttons."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        runs = recent_runs([entry.id for entry in self.result_list])
        owners = extensions.describe_owners(self.result_list)
        columns = extensions.entry_columns(request)
        cells = [column.describe(request, self.result_list) for column in columns]
        here = request.get_full_path()
        for entry in self.result_list:
            entry.latest_runs = runs[entry.id]
            entry.owner_shown = owners.get(entry.pk)
            entry.marks_shown = [cell[entry.pk] for cell in cells if entry.pk in cell]
            entry.row_buttons = self.model_admin.buttons(request, entry, ROW_VERBS)
            entry.seen_from = here


@admin.register(Entry)
class EntryAdmin(EntryCard):
    """The list: tabs with counts, search with qualifiers, filters, row menus and bulk verbs."""

    verbs: tuple[Verb, ...] = VERBS
    list_display = (
        "status_shown",
        "description_shown",
        "schedule_shown",
        "next_run_shown",
        "runs_shown",
        "category_shown",
        "user_shown",
        "menu_shown",
    )
    list_display_links = None
    list_filter = (EntryTab, ObjectFilter, CategoryFilter, UserFilter, RecurringFilter, OwnerFilter)
    search_fields = ("description", "parameter_string", "error_message", "category_code", "user__username")
    search_help_text = "Search, or user: category: job: error: id:"
    ordering = ("entry_no",)
    list_before_template = "jobqueue/admin/entry_tabs.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user", "held_by")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EntryChangeList

    def get_list_display(self, request: HttpRequest) -> Any:
        """With a column for owners where there are owned entries, and one for what other apps add where they do."""
        more = []
        if (
            extensions.owners()
            and Entry.objects.filter(company=request.company).exclude(owner_kind="").exists()
        ):
            more.append("owner_cell")
        if extensions.entry_columns(request):
            more.append("marks_cell")
        return (*self.list_display[:2], *more, *self.list_display[2:])

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        counts = status_counts(request.company)
        chosen = request.GET.get(EntryTab.parameter_name, "")
        late = late_count(request.company, now=now_of(request))
        context = {
            "title": "Job queue entries",
            "tabs": entry_tabs(
                request,
                counts=counts,
                late=late,
                in_process=running_count(request.company),
                chosen=chosen,
            ),
            "failed_count": counts.get(Status.ERROR, 0) if may(request, "schedule") else 0,
            "check_stale": may(request, "administer"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Plain words as usual; ``user:``, ``category:``, ``job:``, ``error:`` and ``id:`` narrow one field."""
        plain = []
        for word in search_term.split():
            name, colon, value = word.partition(":")
            lookup = QUALIFIERS.get(name.lower())
            if not colon or not value or lookup is None:
                plain.append(word)
            elif name.lower() == "job":
                queryset = queryset.filter(_about_object(value))
            elif name.lower() == "id":
                queryset = queryset.filter(entry_no=int(value)) if _number(value) else queryset.none()
            else:
                queryset = queryset.filter(**{lookup: value})
        return super().get_search_results(request, queryset, " ".join(plain))

    # --- verbs of the whole list
    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "remove-failed/",
                self.admin_site.admin_view(self.remove_failed),
                name="jobqueue_entry_remove_failed",
            ),
            path(
                "check-stale/",
                self.admin_site.admin_view(self.check_stale),
                name="jobqueue_entry_check_stale",
            ),
        ]
        return own + super().get_urls()

    def remove_failed(self, request: HttpRequest) -> HttpResponse:
        """*Remove Failed Entries*: asks first, and names the half minute of grace the program keeps."""
        grace = settings().remove_failed_grace_seconds

        def act() -> str:
            count = lifecycle.remove_failed_entries(request.company, actor=actor_of(request))
            return f"{words.counted(count, 'failed entry', 'failed entries')} removed."

        return self.asked_first(
            request,
            level="schedule",
            act=act,
            label="Remove failed entries",
            question=f"Remove the entries in Error of {request.company} that run only once?",
            explanation=f"Recurring entries stay, and so do those that failed less than {grace} seconds ago. Log "
            "entries are kept.",
            danger=True,
        )

    def check_stale(self, request: HttpRequest) -> HttpResponse:
        """*Check for stale jobs*: what the daily clean-up does, at once."""

        def act() -> str:
            count = housekeeping.check_stale(request.company, actor=actor_of(request))
            return f"{words.counted(count, 'stale job')} set to Error." if count else "No job is stale."

        return self.asked_first(
            request,
            level="administer",
            act=act,
            label="Check for stale jobs",
            question=f"Look for jobs of {request.company} that say they run, or should, but have no task?",
            explanation="They are set to Error with a message that says so. The daily clean-up does the same.",
        )

    # --- cells
    @display(description="Status", ordering="status")
    def status_shown(self, entry: Entry) -> SafeString:
        shown = badges.entry_badge(entry, now=entry.seen_at)
        if entry.status != Status.IN_PROCESS and run_in_process(entry) is not None:
            return format_html('{}<span class="jw-line jw-line--subtle">a run is in process</span>', shown)
        if not entry.attempts:
            return shown
        return format_html(
            '{}<span class="jw-line jw-line--subtle">{} of {} retries used</span>',
            shown,
            entry.attempts,
            entry.max_attempts,
        )

    @display(description="Description", ordering="description")
    def description_shown(self, entry: Entry) -> SafeString:
        job = registry.find(entry.object_type, entry.object_id)
        kind = ObjectType(entry.object_type).label
        caption = job.caption if job is not None else "not registered"
        # Most entries are named after their object: then its number says enough.
        under = format_html(
            "{}{}",
            " ".join([kind, str(entry.object_id), *([caption] if caption != str(entry) else [])]),
            # Where the list has no room for the column of categories; a phone has.
            format_html('<span class="jw-code--beside"> · {}</span>', entry.category_code)
            if entry.category_code
            else "",
        )
        note = ""
        if entry.status == Status.ERROR and entry.error_message:
            note = format_html(
                '<span class="jw-line jw-line--error">{}</span>', first_line(entry.error_message)
            )
        elif entry.status == Status.ON_HOLD and entry.hold_reason:
            note = format_html('<span class="jw-line">{}</span>', entry.hold_reason)
        return format_html(
            '<a class="jw-name" href="{}">{}</a><span class="jw-line jw-line--subtle">{}</span>{}',
            reverse("admin:jobqueue_entry_change", args=[entry.pk]),
            str(entry),
            under,
            note,
        )

    @display(description=extensions.OwnerLabel())
    def owner_cell(self, entry: Entry) -> SafeString:
        shown = getattr(entry, "owner_shown", None)
        if shown is None:
            return mark_safe('<span class="jw-none">–</span>')
        return format_html(
            '<a class="jw-link" href="{}">{}</a><span class="jw-line jw-line--subtle">{}</span>',
            shown.address,
            shown.name,
            shown.place,
        )

    @display(description=extensions.ColumnLabel())
    def marks_cell(self, entry: Entry) -> SafeString:
        marks = getattr(entry, "marks_shown", None)
        if not marks:
            return mark_safe('<span class="jw-none">–</span>')
        return format_html_join(" ", "{}", ((mark,) for mark in marks))

    @display(description="Schedule")
    def schedule_shown(self, entry: Entry) -> SafeString:
        if entry.owner_kind:
            return mark_safe('<span class="jw-none">–</span>')
        return format_html('<span class="jw-schedule">{}</span>', schedule_in_words(entry))

    @display(description="Next run", ordering="earliest_start_at")
    def next_run_shown(self, entry: Entry) -> SafeString:
        if entry.status == Status.ON_HOLD and entry.held_until is not None:
            until = words.moment(entry.held_until, now=entry.seen_at)
            return format_html('<span class="jw-line--subtle">held until</span> {}', until)
        if entry.status not in (Status.READY, Status.INACTIVITY, Status.WAITING):
            return mark_safe('<span class="jw-none">–</span>')
        return words.moment(entry.earliest_start_at, now=entry.seen_at, zone_name=entry.time_zone)

    @display(description="Last 10 runs")
    def runs_shown(self, entry: Entry) -> SafeString:
        """Ticks, and the last result in words beneath them."""
        ended = next((run for run in entry.latest_runs if run.status != LogStatus.IN_PROCESS), None)
        if ended is None:
            return mark_safe('<span class="jw-none">never ran</span>')
        took = words.duration(ended.duration_ms) if ended.started_at and ended.ended_at else ""
        return format_html(
            '{}<a class="jw-line jw-line--subtle jw-name-link" href="{}">{}{}</a>',
            badges.run_ticks(entry.latest_runs, now=entry.seen_at),
            reverse("admin:jobqueue_logentry_change", args=[ended.entry_no]),
            LogStatus(ended.status).label,
            f", {took}" if took else "",
        )

    @display(description="Category", ordering="category_code")
    def category_shown(self, entry: Entry) -> SafeString:
        if not entry.category_code:
            return mark_safe('<span class="jw-none">–</span>')
        priority = CategoryPriority(entry.priority_within_category)
        rank = "" if priority == CategoryPriority.NORMAL else f" · {priority.label}"
        return format_html(
            '<span class="jw-code">{}</span><span class="jw-none">{}</span>', entry.category_code, rank
        )

    @display(description="Runs as", ordering="user__username")
    def user_shown(self, entry: Entry) -> SafeString:
        return running_user(entry)

    @display(description="")
    def menu_shown(self, entry: Entry) -> SafeString:
        return row_menu(entry)


def entry_tabs(
    request: HttpRequest, *, counts: dict[int, int], late: int, in_process: int, chosen: str
) -> list[dict[str, Any]]:
    """The tabs with their counts; *Late* appears only when something is, or when it is being looked at."""
    tabs = []
    for name, label, statuses in EntryTab.TABS:
        of_their_own = {"": sum(counts.values()), "late": late, "in-process": in_process}
        count = of_their_own.get(name, sum(counts.get(status, 0) for status in statuses))
        if name in ("late", "inactive") and not count and chosen != name:
            continue
        tabs.append(tab(request, name, label, count=count))
    return tabs


def _about_object(value: str) -> Q:
    """Entries whose object has this number, or these letters in its caption."""
    if _number(value):
        return Q(object_id=int(value))
    found = [job for job in registry.all() if value.lower() in job.caption.lower()]
    wanted = Q(pk__in=[])
    for job in found:
        wanted |= Q(object_type=int(job.object_type), object_id=job.object_id)
    return wanted


def _number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 10
