"""The *Monitored Job* card: expected fields, expected against actual, and what a pass would do."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display

from jobqueue.admin import badges, entry_form, words
from jobqueue.admin.base import may, now_of
from jobqueue.admin.cards import SavedByVerbs
from jobqueue.admin.company import actor_of
from jobqueue.admin.entry_locked import LockedEntry, about_parameters
from jobqueue.admin.entry_parameters import parameter_fields
from jobqueue.permissions import Level
from jobqueue.states import ObjectType
from refresher.admin import looks
from refresher.admin.job_form import OPEN_BEHAVIOUR, OPEN_GENERAL, job_form_class
from refresher.admin.job_verbs import VERBS, protection
from refresher.admin.seen import setup_seen, works
from refresher.models import MonitoredJob, RefreshLogLine
from refresher.monitoring import change_monitored_job, create_from_scratch
from refresher.passing.simulating import NOBODY, would_do
from refresher.passing.standpoint import Standpoint
from refresher.results import Outcome
from refresher.standing import standings
from refresher.templates import BESIDE, as_entry

SHOWN_LINES = 8


class JobCard(LockedEntry, SavedByVerbs):
    """The fields' part of the monitored job admin; the list is in ``jobs``."""

    verbs = VERBS
    add_level: Level | None = "schedule"
    change_level: Level | None = "schedule"
    change_form_template = "refresher/admin/job_card.html"
    change_form_outer_before_template = "refresher/admin/job_head.html"
    compressed_fields = False

    # --- the form
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        if not change or self.has_change_permission(request, obj):
            kwargs["form"] = job_form_class(
                request, obj, is_protected=obj is not None and bool(protection(obj))
            )
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return entry_form.initial_values(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may_change = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        runner = ["runner"] if may(request, "administer") and may_change else ["runner_in_words"]
        if not may_change:
            groups = self.locked_fieldsets(obj)
            beside: list[Any] = ["runner_in_words", "beside_in_words", "heartbeat_shown"]
            return [*groups, ("Refreshing", {"fields": beside, "classes": ["jw-group"]})]
        refreshing = (
            "Refreshing",
            {
                "fields": [
                    *(runner if obj is not None else ["runner"] if runner == ["runner"] else []),
                    "auto_reschedule",
                    "auto_reschedule_delay_seconds",
                    "heartbeat_url",
                ],
                "classes": ["jw-group"],
            },
        )
        if obj is not None and protection(obj):
            return [*self._protected_groups(obj), refreshing]
        object_type, object_id = entry_form.chosen_key(request, obj)
        job = entry_form.chosen_object(object_type, object_id)
        is_report = object_type == ObjectType.REPORT
        return [
            (
                "General",
                {
                    "fields": [("object_type", "object_id"), *OPEN_GENERAL],
                    "classes": ["jw-group", "jw-group--general"],
                },
            ),
            (
                "Report parameters" if is_report else "Parameters",
                {
                    "fields": [
                        *parameter_fields(job),
                        *(entry_form.REPORT if is_report else ()),
                        *entry_form.PARAMETERS,
                    ],
                    "classes": ["jw-group", "jw-group--parameters"],
                    "description": about_parameters(job, object_id),
                },
            ),
            (
                "Recurrence",
                {
                    "fields": [
                        entry_form.WEEKDAY_FIELDS,
                        "minutes_between_runs",
                        ("starting_time", "ending_time"),
                        "next_run_date_formula",
                        ("recurrence_anchor", "time_zone"),
                        ("missed_runs", "inactivity_timeout_minutes"),
                    ],
                    "classes": ["jw-group", "jw-group--recurrence"],
                    "description": "Only recurring jobs are monitored: tick weekdays, or give a date formula.",
                },
            ),
            (
                "Behaviour",
                {
                    "fields": [
                        ("max_attempts", "rerun_delay_seconds"),
                        "timeout_seconds",
                        *OPEN_BEHAVIOUR,
                        "notify_on_success",
                    ],
                    "classes": ["jw-group", "jw-group--behaviour"],
                },
            ),
            refreshing,
        ]

    def _protected_groups(self, obj: Any) -> list[Any]:
        """What code describes in words, with the few fields people may change."""
        locked = self.locked_fieldsets(as_entry(obj))
        return [
            ("General", {"fields": ["object_shown_in_full", *OPEN_GENERAL], "classes": ["jw-group"]}),
            *locked[1:3],
            (
                "Behaviour",
                {
                    "fields": ["attempts_in_words", "timeout_in_words", *OPEN_BEHAVIOUR],
                    "classes": ["jw-group"],
                },
            ),
        ]

    def locked_fieldsets(self, entry: Any) -> Any:
        return super().locked_fieldsets(as_entry(entry) if isinstance(entry, MonitoredJob) else entry)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        names = [
            name
            for _, options in self.get_fieldsets(request, obj)
            for one in options["fields"]
            for name in (one if isinstance(one, tuple) else (one,))
        ]
        if not self.has_change_permission(request, obj):
            return names
        if not protection(obj):
            return ("runner_in_words",)
        opened = {"description", "category_code", *entry_form.MOMENTS, *OPEN_BEHAVIOUR[0], *BESIDE, "runner"}
        return [name for name in names if name not in opened]

    @display(description="JQ runner user")
    def runner_in_words(self, job: MonitoredJob) -> str:
        return job.runner.name if job.runner is not None else "The default runner user"

    @display(description="After an error")
    def beside_in_words(self, job: MonitoredJob) -> str:
        if not job.auto_reschedule:
            return "Stays in Error until the next pass"
        delay = words.seconds_in_words(job.auto_reschedule_delay_seconds)
        return f"Starts again after {delay}"

    @display(description="Heartbeat URL")
    def heartbeat_shown(self, job: MonitoredJob) -> str:
        return job.heartbeat_url or "None"

    # --- around the form
    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context["title"] = "New monitored job" if add else str(obj)
        if obj is not None:
            context |= self.card_contents(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def card_contents(self, request: HttpRequest, job: MonitoredJob) -> dict[str, Any]:
        now = now_of(request)
        (standing,) = standings([job], now=now)
        setup = setup_seen(request)
        entry = standing.entry
        runner = job.runner or setup.default_runner
        outcome = self._would(request, job)
        lines = RefreshLogLine.objects.filter(monitored_job=job).select_related("log").order_by("-pk")
        return {
            "job": job,
            "now": now,
            "standing": standing,
            "condition": looks.condition_badge(standing.condition),
            "entry": entry,
            "entry_badge": badges.entry_badge(entry, now=now) if entry is not None else "",
            "buttons": self.buttons(request, job),
            "left_out": "" if standing.changes else "accept",
            "protection": protection(job),
            "refresh_badge": looks.refresh_badge(job),
            "outcome": outcome,
            "outcome_badge": looks.action_badge(outcome.action) if outcome is not None else "",
            "external": setup.use_external,
            "runner": runner,
            "runner_light": looks.runner_badge(
                runner, may_act=works(request, runner) or not runner.is_enabled
            )
            if runner is not None
            else "",
            "nobody": NOBODY,
            "lines": [(looks.line_badge(line), line) for line in lines[:SHOWN_LINES]],
            "lines_address": f"{reverse('admin:refresher_refreshlog_changelist')}?job={job.pk}",
            "card_address": self.card_address(job),
        }

    @staticmethod
    def _would(request: HttpRequest, job: MonitoredJob) -> Outcome | None:
        """What a pass would do to the job now; None where nobody serves it."""
        setup = setup_seen(request)
        runner = (job.runner or setup.default_runner) if setup.use_external else None
        if setup.use_external and runner is None:
            return None
        standpoint = Standpoint.of(setup, runner=runner, on_behalf=request.user, now=now_of(request))
        return would_do(job, standpoint)

    # --- saving
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor, now, values = actor_of(request), now_of(request), form.job_values()
        if change:
            stored = self.object_or_404(request, str(obj.pk))
            saved = change_monitored_job(stored, values, actor=actor, now=now)
        else:
            saved = create_from_scratch(request.company, values, actor=actor, now=now)
        obj.__dict__.update(saved.__dict__)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, f"“{obj}” is monitored; its entry was created and is Ready.")
        return HttpResponseRedirect(self.card_address(obj))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(
            request, f"“{obj}” was saved. Its entry follows at the next pass, or with Repair Now."
        )
        return HttpResponseRedirect(self.card_address(obj))
