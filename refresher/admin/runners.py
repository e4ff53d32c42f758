"""*External JQ Refresher Users*: the runner users, how the outside worker fares with them, and what they serve."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from jobqueue.actors import Actor
from jobqueue.admin import words
from jobqueue.admin.base import PagedList, back_to, may, now_of, put_refusal, works_in_every_company
from jobqueue.admin.company import actor_of
from jobqueue.admin.record_pages import first_line
from jobqueue.admin.verbs import Verb, VerbsAdmin
from jobqueue.errors import JobQueueError, Refused
from refresher.admin import looks, worker_file
from refresher.admin.seen import permitted_users, setup_seen, shut_out_users, unserved
from refresher.entra.models import EntraApplication
from refresher.models import MonitoredJob, Runner
from refresher.runners import (
    operational_problems,
    register_runner,
    remove_runner,
    reset_runner,
    set_runner_enabled,
)
from refresher.setup import RUNNER_GROUP

EVERY_COMPANY = "Runner users serve every company, and you are limited to some; ask an administrator of all."
SHOWN_JOBS = 50


def _reset(runner: Runner, actor: Actor, values: dict[str, Any]) -> str:
    if not reset_runner(runner, actor=actor):
        raise Refused(f"“{runner.name}” has no failed attempts; there is nothing to reset.")
    return f"The failed attempts of “{runner.name}” are 0; the worker calls it again."


def _switch(*, enabled: bool) -> Any:
    def act(runner: Runner, actor: Actor, values: dict[str, Any]) -> str:
        set_runner_enabled(runner, enabled, actor=actor)
        return f"“{runner.name}” is {'enabled' if enabled else 'disabled; its jobs are refreshed by nobody'}."

    return act


def _remove(runner: Runner, actor: Actor, values: dict[str, Any]) -> str:
    name = runner.name
    remove_runner(runner, actor=actor)
    return f"“{name}” is no runner user any more. The user itself stays."


VERBS: tuple[Verb, ...] = (
    Verb(
        name="reset",
        label="Reset Failed Attempts",
        icon="restart_alt",
        level="administer",
        act=_reset,
        primary=True,
        offered=lambda runner: "" if runner.failed_attempts else "It has no failed attempts.",
        question=lambda runner: f"Reset the failed attempts of “{runner.name}”?",
        question_many="Reset the failed attempts of {count}?",
        done_many="{count} reset.",
        explanation="The worker outside calls it again. Repair the cause first, or it fails again.",
    ),
    Verb(
        name="enable",
        label="Enable",
        icon="toggle_on",
        level="administer",
        act=_switch(enabled=True),
        offered=lambda runner: "It is enabled already." if runner.is_enabled else "",
        question=lambda runner: f"Enable “{runner.name}”?",
        question_many="Enable {count}?",
        done_many="{count} enabled.",
        explanation="It refreshes and runs its jobs again.",
    ),
    Verb(
        name="disable",
        label="Disable",
        icon="toggle_off",
        level="administer",
        act=_switch(enabled=False),
        danger=True,
        offered=lambda runner: "" if runner.is_enabled else "It is disabled already.",
        question=lambda runner: f"Disable “{runner.name}”?",
        question_many="Disable {count}?",
        done_many="{count} disabled.",
        explanation="Its jobs stay assigned to it and are refreshed by nobody meanwhile.",
    ),
    Verb(
        name="remove",
        label="Remove",
        icon="person_remove",
        level="administer",
        act=_remove,
        danger=True,
        leaves_page=True,
        question=lambda runner: f"Take “{runner.name}” off the list of runner users?",
        explanation="The user itself stays. Refused while monitored jobs or a company count on it.",
    ),
)
ROW_VERBS = tuple(verb.name for verb in VERBS)


class UserChoice(forms.ModelChoiceField):
    def label_from_instance(self, user: Any) -> str:
        return str(user.get_username())


class RegisterForm(forms.Form):
    user = UserChoice(
        queryset=get_user_model()._default_manager.none(),
        widget=UnfoldAdminSelectWidget,
        label="User",
        help_text=f"Active users in the group {RUNNER_GROUP} that are no runners yet.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        users = get_user_model()._default_manager.filter(
            is_active=True, is_superuser=False, groups__name=RUNNER_GROUP, refresh_runner=None
        )
        field: Any = self.fields["user"]
        field.queryset = users.order_by("username")


class RunnerChangeList(PagedList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        here = request.get_full_path()
        allowed = permitted_users(request) - shut_out_users(request)
        for runner in self.result_list:
            runner.may_act = runner.user_id in allowed
            runner.row_buttons = self.model_admin.buttons(request, runner, ROW_VERBS)
            runner.seen_from = here
            runner.is_default = runner.pk == setup_seen(request).default_runner_id


@admin.register(Runner)
class RunnerAdmin(VerbsAdmin):
    verbs = VERBS
    company_lookup = None
    list_display = (
        "light_shown",
        "name_shown",
        "serves_shown",
        "attempts_shown",
        "success_shown",
        "menu_shown",
    )
    list_display_links = None
    search_fields = ("user__username", "last_error")
    ordering = ("user__username",)
    list_before_template = "refresher/admin/runner_list_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """All for those who work in every company, else those this company counts on."""
        company = request.company
        rows = Runner.objects.select_related("user").annotate(
            job_count=Count("monitored_jobs", filter=Q(monitored_jobs__company=company))
        )
        if works_in_every_company(request):
            return rows
        own = MonitoredJob.objects.filter(company=company, runner__isnull=False).values("runner")
        return rows.filter(Q(pk__in=own) | Q(pk=setup_seen(request).default_runner_id))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RunnerChangeList

    def refusal(self, request: HttpRequest, verb: Verb, row: Any) -> str:
        reason = super().refusal(request, verb, row)
        return reason or ("" if works_in_every_company(request) else EVERY_COMPANY)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("register/", view(self.register), name="refresher_runner_register"),
            path(
                "<path:object_id>/worker-configuration/",
                view(self.worker_configuration),
                name="refresher_runner_worker_configuration",
            ),
        ]
        return own + super().get_urls()

    def register(self, request: HttpRequest) -> HttpResponse:
        """Makes a user of the permission set a runner; without Entra ID it signs in with an API token."""
        if not (self.holds(request, "administer") and works_in_every_company(request)):
            raise PermissionDenied
        form = RegisterForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                runner = register_runner(form.cleaned_data["user"], actor=actor_of(request))
            except JobQueueError as refusal:
                put_refusal(form, refusal)
            else:
                self.acting(request, lambda: f"“{runner.name}” is a runner user now.")
                return HttpResponseRedirect(self.card_address(runner))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Register a runner user",
            "question": "Register a runner user",
            "verb": {
                "label": "Register",
                "explanation": "Use an ordinary user of its own for each. It also needs the permissions of the jobs it "
                "shall run.",
                "danger": False,
            },
            "form": form,
            "media": self.media,
            "back": back_to(request, self.list_address()),
        }
        return TemplateResponse(
            request, "jobqueue/admin/confirm.html", context, status=422 if form.is_bound else 200
        )

    def worker_configuration(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The file for the worker outside, with the runner's credential."""
        runner = self.object_or_404(request, object_id)
        return worker_file.page(request, runner, back=self.card_address(runner))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_set_up = may(request, "administer") and works_in_every_company(request)
        context = {
            "title": "External JQ refresher users",
            "unserved": unserved(request),
            "may_set_up": may_set_up,
            "may_administer": may(request, "administer"),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """A page of its own: nothing on it is typed."""
        runner = self.object_or_404(request, object_id or "")
        setup = setup_seen(request)
        jobs = MonitoredJob.objects.filter(company=request.company)
        own = Q(runner=runner) | (Q(runner=None) if setup.default_runner_id == runner.pk else Q(pk=None))
        application = EntraApplication.objects.filter(runner=runner).first()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": runner.name,
            "runner": runner,
            "now": now_of(request),
            "light": looks.runner_badge(
                runner,
                may_act=runner.user_id in permitted_users(request)
                and runner.user_id not in shut_out_users(request),
            ),
            "buttons": self.buttons(request, runner),
            "left_out": "enable" if runner.is_enabled else "disable",
            "problems": operational_problems(runner, company=request.company),
            "is_default": setup.default_runner_id == runner.pk,
            "jobs": list(jobs.filter(own).order_by("description", "pk")[:SHOWN_JOBS]),
            "application": application
            if may(request, "administer") and works_in_every_company(request)
            else None,
            "may_set_up": may(request, "administer") and works_in_every_company(request),
            "log_address": f"{reverse('admin:refresher_refreshlog_changelist')}?runner={runner.pk}",
        }
        return TemplateResponse(request, "refresher/admin/runner_card.html", context)

    # --- cells
    @display(description="State")
    def light_shown(self, runner: Any) -> SafeString:
        return looks.runner_badge(runner, may_act=runner.may_act)

    @display(description="Runner user", ordering="user__username")
    def name_shown(self, runner: Any) -> SafeString:
        error = (
            format_html('<span class="jw-line jw-line--error">{}</span>', first_line(runner.last_error))
            if runner.failed_attempts and runner.last_error
            else ""
        )
        return format_html(
            '<a class="jw-name" href="{}">{}</a>{}{}',
            self.card_address(runner),
            runner.name,
            mark_safe(' <span class="jw-mark">default</span>') if runner.is_default else "",
            error,
        )

    @display(description="Jobs served", ordering="job_count")
    def serves_shown(self, runner: Any) -> str:
        return f"{runner.job_count:,}{' and those of nobody else' if runner.is_default else ''}"

    @display(description="Failed attempts", ordering="failed_attempts")
    def attempts_shown(self, runner: Any) -> SafeString:
        if not runner.failed_attempts:
            return mark_safe('<span class="jw-none">0</span>')
        when = words.moment(runner.last_failure_at, now=runner.seen_at)
        return format_html('<span class="jw-number">{}</span> {}', runner.failed_attempts, when)

    @display(description="Last success", ordering="last_success_at")
    def success_shown(self, runner: Any) -> SafeString:
        return words.moment(runner.last_success_at, now=runner.seen_at, empty="never")

    @display(description="")
    def menu_shown(self, runner: Any) -> SafeString:
        return mark_safe(
            render_to_string(
                "jobqueue/admin/row_menu.html",
                {"buttons": runner.row_buttons, "entry": runner, "next": runner.seen_from},
            )
        )
