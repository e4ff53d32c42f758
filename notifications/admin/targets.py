"""Targets: webhooks, Teams and Slack. Addresses and secrets go in and never come out; a new secret is shown once."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from jobqueue.admin import badges, words
from jobqueue.admin.base import now_of
from jobqueue.admin.cards import SavedByVerbs
from jobqueue.admin.company import actor_of
from jobqueue.admin.polling import polled
from jobqueue.admin.verbs import Verb
from jobqueue.errors import JobQueueError
from jobqueue.permissions import Level
from notifications import verbs
from notifications.admin import looks
from notifications.admin.target_form import ABOUT_KINDS, TargetForm
from notifications.admin.target_verbs import VERBS, failed_for_good, secret_count
from notifications.models import ChannelTarget, Message

SHOWN_DELIVERIES = 8


@admin.register(ChannelTarget)
class ChannelTargetAdmin(SavedByVerbs):
    verbs = VERBS
    view_level: Level | None = "administer"
    add_level: Level | None = "administer"
    change_level: Level | None = "administer"
    form = TargetForm
    list_display = ("name_shown", "kind", "host_shown", "hears_shown", "secret_shown", "changed_shown")
    list_display_links = None
    search_fields = ("name", "host")
    ordering = ("name",)
    fields = ("name", "kind", "address", "events", "threshold_minutes", "is_enabled")
    actions = None
    change_form_template = "notifications/admin/target_card.html"
    compressed_fields = False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).annotate(line_count=Count("lines"))

    # --- cells
    @display(description="Name", ordering="name")
    def name_shown(self, row: ChannelTarget) -> SafeString:
        off = "" if row.is_enabled else badges.badge("Off", look="held", drawing="pause")
        return format_html('<a class="jw-name" href="{}">{}</a> {}', self.card_address(row), row.name, off)

    @display(description="Host", ordering="host")
    def host_shown(self, row: ChannelTarget) -> str:
        return row.host

    @display(description="Signature")
    def secret_shown(self, row: ChannelTarget) -> SafeString:
        if row.kind != ChannelTarget.Kind.WEBHOOK:
            return mark_safe('<span class="jw-none">–</span>')
        count = secret_count(row)
        if not count:
            return mark_safe('<span class="jw-line--error">unsigned</span>')
        return mark_safe("signed" if count == 1 else "signed, secret being replaced")

    @display(description="Hears of")
    def hears_shown(self, row: Any) -> SafeString:
        heard = [
            *([words.counted(len(row.events), "event")] if row.events else []),
            *([words.counted(row.line_count, "line") + " of lists"] if row.line_count else []),
        ]
        if not heard:
            return mark_safe('<span class="jw-none">nothing yet</span>')
        return format_html("{}", ", ".join(heard))

    @display(description="Changed")
    def changed_shown(self, row: Any) -> SafeString:
        return words.moment(row.changed_at, now=row.seen_at)

    # --- the card
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Asked for its changing part, the card answers with what was sent to the target."""
        if request.headers.get("X-Region") != "1":
            return super().change_view(request, object_id, form_url, extra_context)
        target = self.object_or_404(request, object_id)
        region = "notifications/admin/target_deliveries.html"
        context = {"target": target, "now": now_of(request), **self.deliveries(target)}
        return polled(request, region, context, region=region)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context |= {
            "title": "New target" if add else str(obj),
            "about_kinds": ABOUT_KINDS,
        }
        if obj is not None:
            context |= {
                "target": obj,
                "buttons": self.buttons(request, obj),
                "signs": obj.kind == ChannelTarget.Kind.WEBHOOK,
                "secret_count": secret_count(obj),
                "lines": obj.lines.select_related("list").order_by("list__name")[:20],
                **self.deliveries(obj),
                "now": now_of(request),
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    @staticmethod
    def deliveries(target: ChannelTarget) -> dict[str, Any]:
        """What was last sent to it, and how much of it never arrived."""
        rows = Message.objects.filter(target=target).select_related("target").defer("text", "html")
        return {
            "deliveries": [
                (row, looks.title_of(row), looks.state_badge(row))
                for row in rows.order_by("-id")[:SHOWN_DELIVERIES]
            ],
            "failed_count": failed_for_good(target).count(),
        }

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        values = {name: form.cleaned_data[name] for name in self.fields}
        if values["threshold_minutes"] is None:
            del values["threshold_minutes"]
        actor, now = actor_of(request), now_of(request)
        if change:
            stored = ChannelTarget.objects.select_related("company").get(pk=obj.pk)
            saved = verbs.update_target(stored, values, actor=actor, now=now)
        elif values["kind"] == ChannelTarget.Kind.WEBHOOK:
            saved, request.notification_secret = verbs.create_webhook(
                request.company, values, actor=actor, now=now
            )
        else:
            saved = verbs.create_target(request.company, values, actor=actor, now=now)
        obj.__dict__.update(saved.__dict__)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        secret = getattr(request, "notification_secret", "")
        if secret:
            return self.shown_once(request, obj, secret)
        messages.success(request, f"The target “{obj}” was created. Try it out with Send Test Message.")
        return HttpResponseRedirect(self.card_address(obj))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"The target “{obj}” was saved.")
        return HttpResponseRedirect(self.card_address(obj))

    # --- secrets
    def _one(self, request: HttpRequest, verb: Verb, row: Any) -> HttpResponse:
        """A new secret is part of the answer to the POST: it is stored nowhere it could be read again."""
        if verb.name != "renew-secret" or request.method != "POST" or self.refusal(request, verb, row):
            return super()._one(request, verb, row)
        try:
            secret = verbs.renew_secret(row, actor=actor_of(request), now=now_of(request))
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(self.card_address(row))
        return self.shown_once(request, row, secret)

    def shown_once(self, request: HttpRequest, target: ChannelTarget, secret: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Signing secret",
            "target": target,
            "secret": secret,
            "is_replacing": secret_count(ChannelTarget.objects.get(pk=target.pk)) > 1,
            "card_address": self.card_address(target),
        }
        response = TemplateResponse(request, "notifications/admin/secret_once.html", context)
        response["Cache-Control"] = "no-store"
        return response
