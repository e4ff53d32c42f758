"""The error message register: what went wrong in one failed run, message by message."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display

from jobqueue.admin import words
from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.admin.runs import level_badge
from jobqueue.models import (
    ErrorMessage,
    ErrorMessageRegister,
)
from jobqueue.states import Level


class MessageInline(TabularInline):
    model = ErrorMessage
    extra = 0
    max_num = 0
    can_delete = False
    fields = ("level_shown", "message", "record", "field_name", "additional_information")
    readonly_fields = fields
    per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(is_context=False)

    @display(description="Type")
    def level_shown(self, row: ErrorMessage) -> SafeString:
        return level_badge(row.level)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(ErrorMessageRegister)
class ErrorMessageRegisterAdmin(ReadOnlyAdmin):
    list_display = ("created_shown", "message_shown", "errors_shown", "user_shown")
    list_display_links = ("message_shown",)
    search_fields = ("message", "messages__message")
    newest_first = "created_at"
    inlines = (MessageInline,)
    fields = ("created_shown", "message", "user_shown")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Messages are counted for the registers of the page only."""
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        counts = (
            ErrorMessage.objects.filter(register__in=rows, is_context=False)
            .order_by()
            .values_list("register", "level")
            .annotate(Count("pk"))
        )
        by_register: dict[Any, dict[int, int]] = {}
        for register_id, level, count in counts:
            by_register.setdefault(register_id, {})[level] = count
        for row in rows:
            row.messages_by_level = by_register.get(row.pk, {})
        changelist.result_list = rows
        return changelist

    @display(description="Created", ordering="created_at")
    def created_shown(self, register: ErrorMessageRegister) -> SafeString:
        return words.moment(register.created_at, now=timezone.now())

    @display(description="Message")
    def message_shown(self, register: ErrorMessageRegister) -> str:
        return register.message or "–"

    @display(description="Messages")
    def errors_shown(self, register: Any) -> str:
        counts = [
            words.counted(
                register.messages_by_level[level],
                level.label.lower(),
                "information" if level == Level.INFORMATION else "",
            )
            for level in Level
            if level in register.messages_by_level
        ]
        return ", ".join(counts) or "none"

    @display(description="User")
    def user_shown(self, register: ErrorMessageRegister) -> str:
        return register.user.get_username() if register.user else "System"
