"""Targets: webhooks, Teams and Slack. Addresses and secrets go in and never come out; a new secret is shown once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from jobqueue.actors import Actor
from jobqueue.admin import badges, words
from jobqueue.admin.base import now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.verbs import Verb, VerbsAdmin
from jobqueue.errors import JobQueueError
from jobqueue.permissions import Level
from jobqueue.secrets import CredentialUnusable
from notifications import scenarios, verbs
from notifications.models import ChannelTarget
from notifications.verbs.targets import secret_of

ABOUT_KINDS = (
    "A webhook gets JSON, signed as Standard Webhooks asks. For Teams, enter the address of the workflow “Post to a "
    "channel when a webhook request is received”, or of an incoming webhook; for Slack, that of an incoming webhook."
)


class TargetForm(forms.ModelForm):
    """The address goes in and never comes out: with Teams and Slack it is the secret itself."""

    address = forms.CharField(
        required=False,
        max_length=2_000,
        widget=UnfoldAdminTextInputWidget({"type": "password", "autocomplete": "off"}),
        help_text="Beginning with https://. Stored encrypted and never shown again; only its host is.",
    )

    events = forms.MultipleChoiceField(
        required=False,
        choices=scenarios.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Webhooks only: what it hears of in the whole company, besides what lists tell it.",
    )

    class Meta:
        model = ChannelTarget
        fields = ("name", "kind", "threshold_minutes", "is_enabled")
        widgets = {"kind": UnfoldAdminSelectWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "threshold_minutes" in self.fields:
            self.fields["threshold_minutes"].required = False
        if self.instance.pk is not None:
            self.initial["events"] = self.instance.events
        if self.instance.pk is not None and "address" in self.fields:
            self.fields["address"].help_text += f" Now at {self.instance.host}: leave empty to keep it."

    def _post_clean(self) -> None:
        # The verb asks the rules, so that each is said once.
        pass


def _unused(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    raise NotImplementedError("The page itself renews secrets: it has to show the new one.")


def _drop_old(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    verbs.drop_old_secret(target, actor=actor)
    return f"Messages to “{target}” are signed with the new secret only."


def _delete(target: ChannelTarget, actor: Actor, values: dict[str, Any]) -> str:
    verbs.delete_target(target, actor=actor)
    return f"The target “{target}” was deleted."


def _signs(target: ChannelTarget) -> str:
    if target.kind == ChannelTarget.Kind.WEBHOOK:
        return ""
    return f"{target.get_kind_display()} knows no signatures; its address is the secret."


def _has_two(target: ChannelTarget) -> str:
    return _signs(target) or ("" if _secrets(target) > 1 else "It signs with one secret only.")


def _secrets(target: ChannelTarget) -> int:
    """How many secrets messages are signed with; 0 also where the key to read them is gone."""
    try:
        return len(secret_of(target).split())
    except CredentialUnusable:
        return 0


VERBS = (
    Verb(
        name="renew-secret",
        label="New Signing Secret",
        icon="key",
        level="administer",
        act=_unused,
        offered=_signs,
        question=lambda row: f"Make a new signing secret for “{row}”?",
        explanation="It is shown once. Until you drop the old secret, messages carry a signature of each, so that the "
        "receiver can change over at any time.",
    ),
    Verb(
        name="drop-old-secret",
        label="Drop Old Secret",
        icon="key_off",
        level="administer",
        act=_drop_old,
        offered=_has_two,
        question=lambda row: f"Sign messages to “{row}” with the new secret only?",
        explanation="A receiver that still checks with the old secret will refuse them.",
    ),
    Verb(
        name="delete-target",
        label="Delete",
        icon="delete",
        level="administer",
        act=_delete,
        danger=True,
        leaves_page=True,
        question=lambda row: f"Delete the target “{row}”?",
        explanation="Messages on their way to it fail. What was sent stays in the mail log.",
    ),
)


@admin.register(ChannelTarget)
class ChannelTargetAdmin(VerbsAdmin):
    verbs = VERBS
    view_level: Level | None = "administer"
    add_level: Level | None = "administer"
    change_level: Level | None = "administer"
    form = TargetForm
    list_display = ("name_shown", "kind", "host_shown", "secret_shown", "used_shown", "changed_shown")
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
        count = _secrets(row)
        if not count:
            return mark_safe('<span class="jw-line--error">unsigned</span>')
        return mark_safe("signed" if count == 1 else "signed, secret being replaced")

    @display(description="On lists")
    def used_shown(self, row: Any) -> str:
        return words.counted(row.line_count, "line") if row.line_count else "–"

    @display(description="Changed")
    def changed_shown(self, row: Any) -> SafeString:
        return words.moment(row.changed_at, now=row.seen_at)

    # --- the card
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
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            "show_close": False,
            "show_delete": False,
            "title": "New target" if add else str(obj),
            "about_kinds": ABOUT_KINDS,
        }
        if obj is not None:
            context |= {
                "target": obj,
                "buttons": self.buttons(request, obj),
                "signs": obj.kind == ChannelTarget.Kind.WEBHOOK,
                "secret_count": _secrets(obj),
                "lines": obj.lines.select_related("list").order_by("list__name")[:20],
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> str:
        return ""

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """The stored row as it is: the verb, not the form, writes to it."""
        return form.instance

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """A target has no rows of its own on the card."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        values = {name: form.cleaned_data[name] for name in self.fields}
        if values["threshold_minutes"] is None:
            del values["threshold_minutes"]
        actor, now = actor_of(request), now_of(request)
        if change:
            stored = ChannelTarget.objects.select_related("company").get(pk=obj.pk)
            saved = verbs.update_target(stored, values, actor=actor, now=now)
        else:
            saved = verbs.create_target(request.company, values, actor=actor, now=now)
            if saved.kind == ChannelTarget.Kind.WEBHOOK:
                request.notification_secret = verbs.renew_secret(saved, actor=actor, now=now)
        obj.__dict__.update(saved.__dict__)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        secret = getattr(request, "notification_secret", "")
        if secret:
            return self.shown_once(request, obj, secret)
        messages.success(request, f"The target “{obj}” was created. Add it to a notification list.")
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
            "is_replacing": _secrets(ChannelTarget.objects.get(pk=target.pk)) > 1,
            "card_address": self.card_address(target),
        }
        response = TemplateResponse(request, "notifications/admin/secret_once.html", context)
        response["Cache-Control"] = "no-store"
        return response
