"""The *Job Queue Refresh Setup* card: is anything refreshed, by whom, when, and what is wrong."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from jobqueue.actors import Actor
from jobqueue.admin import words
from jobqueue.admin.base import may, now_of, works_in_every_company
from jobqueue.admin.cards import SavedByVerbs
from jobqueue.admin.company import actor_of
from jobqueue.admin.verbs import Verb
from jobqueue.models.fields import known_time_zones
from jobqueue.permissions import Level
from refresher.admin import looks
from refresher.admin.job_form import RunnerChoice
from refresher.admin.seen import NEEDING, seen, unserved, works
from refresher.asking import last_refreshed, setup_of
from refresher.entra.models import EntraApplication
from refresher.models import RefreshLog, RefreshSetup
from refresher.passing import refresh_now
from refresher.runners import operational_problems
from refresher.setting_up import SETTABLE, change_setup, disable_external, enable_external
from refresher.sign_in import THROTTLE
from refresher.states import PassState
from refresher.watching import HOURS, overdue_in

CYCLE = timedelta(hours=1)
SHOWN_PASSES = 8


def _refresh(setup: RefreshSetup, actor: Actor, values: dict[str, Any]) -> str:
    found = refresh_now(setup.company, actor=actor)
    passes = words.counted(len(found.queued), "pass", "passes")
    left = f" Not served: {' '.join(found.unserved)}" if found.unserved else ""
    return f"{passes} asked for; the refresh log shows what comes of it.{left}"


def _enable(setup: RefreshSetup, actor: Actor, values: dict[str, Any]) -> str:
    enable_external(setup.company, actor=actor)
    return "The external refresher is enabled: the worker outside takes over with its next cycle."


def _disable(setup: RefreshSetup, actor: Actor, values: dict[str, Any]) -> str:
    found = disable_external(setup.company, actor=actor)
    after = (
        "Sign-ins refresh again."
        if found.enabled and not found.external_only
        else "Nothing is refreshed now."
    )
    return f"The external refresher is disabled. {after}"


VERBS: tuple[Verb, ...] = (
    Verb(
        name="refresh-now",
        label="Refresh Now",
        icon="refresh",
        level="operate",
        act=_refresh,
        confirmed=False,
        primary=True,
        question=lambda setup: f"Refresh the monitored jobs of {setup.company} now?",
        explanation="The same pass as every hour, at once and in the background.",
    ),
    Verb(
        name="enable-external",
        label="Enable External JQ Refresher",
        icon="cloud_sync",
        level="administer",
        act=_enable,
        offered=lambda setup: "It is enabled already." if setup.use_external else "",
        question=lambda setup: f"Have {setup.company} refreshed from outside?",
        explanation="A worker outside refreshes every hour, as the runner users, and sign-ins no longer do. "
        "Restarted jobs then run as their runner user.",
    ),
    Verb(
        name="disable-external",
        label="Disable External JQ Refresher",
        icon="cloud_off",
        level="administer",
        act=_disable,
        danger=True,
        offered=lambda setup: "" if setup.use_external else "It is not enabled.",
        question=lambda setup: f"No longer have {setup.company} refreshed from outside?",
        explanation="The worker outside leaves the company alone from now on. Its runner users stay.",
    ),
)


class SetupForm(forms.ModelForm):
    """Only what was changed is sent to the verb, so a runner that broke meanwhile is no obstacle to the rest."""

    default_runner = RunnerChoice(
        label="Default JQ runner user",
        empty_label="None",
        help_text="Refreshes and runs the monitored jobs that name no runner of their own.",
    )
    default_time_zone = forms.ChoiceField(
        required=False,
        widget=UnfoldAdminSelectWidget,
        label="Default job time zone",
        help_text="Zone of jobs registered by code. The external refresher does not work without it.",
    )

    class Meta:
        model = RefreshSetup
        fields = SETTABLE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [("", "None"), *((name, name) for name in sorted(known_time_zones()))]
        field: Any = self.fields["default_time_zone"]
        field.choices = zones

    def _post_clean(self) -> None:
        """The rules are the verb's."""


@admin.register(RefreshSetup)
class RefreshSetupAdmin(SavedByVerbs):
    verbs = VERBS
    actions = None
    change_level: Level | None = "administer"
    change_form_template = "refresher/admin/setup_card.html"
    change_form_outer_before_template = "refresher/admin/setup_head.html"
    compressed_fields = False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one per company: its card."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(self.card_address(setup_of(request.company)))

    # --- the form
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        if self.has_change_permission(request, obj):
            kwargs["form"] = SetupForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            (
                "General",
                {
                    "fields": ["enabled", "external_only", "create_missing_custom_jobs"],
                    "classes": ["jw-group"],
                },
            ),
            (
                "External refresher",
                {
                    "fields": ["external_shown", "default_runner", "default_time_zone"],
                    "classes": ["jw-group"],
                },
            ),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("external_shown", *(() if self.has_change_permission(request, obj) else SETTABLE))

    @display(description="Use external JQ refresher")
    def external_shown(self, setup: RefreshSetup) -> str:
        return "On" if setup.use_external else "Off; choose Enable External JQ Refresher above"

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= self.card_contents(request, obj)
        context["title"] = "Job queue refresh setup"
        return super().render_change_form(request, context, add, change, form_url, obj)

    def card_contents(self, request: HttpRequest, setup: RefreshSetup) -> dict[str, Any]:
        request.refresher_setup = setup
        now = now_of(request)
        last = last_refreshed(setup.company)
        passes = RefreshLog.objects.filter(company=setup.company).select_related("runner__user", "user")
        found = seen(request)
        default = setup.default_runner
        return {
            "setup": setup,
            "now": now,
            "buttons": self.buttons(request, setup),
            "left_out": "enable-external" if setup.use_external else "disable-external",
            "refreshes": refreshes(setup),
            "last": last,
            "next_pass": next_pass(setup, last=last, now=now),
            "wrong": self.wrong(request, setup, last=last, now=now),
            "jobs": len(found.standings),
            "needing": len(found.of(*NEEDING)),
            "default_runner": default,
            "default_light": looks.runner_badge(
                default, may_act=works(request, default) or not default.is_enabled
            )
            if default is not None
            else "",
            "passes": [(looks.pass_badge(one), one) for one in passes.order_by("-pk")[:SHOWN_PASSES]],
            "card_address": self.card_address(setup),
            "may_administer": may(request, "administer"),
            "may_schedule": may(request, "schedule"),
            **self._entra(request, setup),
        }

    @staticmethod
    def _entra(request: HttpRequest, setup: RefreshSetup) -> dict[str, str]:
        """The ways to Entra ID, for those who may go there."""
        if not (may(request, "administer") and works_in_every_company(request)):
            return {}
        applications = EntraApplication.objects.filter(runner=setup.default_runner_id)
        key = applications.values_list("pk", flat=True).first() if setup.default_runner_id else None
        return {
            "create_address": reverse("admin:refresher_entraapplication_create"),
            "consent_address": reverse("admin:refresher_entraapplication_grant_consent", args=[key])
            if key is not None
            else reverse("admin:refresher_entraapplication_changelist"),
        }

    @staticmethod
    def wrong(request: HttpRequest, setup: RefreshSetup, *, last: Any, now: Any) -> list[str]:
        """Everything that keeps jobs from being refreshed, a sentence each."""
        if not refreshes(setup):
            return []  # the headline says so
        found = []
        if setup.use_external:
            if not setup.default_time_zone:
                found.append("The default job time zone is empty; passes of the external refresher fail.")
            if setup.default_runner is not None:
                found += operational_problems(setup.default_runner, company=setup.company)
            alone = unserved(request)
            if alone:
                names = ", ".join(f"“{job}” ({why})" for job, why in alone[:5])
                more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
                found.append(f"Refreshed by nobody: {names}{more}.")
            overdue = overdue_in(setup, now=now) if seen(request).standings else None
            if overdue is not None:
                found.append(
                    f"No pass has ended well for {HOURS} hours. See whether the worker outside runs and reaches this "
                    "installation."
                    if overdue.whole
                    else f"{overdue.sentence} See whether the worker outside knows their runner users."
                )
        newest = RefreshLog.objects.filter(company=setup.company).exclude(
            state__in=(PassState.QUEUED, PassState.RUNNING)
        )
        latest = newest.order_by("-pk").first()
        if latest is not None and latest.state == PassState.FAILED:
            found.append(f"The last pass failed: {latest.message}")
        return found

    # --- saving
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        values = {name: form.cleaned_data[name] for name in form.changed_data if name in SETTABLE}
        change_setup(request.company, values, actor=actor_of(request))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, "The refresh setup was saved. It counts from the next pass on.")
        return HttpResponseRedirect(self.card_address(obj))


def refreshes(setup: RefreshSetup) -> bool:
    """Whether anything brings a pass at all."""
    return setup.enabled and (setup.use_external or not setup.external_only)


def next_pass(setup: RefreshSetup, *, last: Any, now: Any) -> Any:
    """When the next pass is expected; in login mode the moment from which a sign-in brings one."""
    if not refreshes(setup) or last is None:
        return None
    return max(now, last + (CYCLE if setup.use_external else THROTTLE))
