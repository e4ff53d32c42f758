"""The ledger: every due moment and what became of it (*Job queue reference, Log Entries*), read-only."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue import lifecycle
from jobqueue.actors import Actor
from jobqueue.admin import badges, words
from jobqueue.admin.base import ReadOnlyAdmin, may, now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.entry_parameters import parameters_in_words
from jobqueue.admin.filters import CategoryFilter, LogTab, ObjectFilter, OfEntry, UserFilter
from jobqueue.admin.polling import polled
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.runs import origin_in_words, run_length
from jobqueue.admin.tabs import tab
from jobqueue.admin.verbs import Verb, VerbsAdmin
from jobqueue.models import Entry, LogEntry, ReportDocument
from jobqueue.states import Level, LogStatus, ObjectType

SHOWN_LINES = 500
KEPT_DAYS = 7
DELETED_AT_ONCE = 20_000
"""By one click: more would outlast the web server's patience with a request."""


def _mark_as_error(log_entry: LogEntry, actor: Actor, values: dict[str, Any]) -> str:
    lifecycle.mark_log_as_error(log_entry, actor=actor)
    return f"Log entry {log_entry.entry_no} and its job queue entry were set to Error."


def _markable(log_entry: LogEntry) -> str:
    if log_entry.status == LogStatus.IN_PROCESS:
        return ""
    return f"Only runs in process can be set to Error; this one is {LogStatus(log_entry.status).label}."


VERBS = (
    Verb(
        name="mark-as-error",
        label="Set Status to Error",
        icon="report",
        level="operate",
        act=_mark_as_error,
        question=lambda row: f"Set log entry {row.entry_no}, “{row.description}”, to Error?",
        question_many="Set {count} to Error?",
        done_many="{count} set to Error.",
        explanation="The job may still be running: this only corrects the record, it does not stop anything. "
        "Use Cancel Run on the entry to stop it.",
        offered=_markable,
        danger=True,
    ),
)


@admin.register(LogEntry)
class LogEntryAdmin(VerbsAdmin, ReadOnlyAdmin):
    verbs = VERBS
    list_display = (
        "status_shown",
        "description_shown",
        "started_shown",
        "duration_shown",
        "origin_shown",
        "user_shown",
        "category_code",
    )
    list_display_links = None
    list_filter = (LogTab, OfEntry, ObjectFilter, CategoryFilter, UserFilter)
    search_fields = ("description", "error_message", "parameter_string")
    newest_first = "entry_no"
    ordering = ("-entry_no",)
    list_before_template = "jobqueue/admin/log_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tabs = [tab(request, name, label) for name, label, _ in LogTab.TABS]
        context = {
            "title": "Log entries",
            "tabs": tabs,
            "of_entry": self._of_entry(request),
            "may_delete_log": may(request, "administer"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @staticmethod
    def _of_entry(request: HttpRequest) -> str:
        """The name of the entry the list is about, also after that was deleted."""
        wanted = request.GET.get(OfEntry.parameter_name)
        if not wanted:
            return ""
        try:
            entry_id = uuid.UUID(wanted)
        except ValueError:
            return ""
        rows = LogEntry.objects.filter(company=request.company, entry_id=entry_id).order_by("-entry_no")
        return rows.values_list("description", flat=True).first() or "this entry"

    # --- cells
    @display(description="Status")
    def status_shown(self, row: LogEntry) -> SafeString:
        return badges.log_badge(row)

    @display(description="Description")
    def description_shown(self, row: LogEntry) -> SafeString:
        note = ""
        if row.error_message:
            note = format_html(
                '<span class="jw-line jw-line--error">{}</span>', first_line(row.error_message)
            )
        elif row.reason:
            note = format_html('<span class="jw-line">{}</span>', row.reason)
        attempt = f" · retry {row.attempt}" if row.attempt else ""
        name = row.description or row.object_caption or "–"
        return format_html(
            '<a class="jw-name" href="{}">{}</a><span class="jw-line jw-line--subtle">#{} · {} {} {}{}</span>{}',
            reverse("admin:jobqueue_logentry_change", args=[row.pk]),
            name,
            row.entry_no,
            ObjectType(row.object_type).label,
            row.object_id,
            "" if row.object_caption == name else row.object_caption,
            attempt,
            note,
        )

    @display(description="Started", ordering="entry_no")
    def started_shown(self, row: LogEntry) -> SafeString:
        return words.moment(row.started_at or row.due_at, now=row.seen_at)

    @display(description="Duration")
    def duration_shown(self, row: LogEntry) -> SafeString:
        return run_length(row, now=row.seen_at)

    @display(description="Started by")
    def origin_shown(self, row: LogEntry) -> str:
        return origin_in_words(row.origin).removeprefix("the ").removeprefix("a ").capitalize()

    @display(description="Ran as")
    def user_shown(self, row: LogEntry) -> str:
        return row.user.get_username() if row.user is not None else "System"

    # --- the card
    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "delete-old/",
                self.admin_site.admin_view(self.delete_old),
                name="jobqueue_logentry_delete_old",
            ),
            path(
                "delete-all/",
                self.admin_site.admin_view(self.delete_all),
                name="jobqueue_logentry_delete_all",
            ),
        ]
        return own + super().get_urls()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """The log card is a page of its own: nothing on it can be changed."""
        row = self.object_or_404(request, object_id or "")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Log entry {row.entry_no}",
            "original": row,
            "buttons": self.buttons(request, row),
            **self.card_contents(request, row),
        }
        return polled(
            request, "jobqueue/admin/log_card.html", context, region="jobqueue/admin/log_card_body.html"
        )

    def card_contents(self, request: HttpRequest, row: LogEntry) -> dict[str, Any]:
        now = now_of(request)
        # The newest lines matter while it runs, the page shows them in order.
        lines = list(row.lines.order_by("-id")[: SHOWN_LINES + 1])
        entry = Entry.objects.filter(company=request.company, id=row.entry_id).first()
        documents = ReportDocument.objects.filter(
            company=request.company, log_entry_no=row.entry_no, user=request.user
        )
        register = row.error_register
        return {
            "log_entry": row,
            "now": now,
            "badge": badges.log_badge(row),
            "is_running": row.status == LogStatus.IN_PROCESS,
            "length": run_length(row, now=now),
            "waited": words.duration(int((row.started_at - row.due_at).total_seconds() * 1000))
            if row.started_at and row.started_at - row.due_at >= timedelta(milliseconds=100)
            else "",
            "lines": [(line, Level(line.level).label.lower()) for line in reversed(lines[:SHOWN_LINES])],
            "lines_left_out": len(lines) > SHOWN_LINES,
            "parameters": parameters_in_words(
                row.object_type, row.object_id, row.parameters, row.parameter_string
            ),
            "entry": entry,
            "entry_siblings": f"{self.list_address()}?entry={row.entry_id}",
            "documents": documents.defer("content"),
            "register": register,
            "register_messages": list(register.messages.filter(is_context=False)[:50])
            if register is not None
            else [],
            "origin": origin_in_words(row.origin),
            "object_words": f"{ObjectType(row.object_type).label} {row.object_id} {row.object_caption}",
        }

    def delete_old(self, request: HttpRequest) -> HttpResponse:
        return self._delete(request, older_than_days=KEPT_DAYS)

    def delete_all(self, request: HttpRequest) -> HttpResponse:
        return self._delete(request, older_than_days=None)

    def _delete(self, request: HttpRequest, *, older_than_days: int | None) -> HttpResponse:
        """Asks first; rows in process are never deleted (*Job queue reference, Log Entries*)."""
        which = (
            f"log entries that ended more than {older_than_days} days ago"
            if older_than_days
            else "log entries"
        )

        def act() -> str:
            count = lifecycle.delete_log_entries(
                request.company,
                actor=actor_of(request),
                older_than_days=older_than_days,
                at_most=DELETED_AT_ONCE,
            )
            rest = " Delete again for the rest, or let the job Log clean-up do it." * (
                count >= DELETED_AT_ONCE
            )
            return f"{words.counted(count, 'log entry', 'log entries')} deleted.{rest}"

        return self.asked_first(
            request,
            level="administer",
            act=act,
            label="Delete",
            question=f"Delete all {which} of {request.company}?",
            explanation="Runs in process stay. This cannot be undone.",
            danger=True,
        )
