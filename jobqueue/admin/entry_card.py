"""The entry card: what the entry is, why it does or does not run, and its fields (*Job queue reference, Card*)."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue import explain, lifecycle, preview, validation
from jobqueue.admin import badges, entry_form, words
from jobqueue.admin.base import may, now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.entry_parameters import parameter_fields, parameters_in_words
from jobqueue.admin.polling import polled
from jobqueue.admin.recent_runs import recent_runs
from jobqueue.admin.record_pages import record_address
from jobqueue.admin.sentences import state_sentence
from jobqueue.admin.verbs import VerbsAdmin
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry, EntryChange, LogEntry
from jobqueue.objects import registry
from jobqueue.permissions import Level
from jobqueue.schedule import ScheduleError
from jobqueue.states import EDITABLE, HOLD_WORDS, CategoryPriority, HoldKind, LogStatus, ObjectType, Status

PREVIEWED = 20
SHOWN_CHANGES = 8
CARD_VERBS = (
    "set-ready", "set-on-hold", "restart", "run-now", "run-once", "cancel-run", "copy", "delete-entry"
)
WEEKDAYS_ROW = entry_form.WEEKDAY_FIELDS
PREVIEW_FIELDS = (*entry_form.RECURRENCE, "earliest_start_at", "expires_at")


class EntryCard(VerbsAdmin):
    """The card's half of the entry admin; the list is in ``entries``."""

    add_level: Level | None = "schedule"
    change_level: Level | None = "schedule"
    change_form_outer_before_template = "jobqueue/admin/entry_head.html"
    change_form_template = "jobqueue/admin/entry_card.html"
    compressed_fields = False

    # --- who may
    def level_of(self, verb: Any, row: Model) -> Level:
        return "administer" if getattr(row, "is_system", False) else verb.level

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The fields are open only while the entry is On Hold; System entries only to administrators."""
        if obj is None:
            return may(request, "schedule")
        return obj.status in EDITABLE and may(request, "administer" if obj.is_system else "schedule")

    # --- the form
    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> type:
        if change and not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, **kwargs)
        kwargs["form"] = entry_form.entry_form_class(request, obj)
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return entry_form.initial_values(request)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return self._read_only_fieldsets(obj)
        object_type, object_id = entry_form.chosen_key(request, obj)
        job = entry_form.chosen_object(object_type, object_id)
        is_report = object_type == ObjectType.REPORT
        own = list(parameter_fields(job))
        return [
            (
                "General",
                {
                    "fields": [
                        ("object_type", "object_id"), "description", "category_code",
                        ("earliest_start_at", "expires_at"), "expected_revision",
                    ],
                    "classes": ["jw-group", "jw-group--general"],
                },
            ),
            (
                "Report parameters" if is_report else "Parameters",
                {
                    "fields": [*own, *(entry_form.REPORT if is_report else ()), *entry_form.PARAMETERS],
                    "classes": ["jw-group", "jw-group--parameters"],
                    "description": self._about_parameters(job, object_id),
                },
            ),
            (
                "Recurrence",
                {
                    "fields": [
                        WEEKDAYS_ROW, "minutes_between_runs", ("starting_time", "ending_time"), "next_run_date_formula",
                        ("recurrence_anchor", "time_zone"), ("missed_runs", "inactivity_timeout_minutes"),
                    ],
                    "classes": ["jw-group", "jw-group--recurrence"],
                    "description": "Tick weekdays for a recurring entry, or give a date formula instead. "
                    "Without either the entry runs once and is gone after its success.",
                },
            ),
            (
                "Behaviour",
                {
                    "fields": [
                        ("max_attempts", "rerun_delay_seconds"), "timeout_seconds",
                        ("priority", "priority_within_category"), "notify_on_success",
                    ],
                    "classes": ["jw-group", "jw-group--behaviour"],
                },
            ),
        ]

    @staticmethod
    def _about_parameters(job: Any, object_id: int) -> str:
        """What the object does, or why no parameters are shown."""
        if job is None:
            return "Choose an object above; its parameters appear here." if not object_id else (
                f"Object {object_id} is not registered by any installed app, so its parameters cannot be shown."
            )
        nothing = "" if job.parameter_fields else "It has no parameters of its own."
        return format_html("{} {}", job.help, nothing)

    def _read_only_fieldsets(self, entry: Any) -> Any:
        is_report = entry.object_type == ObjectType.REPORT
        return [
            ("General", {"fields": ["object_shown_in_full", "description", "category_in_words", "earliest_shown", "expires_shown"],
                         "classes": ["jw-group"]}),
            ("Report parameters" if is_report else "Parameters",
             {"fields": ["parameters_shown", *(["report_output_type"] if is_report else []), "record_to_process"],
              "classes": ["jw-group"], "description": self._about_parameters(registry.find(entry.object_type, entry.object_id), entry.object_id)}),
            ("Recurrence", {"fields": ["recurrence_in_words", "time_zone", "missed_runs", "inactivity_timeout_minutes"],
                            "classes": ["jw-group"]}),
            ("Behaviour", {"fields": ["attempts_in_words", "timeout_in_words", "priority", "notify_in_words"],
                           "classes": ["jw-group"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return ()
        return [name for _, options in self._read_only_fieldsets(obj) for name in options["fields"]]

    # --- saving
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method == "POST" and object_id is not None:
            entry = self.object_or_404(request, object_id)
            if may(request, "schedule") and entry.status not in EDITABLE:
                messages.error(
                    request,
                    f"“{entry}” is {Status(entry.status).label} and was not saved: its fields change only while it "
                    "is On Hold. Set it On Hold first.",
                )
                return HttpResponseRedirect(self.card_address(entry))
        return super().changeform_view(request, object_id, form_url, extra_context)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        return ""

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """The stored row as it is: the verb, not the form, writes to it."""
        return form.instance

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        """An entry has no rows of its own on the card."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor = actor_of(request)
        if change:
            stored = self.object_or_404(request, str(obj.pk))
            saved = lifecycle.change_entry(
                stored, form.entry_values(), actor=actor, expected_revision=form.cleaned_data.get("expected_revision")
            )
        else:
            saved = lifecycle.create_entry(request.company, form.entry_values(), actor=actor, now=now_of(request))
        obj.__dict__.update(saved.__dict__)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"“{obj}” was created and is On Hold. Set it to Ready when it may run.")
        return HttpResponseRedirect(self.card_address(obj))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"“{obj}” was saved.")
        return HttpResponseRedirect(self.card_address(obj))

    # --- the page
    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: Any = None,
    ) -> HttpResponse:
        context["show_save_and_add_another"] = False
        context["show_save_and_continue"] = False
        context["show_close"] = False
        context["show_delete"] = False
        if obj is not None:
            context |= self.card_contents(request, obj)
            form = context["adminform"].form
            if "expected_revision" in form.fields and not form.is_bound:
                form.initial["expected_revision"] = obj.revision
        context["title"] = "New job queue entry" if add else str(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def card_contents(self, request: HttpRequest, entry: Any) -> dict[str, Any]:
        """What the card shows around the form."""
        now = now_of(request)
        return {
            "entry": entry,
            "now": now,
            "job": registry.find(entry.object_type, entry.object_id),
            "badge": badges.entry_badge(entry, now=now),
            "sentence": state_sentence(entry, now=now),
            "buttons": self.buttons(request, entry, CARD_VERBS),
            "is_locked": entry.status not in EDITABLE and may(request, "schedule"),
            "hold_address": self.verb_address(self.verb("set-on-hold"), entry),
            "hold_words": HOLD_WORDS[HoldKind(entry.hold_kind)] if entry.hold_kind else "",
            "card_address": self.card_address(entry),
            **self.explained(request, entry, now=now),
            "runs": recent_runs([entry.id])[entry.id],
            "changes": EntryChange.objects.filter(entry_id=entry.id).select_related("user")[:SHOWN_CHANGES],
            **self.coming_runs(entry, now=now),
            "facts": self.facts(entry, now=now),
        }

    @staticmethod
    def coming_runs(entry: Any, *, now: Any) -> dict[str, Any]:
        """The next runs by the schedule, or the sentence why there are none."""
        try:
            return {"coming": preview.preview(entry, now=now, count=PREVIEWED), "coming_problem": ""}
        except (ScheduleError, JobQueueError) as problem:
            return {"coming": None, "coming_problem": str(problem)}

    def explained(self, request: HttpRequest, entry: Any, *, now: Any) -> dict[str, Any]:
        """The gates as the panel shows them: closed ones and those not asked first, open ones folded away."""
        found = explain.explain(entry, now=now)
        buttons = {button.verb.name: button for button in self.buttons(request, entry)}
        shown, opened, closed_before = [], [], False
        for gate in found.gates:
            row = {"name": str(gate.name), "reason": gate.reason, "opens_at": gate.opens_at}
            if gate.open is False:
                button = buttons.get(gate.verb) if not closed_before else None
                # What opens by itself is no fault: a clock, not a cross.
                look = ("closed", "cross", "closed") if gate.opens_at is None else ("later", "clock", "opens by itself")
                shown.append(
                    row | dict(zip(("look", "drawing", "word"), look, strict=True)) | {"button": [button] if button else None}
                )
                closed_before = True
            elif gate.open is None:
                shown.append(row | {"look": "unasked", "drawing": "dash", "word": "not asked"})
            else:
                opened.append(row)
        return {"gates_shown": shown, "gates_open": opened, "verdict_open": not closed_before, "verdict": found.sentence}

    def facts(self, entry: Any, *, now: Any) -> list[tuple[str, Any]]:
        """Live state beside the form: who, since when, which task."""
        found = [
            ("Entry no.", entry.entry_no),
            ("Runs as", entry.user.get_username() if entry.user else "System"),
            ("Last ready state", words.moment(entry.last_ready_state_at, now=now)),
            ("Attempts used", f"{entry.attempts} of {entry.max_attempts}"),
        ]
        if entry.user_session_started_at and entry.status == Status.IN_PROCESS:
            found.append(("Session started", words.moment(entry.user_session_started_at, now=now)))
            found.append(("Session", f"{entry.worker_id} / {entry.session_number}"))
        if entry.system_task_id:
            address = reverse("admin:jobqueue_scheduledtask_change", args=[entry.system_task_id])
            found.append(("Task", format_html('<a class="jw-link" href="{}">{}…</a>', address, str(entry.system_task_id)[:8])))
        if entry.owner_kind:
            found.append(("Owner", f"{entry.owner_kind} {entry.owner_reference}"))
        found.append(("Created", format_html("{} {}", words.moment(entry.created_at, now=now), _by(entry.created_by))))
        return found

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("preview/", self.admin_site.admin_view(self.preview_view), name="jobqueue_entry_preview"),
            path("<path:object_id>/live/", self.admin_site.admin_view(self.live_view), name="jobqueue_entry_live"),
            path("<path:object_id>/show-error/", self.admin_site.admin_view(self.show_error), name="jobqueue_entry_show_error"),
            path("<path:object_id>/show-record/", self.admin_site.admin_view(self.show_record), name="jobqueue_entry_show_record"),
        ]
        return own + super().get_urls()

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The part of the card that changes by itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        entry = self.object_or_404(request, object_id)
        part = "head" if request.GET.get("part") == "head" else "side"
        template = f"jobqueue/admin/entry_live_{part}.html"
        return polled(request, template, self.card_contents(request, entry), region=template)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The next runs of the schedule as it stands in the form, saved or not."""
        if not may(request, "schedule"):
            raise PermissionDenied
        form = entry_form.entry_form_class(request, None)(request.GET)
        form.is_valid()
        draft = Entry(company=request.company, status=Status.ON_HOLD)
        problems = validation.apply(
            draft,
            {name: form.cleaned_data[name] for name in PREVIEW_FIELDS if name in form.cleaned_data},
            by_code=False,
            now=now_of(request),
        )
        context = self.coming_runs(draft, now=now_of(request))
        if problems:
            context = {"coming": None, "coming_problem": problems[0].message}
        context |= {"entry": draft, "now": now_of(request), "schedule": draft_in_words(draft)}
        return TemplateResponse(request, "jobqueue/admin/entry_preview.html", context)

    def show_error(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """*Show Error*: the collected messages if there are any, else the error message, else that there is none."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        entry = self.object_or_404(request, object_id)
        register = entry.error_register
        if register is not None and register.messages.filter(is_context=False).count() > 1:
            return HttpResponseRedirect(reverse("admin:jobqueue_errormessageregister_change", args=[register.pk]))
        failed = LogEntry.objects.filter(entry_id=entry.id, status=LogStatus.ERROR).order_by("-entry_no").first()
        if entry.error_message and failed is not None:
            return HttpResponseRedirect(reverse("admin:jobqueue_logentry_change", args=[failed.pk]))
        messages.info(request, entry.error_message or f"“{entry}” has no error.")
        return HttpResponseRedirect(self.card_address(entry))

    def show_record(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """*Show Record*: the page of the record the entry works on, or the sentence why there is none."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        entry = self.object_or_404(request, object_id)
        try:
            return HttpResponseRedirect(record_address(entry.record_to_process))
        except JobQueueError as problem:
            messages.error(request, problem.message)
            return HttpResponseRedirect(self.card_address(entry))

    # --- fields of a locked card
    @display(description="Object to run")
    def object_shown_in_full(self, entry: Entry) -> str:
        job = registry.find(entry.object_type, entry.object_id)
        caption = job.caption if job is not None else "not registered by any installed app"
        return f"{ObjectType(entry.object_type).label} {entry.object_id}  {caption}"

    @display(description="Category")
    def category_in_words(self, entry: Entry) -> str:
        if not entry.category_code:
            return "No category"
        return f"{entry.category_code}, priority {CategoryPriority(entry.priority_within_category).label}"

    @display(description="Earliest start")
    def earliest_shown(self, entry: Entry) -> SafeString:
        return words.moment(entry.earliest_start_at, now=timezone.now(), zone_name=entry.time_zone)

    @display(description="Expiration")
    def expires_shown(self, entry: Entry) -> SafeString:
        return words.moment(entry.expires_at, now=timezone.now(), zone_name=entry.time_zone, empty="Never")

    @display(description="Parameters")
    def parameters_shown(self, entry: Entry) -> SafeString:
        return parameters_in_words(entry.object_type, entry.object_id, entry.parameters, entry.parameter_string)

    @display(description="Schedule")
    def recurrence_in_words(self, entry: Entry) -> str:
        return draft_in_words(entry)

    @display(description="Attempts")
    def attempts_in_words(self, entry: Entry) -> str:
        if not entry.max_attempts:
            return "A failed run is not tried again"
        wait = f", {entry.rerun_delay_seconds} s apart and growing" if entry.rerun_delay_seconds else ""
        return f"A failed run is tried again up to {words.counted(entry.max_attempts, 'time')}{wait}"

    @display(description="Notify on success")
    def notify_in_words(self, entry: Entry) -> str:
        return "Yes, the running user" if entry.notify_on_success else "No"

    @display(description="Job timeout")
    def timeout_in_words(self, entry: Entry) -> str:
        return words.seconds_in_words(entry.timeout_seconds)


def draft_in_words(entry: Entry) -> str:
    """The schedule as one phrase, or what is wrong with it."""
    if not entry.weekdays and not entry.next_run_date_formula:
        return "Runs once"
    try:
        return validation.recurrence_of(entry).explain()
    except ScheduleError as problem:
        return str(problem)


def _by(user: Any) -> str:
    return f"by {user.get_username()}" if user is not None else ""
