"""The history of entries: who did what on purpose."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue.admin import words
from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.admin.filters import OfEntry
from jobqueue.admin.runs import action_in_words, changes_in_words
from jobqueue.models import (
    Entry,
    EntryChange,
)


@admin.register(EntryChange)
class EntryChangeAdmin(ReadOnlyAdmin):
    """Who did what on purpose. Status changes the product makes by itself are in the log."""

    list_display = ("at_shown", "user_shown", "action_shown", "entry_shown", "changes_shown", "reason")
    list_filter = (OfEntry, "origin")
    search_fields = ("entry_description", "reason", "user__username", "action")
    newest_first = "id"
    list_display_links = None

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Changes", **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        there = dict(
            Entry.objects.filter(id__in=[row.entry_id for row in rows]).values_list("id", "entry_no")
        )
        for row in rows:
            row.entry_no = there.get(row.entry_id)
        changelist.result_list = rows
        return changelist

    @display(description="At", ordering="id")
    def at_shown(self, change: EntryChange) -> SafeString:
        return words.moment(change.at, now=timezone.now())

    @display(description="Who")
    def user_shown(self, change: EntryChange) -> str:
        name = change.user.get_username() if change.user else "System"
        if change.origin == "admin":
            return name
        through = f", {change.credentials}" if change.credentials else ""
        return f"{name} ({change.origin}{through})"

    @display(description="What")
    def action_shown(self, change: EntryChange) -> str:
        return action_in_words(change.action)

    @display(description="Entry")
    def entry_shown(self, change: Any) -> SafeString:
        if getattr(change, "entry_no", None) is None:
            return format_html('{} <span class="jw-none">(deleted)</span>', change.entry_description)
        return format_html(
            '<a class="jw-link" href="{}">{}</a>',
            reverse("admin:jobqueue_entry_change", args=[change.entry_no]),
            change.entry_description,
        )

    @display(description="Changed")
    def changes_shown(self, change: EntryChange) -> SafeString:
        return changes_in_words(change)
