"""Around the form of an entry: its state in a sentence, Explain, the coming and latest runs, facts and history."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from jobqueue import explain, preview, validation
from jobqueue.admin import badges, entry_form, extensions, words
from jobqueue.admin.base import may, now_of
from jobqueue.admin.cards import SavedByVerbs
from jobqueue.admin.entry_words import draft_in_words, run_in_process, state_sentence
from jobqueue.admin.polling import polled
from jobqueue.admin.recent_runs import recent_runs
from jobqueue.admin.record_pages import record_address
from jobqueue.admin.verbs import Verb
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry, EntryChange, LogEntry
from jobqueue.objects import registry
from jobqueue.schedule import ScheduleError
from jobqueue.states import EDITABLE, LogStatus, Status

PREVIEWED = 20
SHOWN_CHANGES = 8
CARD_VERBS = (
    "set-ready",
    "set-on-hold",
    "restart",
    "run-now",
    "run-once",
    "cancel-run",
    "copy",
    "delete-entry",
)
LEFT_TO_OWNERS = ("set-ready", "set-on-hold", "restart", "run-now", "run-once", "delete-entry")
PREVIEW_FIELDS = (*entry_form.RECURRENCE, "earliest_start_at", "expires_at")


class EntryPanels(SavedByVerbs):
    """What the card shows and lets a person do beside its fields."""

    @staticmethod
    def owner_shown(entry: Any) -> extensions.OwnerShown | None:
        """The owner as it is shown; asked once per entry, and by lists for all rows together."""
        if not hasattr(entry, "owner_shown"):
            entry.owner_shown = extensions.describe_owners([entry]).get(entry.pk)
        return entry.owner_shown

    def refusal(self, request: HttpRequest, verb: Verb, row: Any) -> str:
        reason = super().refusal(request, verb, row)
        owner = self.owner_shown(row) if verb.name in LEFT_TO_OWNERS else None
        if owner is None or (reason and not may(request, self.level_of(verb, row))):
            return reason
        label = extensions.owner_of(row).label.lower()
        return f"“{row}” belongs to the {label} “{owner.name}”, which alone decides this."

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
            context["panels"] = extensions.entry_panels(request, obj)
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
            "owner": self.owner_shown(entry),
            "lock": extensions.entry_lock(entry),
            "owner_label": str(getattr(extensions.owner_of(entry), "label", "")).lower(),
            "now": now,
            "job": registry.find(entry.object_type, entry.object_id),
            "badge": badges.entry_badge(entry, now=now),
            "sentence": state_sentence(entry, now=now),
            "buttons": self.buttons(request, entry, CARD_VERBS),
            "is_running": entry.status == Status.IN_PROCESS or run_in_process(entry) is not None,
            "is_locked": entry.status not in EDITABLE
            and self.owner_shown(entry) is None
            and may(request, "schedule"),
            "hold_address": self.verb_address(self.verb("set-on-hold"), entry),
            "card_address": self.card_address(entry),
            **self.explained(request, entry, now=now),
            "runs": recent_runs([entry.id])[entry.id],
            "changes": EntryChange.objects.filter(entry_id=entry.id).select_related("user")[:SHOWN_CHANGES],
            **self.coming_runs(entry, now=now),
            "facts": self.facts(entry, now=now),
        }

    @staticmethod
    def coming_runs(entry: Any, *, now: datetime) -> dict[str, Any]:
        """The next runs by the schedule, or the sentence why there are none."""
        if entry.owner_kind:
            return {"coming": None, "coming_problem": ""}
        try:
            return {"coming": preview.preview(entry, now=now, count=PREVIEWED), "coming_problem": ""}
        except (ScheduleError, JobQueueError) as problem:
            return {"coming": None, "coming_problem": str(problem)}

    def explained(self, request: HttpRequest, entry: Any, *, now: datetime) -> dict[str, Any]:
        """The gates as the panel shows them: closed ones and those not asked first, open ones folded away."""
        found = explain.explain(entry, now=now)
        buttons = {button.verb.name: button for button in self.buttons(request, entry)}
        shown: list[dict[str, Any]] = []
        opened: list[dict[str, Any]] = []
        closed_before = False
        for gate in found.gates:
            reason = words.with_moments(gate.reason, now=now)
            said_when = words.WRITTEN_MOMENT.search(gate.reason) is not None
            row: dict[str, Any] = {
                "name": str(gate.name),
                "reason": reason,
                "opens_at": None if said_when else gate.opens_at,
            }
            if gate.open is False:
                if (
                    gate.reason
                    and gate.reason.removeprefix(explain.ERROR_SAID).lower() in found.sentence.lower()
                ):
                    row["reason"] = ""  # the verdict above says it already
                button = buttons.get(gate.verb) if not closed_before else None
                # What opens by itself is no fault: a clock, not a cross.
                look = (
                    ("closed", "cross", "closed")
                    if gate.opens_at is None
                    else ("later", "clock", "opens by itself")
                )
                shown.append(
                    row
                    | dict(zip(("look", "drawing", "word"), look, strict=True))
                    | {"button": [button] if button else None}
                )
                closed_before = True
            elif gate.open is None:
                shown.append(row | {"look": "unasked", "drawing": "dash", "word": "not asked"})
            else:
                opened.append(row)
        return {
            "gates_shown": shown,
            "gates_open": opened,
            "verdict_open": not closed_before,
            "verdict": words.with_moments(found.sentence, now=now),
        }

    def facts(self, entry: Any, *, now: datetime) -> list[tuple[str, Any]]:
        """Live state beside the form: who, since when, which task."""
        found: list[tuple[str, Any]] = [
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
            found.append(
                (
                    "Task",
                    format_html(
                        '<a class="jw-link" href="{}">{}…</a>', address, str(entry.system_task_id)[:8]
                    ),
                )
            )
        if entry.owner_kind and self.owner_shown(entry) is None:
            found.append(("Owner", f"{entry.owner_kind} {entry.owner_reference}"))
        found.append(
            ("Created", format_html("{} {}", words.moment(entry.created_at, now=now), _by(entry.created_by)))
        )
        return found

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("preview/", self.admin_site.admin_view(self.preview_view), name="jobqueue_entry_preview"),
            path(
                "<path:object_id>/live/",
                self.admin_site.admin_view(self.live_view),
                name="jobqueue_entry_live",
            ),
            path(
                "<path:object_id>/show-error/",
                self.admin_site.admin_view(self.show_error),
                name="jobqueue_entry_show_error",
            ),
            path(
                "<path:object_id>/show-record/",
                self.admin_site.admin_view(self.show_record),
                name="jobqueue_entry_show_record",
            ),
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
            return HttpResponseRedirect(
                reverse("admin:jobqueue_errormessageregister_change", args=[register.pk])
            )
        failed = (
            LogEntry.objects.filter(entry_id=entry.id, status=LogStatus.ERROR).order_by("-entry_no").first()
        )
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


def _by(user: Any) -> str:
    return f"by {user.get_username()}" if user is not None else ""
