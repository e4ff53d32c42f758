"""*Entra applications*: under which identity each runner user signs in, and how long its credential is good."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue.admin import badges, words
from jobqueue.admin.base import now_of
from jobqueue.admin.company import actor_of
from refresher.entra import applications, credentials
from refresher.entra.models import EntraApplication
from refresher.entra.pages import leaving
from refresher.entra.pages.base import EntraAdmin, expiry_badge
from refresher.entra.pages.forms import CardForm, RegisterForm
from refresher.entra.pages.verbs import VERBS


@admin.register(EntraApplication)
class EntraApplicationAdmin(EntraAdmin):
    verbs = VERBS
    list_display = (
        "name_shown",
        "runner_shown",
        "tenant",
        "credential_shown",
        "expires_shown",
        "consent_shown",
        "test_shown",
    )
    search_fields = ("display_name", "runner__user__username", "client_id")
    ordering = ("display_name",)
    list_before_template = "refresher/admin/entra_list_head.html"
    change_form_template = "refresher/admin/entra_application.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return EntraApplication.objects.select_related("runner__user", "tenant", "consent_granted_by")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("create/", view(leaving.create_page), name="refresher_entraapplication_create"),
            path(
                "<path:object_id>/rotate/",
                view(self._of_one(leaving.rotate_page)),
                name="refresher_entraapplication_rotate",
            ),
            path(
                "<path:object_id>/grant-consent/",
                view(self._of_one(leaving.consent_page)),
                name="refresher_entraapplication_grant_consent",
            ),
        ]
        return own + super().get_urls()

    def _of_one(self, page: Any) -> Any:
        def shown(request: HttpRequest, object_id: str) -> HttpResponse:
            leaving.require_page(request)
            return page(request, self.object_or_404(request, object_id))

        return shown

    # --- the card
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        form = RegisterForm if obj is None else CardForm
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        if obj is not None:
            return CardForm.Meta.fields
        return (
            "runner_name",
            "tenant",
            "display_name",
            "client_id",
            "service_principal_id",
            "object_id",
            "secret",
            "credential_expires_at",
        )

    def save_model(self, request: HttpRequest, obj: EntraApplication, form: Any, change: Any) -> None:
        if change:
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            applications.change(obj, values, actor=actor_of(request))
            return
        values, actor, now = form.cleaned_data, actor_of(request), now_of(request)
        runner = applications.runner_named(values["runner_name"], actor=actor, now=now)
        made = applications.register(
            runner,
            tenant=values["tenant"],
            display_name=values["display_name"],
            client_id=values["client_id"],
            object_id=values["object_id"],
            service_principal_id=values["service_principal_id"],
            actor=actor,
            now=now,
        )
        if values["secret"]:
            credentials.enter_secret(
                made, values["secret"], actor=actor, now=now, expires_at=values["credential_expires_at"]
            )
        obj.__dict__.update(made.__dict__)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        extra = dict(extra_context or {})
        if object_id is None:
            extra["title"] = "Register an Entra application"
        elif self.has_view_permission(request):
            application, now = self.object_or_404(request, object_id), now_of(request)
            extra |= {
                "application": application,
                "title": application.display_name,
                "light": self._light(application, now=now),
                "buttons": self.buttons(request, application),
                "left_out": "disable" if not application.is_enabled else "enable",
                "now": now,
                "consent_address": reverse(
                    "admin:refresher_entraapplication_grant_consent", args=[application.pk]
                ),
                "rotate_address": reverse("admin:refresher_entraapplication_rotate", args=[application.pk]),
            }
        return super().changeform_view(request, object_id, form_url, extra)

    @staticmethod
    def _light(application: EntraApplication, *, now: Any) -> SafeString:
        return expiry_badge(application.has_credential, application.credential_expires_at, now=now)

    # --- cells
    @display(description="Application", ordering="display_name")
    def name_shown(self, application: EntraApplication) -> SafeString:
        off = "" if application.is_enabled else badges.badge("Disabled", look="cancelled", drawing="stop")
        return format_html(
            '<span class="jw-name">{}</span> {}<span class="jw-line jw-line--subtle">{}</span>',
            application.display_name,
            off,
            application.client_id,
        )

    @display(description="Runner user", ordering="runner__user__username")
    def runner_shown(self, application: EntraApplication) -> str:
        return application.runner.name

    @display(description="Credential")
    def credential_shown(self, application: Any) -> SafeString:
        return format_html(
            '{}<span class="jw-line jw-line--subtle">{}</span>',
            self._light(application, now=application.seen_at),
            application.get_credential_kind_display() if application.has_credential else "",
        )

    @display(description="Expires", ordering="credential_expires_at")
    def expires_shown(self, application: Any) -> SafeString:
        return words.moment(application.credential_expires_at, now=application.seen_at)

    @display(description="Consent")
    def consent_shown(self, application: Any) -> SafeString:
        if application.consent_granted_at is None:
            return badges.badge("Not noted", look="waiting", drawing="hourglass")
        return words.moment(application.consent_granted_at, now=application.seen_at)

    @display(description="Last test")
    def test_shown(self, application: Any) -> SafeString:
        if application.test_succeeded is None:
            return words.moment(None, now=application.seen_at, empty="not tested")
        shown = (
            badges.badge("Signs in", look="done", drawing="tick")
            if application.test_succeeded
            else badges.badge("Fails", look="error", drawing="square", title=application.test_answer)
        )
        when = words.moment(application.tested_at, now=application.seen_at)
        return format_html('{}<span class="jw-line jw-line--subtle">{}</span>', shown, when)
