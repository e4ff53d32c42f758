"""The mail log: what was told to whom, how each attempt to send it ended, and the message as it was sent."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.decorators import display

from jobqueue.actors import Actor
from jobqueue.admin import words
from jobqueue.admin.base import ReadOnlyAdmin, now_of
from jobqueue.admin.filters import HiddenFilter
from jobqueue.admin.polling import polled
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.tabs import tab
from jobqueue.admin.verbs import Verb, VerbsAdmin
from notifications import scenarios, verbs
from notifications.admin import looks
from notifications.admin.sources import about_address, source_address
from notifications.models import Message
from notifications.telling import words_of

# The preview is a document of its own: it may be styled, and do nothing else.
PREVIEW_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


class StateTab(HiddenFilter):
    """``?tab=failed``: the tabs above the list."""

    parameter_name = "tab"
    TABS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        ("", "All", ()),
        ("failed", "Failed", (Message.State.FAILED,)),
        ("queued", "Queued", (Message.State.QUEUED, Message.State.SENDING)),
        ("sent", "Sent", (Message.State.SENT,)),
        ("held", "Held", (Message.State.HELD,)),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        for name, _label, states in self.TABS:
            if name and name == self.value():
                return queryset.filter(state__in=states)
        return queryset


class SourceFilter(HiddenFilter):
    """``?source=package_run:214``: the messages of one run or entry, for links from their pages."""

    parameter_name = "source"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        kind, _, reference = (self.value() or "").partition(":")
        return queryset.filter(source_kind=kind, source_reference=reference) if reference else queryset


class AboutFilter(HiddenFilter):
    """``?about=entry:…``: the messages about one entry or package."""

    parameter_name = "about"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        kind, _, reference = (self.value() or "").partition(":")
        return queryset.filter(about_kind=kind, about_reference=reference) if reference else queryset


class TargetFilter(HiddenFilter):
    """``?target=3``: what was sent to one webhook or channel, for the link from its card."""

    parameter_name = "target"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value() or ""
        if not value:
            return queryset
        return (
            queryset.filter(target=int(value))
            if value.isascii() and value.isdigit() and len(value) < 19
            else queryset.none()
        )


def _send_again(message: Message, actor: Actor, values: dict[str, Any]) -> str:
    again = verbs.send_again(message, actor=actor)
    return f"Message {again.pk} to {again.recipient} is queued and will be sent within seconds."


def _sendable(message: Message) -> str:
    if message.state in (Message.State.QUEUED, Message.State.SENDING):
        return "It is being sent already."
    return ""


VERBS = (
    Verb(
        name="send-again",
        label="Send again",
        icon="forward_to_inbox",
        level="operate",
        act=_send_again,
        offered=_sendable,
        question=lambda row: f"Send message {row.pk} to {row.recipient} again?",
        question_many="Send {count} again?",
        done_many="{count} queued again.",
        explanation="A new message with the same contents goes to the same recipient, at the address they have now.",
    ),
)


@admin.register(Message)
class MessageAdmin(VerbsAdmin, ReadOnlyAdmin):
    """The list, and the page of one message."""

    verbs = VERBS
    list_display = ("state_shown", "message_shown", "recipient_shown", "occurred_shown", "attempts_shown")
    list_display_links = None
    list_filter = (StateTab, SourceFilter, AboutFilter, TargetFilter, "channel")
    search_fields = ("recipient", "address", "subject", "last_error")
    newest_first = "id"
    ordering = ("-id",)
    list_before_template = "notifications/admin/mail_log_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        found = super().get_queryset(request).select_related("company", "user", "target")
        return (
            found.defer("text", "html") if request.resolver_match.url_name.endswith("changelist") else found
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        counts = self._counts(request)
        tabs = [
            tab(
                request,
                name,
                label,
                count=sum(counts.get(state, 0) for state in states) if name in ("failed", "queued") else None,
                look="error" if name == "failed" else "",
            )
            for name, label, states in StateTab.TABS
        ]
        narrowed = any(one.parameter_name in request.GET for one in (SourceFilter, AboutFilter, TargetFilter))
        context = {"title": "Mail log", "tabs": tabs, "is_narrowed": narrowed}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @staticmethod
    def _counts(request: HttpRequest) -> dict[str, int]:
        """How many are waiting or failed; what was sent is not counted, it may be very many."""
        rows = Message.objects.filter(company=request.company).exclude(
            state__in=(Message.State.SENT, Message.State.HELD)
        )
        return dict(rows.order_by().values_list("state").annotate(Count("pk")))

    # --- cells
    @display(description="State")
    def state_shown(self, row: Message) -> SafeString:
        return looks.state_badge(row)

    @display(description="Message")
    def message_shown(self, row: Message) -> SafeString:
        note = ""
        if row.last_error and row.state != Message.State.SENT:
            note = format_html('<span class="jw-line jw-line--error">{}</span>', first_line(row.last_error))
        test = " · test" if row.is_test else ""
        return format_html(
            '<a class="jw-name" href="{}">{}</a><span class="jw-line jw-line--subtle">{}{}</span>{}',
            self.card_address(row),
            looks.title_of(row),
            ", ".join(scenarios.caption(code) for code in row.scenarios) or scenarios.caption(row.scenario),
            test,
            note,
        )

    @display(description="To", ordering="recipient")
    def recipient_shown(self, row: Message) -> SafeString:
        return format_html(
            '{}<span class="jw-line jw-line--subtle">{}</span>',
            row.recipient,
            row.address if row.address and row.address != row.recipient else row.get_channel_display(),
        )

    @display(description="Occurred", ordering="id")
    def occurred_shown(self, row: Message) -> SafeString:
        return words.moment(row.occurred_at, now=row.seen_at)

    @display(description="Attempts")
    def attempts_shown(self, row: Message) -> SafeString:
        if row.state == Message.State.QUEUED and row.attempts and row.next_attempt_at:
            return format_html(
                '{}<span class="jw-line jw-line--subtle">next {}</span>',
                row.attempts,
                words.moment(row.next_attempt_at, now=row.seen_at),
            )
        return mark_safe(str(row.attempts))

    # --- one message
    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<path:object_id>/preview/",
                self.admin_site.admin_view(self.preview),
                name="notifications_message_preview",
            )
        ]
        return own + super().get_urls()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """A page of its own: nothing on it can be changed."""
        row = self.object_or_404(request, object_id or "")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Message {row.pk}",
            "original": f"Message {row.pk}",
            "buttons": self.buttons(request, row),
            **self.card_contents(request, row),
        }
        return polled(
            request,
            "notifications/admin/message_card.html",
            context,
            region="notifications/admin/message_card_body.html",
        )

    def card_contents(self, request: HttpRequest, row: Message) -> dict[str, Any]:
        said = words_of(row)
        attempts = list(row.delivery_attempts.order_by("-number")[:50])
        return {
            "message": row,
            "now": now_of(request),
            "badge": looks.state_badge(row),
            "channel_icon": looks.CHANNEL_ICONS.get(Message.Channel(row.channel), "mail"),
            "captions": [scenarios.caption(code) for code in row.scenarios],
            "is_waiting": row.state in (Message.State.QUEUED, Message.State.SENDING),
            "attempts": [(attempt, looks.outcome_badge(attempt)) for attempt in attempts],
            "subject": said.subject,
            "text": said.text,
            "has_html": bool(said.html),
            "preview_address": reverse("admin:notifications_message_preview", args=[row.pk]),
            "about_address": about_address(row),
            "source_address": source_address(row),
        }

    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The HTML of the mail, for the frame on its page: shut off from everything, whoever opens its address."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _shut_off(request, words_of(self.object_or_404(request, object_id)).html)


@xframe_options_sameorigin
def _shut_off(request: HttpRequest, document: str) -> HttpResponse:
    response = HttpResponse(document)
    response["Content-Security-Policy"] = PREVIEW_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    return response
