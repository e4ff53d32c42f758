"""Session events: which workers came and went, and which runs were ended by force; read-only."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from jobqueue.admin import badges, words
from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.admin.filters import HiddenFilter
from jobqueue.admin.record_pages import first_line
from jobqueue.models import Entry, SessionEvent

KIND = SessionEvent.Kind
LOOKS = {
    KIND.START: ("done", "tick"),
    KIND.STOP: ("cancelled", "stop"),
    KIND.REPLACED: ("waiting", "clock"),
    KIND.LOST: ("error", "link-off"),
    KIND.LOGON: ("done", "tick"),
    KIND.LOGOFF: ("cancelled", "stop"),
    KIND.KILLED: ("error", "link-off"),
    KIND.TIMEOUT: ("error", "clock"),
    KIND.CANCELLED: ("cancelled", "stop"),
    KIND.LATE: ("late", "clock"),
    KIND.UNKNOWN: ("waiting", "hourglass"),
}


class OfWorker(HiddenFilter):
    """``?worker=<id>``: the events of one worker process."""

    parameter_name = "worker"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value() or ""
        return queryset.filter(worker_id=int(value)) if value.isascii() and value.isdecimal() else queryset


@admin.register(SessionEvent)
class SessionEventAdmin(ReadOnlyAdmin):
    """Workers serve all companies; a session of another company's job is not shown."""

    company_lookup = None
    list_display = ("kind_shown", "at_shown", "host_shown", "session_shown", "entry_shown", "comment_shown")
    list_display_links = ("kind_shown",)
    list_filter = ("kind", OfWorker)
    search_fields = ("host", "comment", "user__username")
    newest_first = "id"
    fields = (
        "kind_shown",
        "at_shown",
        "cluster",
        "worker",
        "session_number",
        "host",
        "pid",
        "entry_shown",
        "user_shown",
        "task_id",
        "comment",
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request).filter(Q(company=request.company) | Q(company=None))
        return rows.select_related("user")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Session events", **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        entries = Entry.objects.filter(id__in={row.record for row in rows if row.record})
        by_id = {entry.id: entry for entry in entries}
        for row in rows:
            row.entry_behind = by_id.get(row.record)
        changelist.result_list = rows
        return changelist

    @display(description="Event", ordering="kind")
    def kind_shown(self, event: SessionEvent) -> SafeString:
        look, drawing = LOOKS[KIND(event.kind)]
        return badges.badge(KIND(event.kind).label, look=look, drawing=drawing)

    @display(description="At", ordering="id")
    def at_shown(self, event: SessionEvent) -> SafeString:
        return words.moment(event.at, now=getattr(event, "seen_at", None) or timezone.now())

    @display(description="Host and process", ordering="host")
    def host_shown(self, event: SessionEvent) -> SafeString:
        process = f"process {event.pid}" if event.pid else "–"
        line = format_html('<span class="jw-line jw-line--subtle">{}</span>', process)
        return format_html("{} {}", event.host or "–", line)

    @display(description="Worker and session")
    def session_shown(self, event: SessionEvent) -> SafeString:
        if event.worker_id:
            address = reverse("admin:jobqueue_workersession_change", args=[event.worker_id])
            name = f"Worker {event.worker_id}"
        elif event.cluster_id:
            address = reverse("admin:jobqueue_cluster_change", args=[event.cluster_id])
            name = f"Cluster {event.cluster_id}"
        else:
            return mark_safe('<span class="jw-none">–</span>')
        number = f"session {event.session_number}" if event.session_number else ""
        line = format_html('<span class="jw-line jw-line--subtle">{}</span>', number) if number else ""
        return format_html('<a class="jw-link" href="{}">{}</a> {}', address, name, line)

    @display(description="Job queue entry")
    def entry_shown(self, event: Any) -> SafeString:
        entry = getattr(event, "entry_behind", None)
        if entry is None and event.record and not hasattr(event, "entry_behind"):
            entry = Entry.objects.filter(id=event.record).first()
        if entry is None:
            return mark_safe(f'<span class="jw-none">{"deleted" if event.record else "–"}</span>')
        address = reverse("admin:jobqueue_entry_change", args=[entry.pk])
        return format_html('<a class="jw-link" href="{}">{}</a>', address, str(entry))

    @display(description="User")
    def user_shown(self, event: SessionEvent) -> str:
        if event.user is not None:
            return event.user.get_username()
        return "System" if event.task_id else "–"

    @display(description="Comment")
    def comment_shown(self, event: SessionEvent) -> SafeString:
        if not event.comment:
            return mark_safe('<span class="jw-none">–</span>')
        return format_html('<span class="jw-comment">{}</span>', first_line(event.comment))
