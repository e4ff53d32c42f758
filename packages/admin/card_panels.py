"""Around the form of a package: its state in a sentence, the action bar, what stands against activating, due times."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse

from jobqueue.admin.base import now_of
from jobqueue.admin.cards import SavedByVerbs
from jobqueue.admin.company import actor_of
from jobqueue.admin.polling import polled
from jobqueue.admin.words import with_moments
from jobqueue.gates import Opener
from jobqueue.models.fields import known_time_zones
from packages import explain, guards, lists, preview
from packages.admin import forms, looks, words
from packages.admin.base import PackagesAdmin
from packages.admin.grid import grid
from packages.admin.lines_shown import lines_shown
from packages.admin.set_job_queues import SetJobQueues
from packages.admin.state import state_of
from packages.models import Package, Run
from packages.recurrences import in_words

PREVIEWED = 20
SHOWN_RUNS = 10
SHOWN_CHANGES = 5
BAR = ("set-active", "set-on-hold", "run-now", "cancel-run", "resume", "copy", "delete-package")
ONLY_WHEN_POSSIBLE = ("cancel-run", "resume")


class CardPanels(SetJobQueues, PackagesAdmin, SavedByVerbs):
    """What the card shows and lets a person do beside its fields."""

    # --- addresses
    def notifications_address(self, package: Package) -> str:
        """The page of the package's own notification list; empty while there is none."""
        own = lists.private_list(package)
        try:
            return reverse("admin:notifications_notificationlist_change", args=[own.pk]) if own else ""
        except NoReverseMatch:
            return ""

    @staticmethod
    def log_address(package: Package) -> str:
        return f"{reverse('admin:packages_run_changelist')}?package={package.uuid}"

    # --- contents
    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        form = context["adminform"].form
        is_open = hasattr(form, "recurrences")
        context |= {
            "is_open": is_open,
            "package_form": form if is_open else None,
            "preview_address": reverse("admin:packages_package_preview"),
            "recurrence_template": form.recurrences.empty_form if is_open else None,
        }
        if obj is not None:
            context |= self.card_contents(request, obj, is_open=is_open)
            context["lines"] = lines_shown(obj, form=form if is_open else None)
            if is_open and not form.is_bound:
                form.initial["expected_revision"] = obj.revision
        context["title"] = "New job queue package" if add else str(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def card_contents(self, request: HttpRequest, package: Any, *, is_open: bool) -> dict[str, Any]:
        """What the card shows around the form."""
        now, state = now_of(request), state_of(package)
        can_maintain = self.holds(request, "schedule")
        is_locked = package.is_active or state.is_running
        buttons = self.buttons(request, package, BAR)
        asks = not package.is_active and self.holds(request, "operate")
        findings = guards.problems(package, actor=actor_of(request), now=now) if asks else []
        return {
            "package": package,
            "now": now,
            "state": state,
            "badge": looks.status_badge(package, is_running=state.is_running),
            "sentence": words.state_sentence(
                package,
                run=state.open_run,
                lines=state.lines,
                stopped_by=state.stopped_by,
                now=now,
                waits=explain.what_it_waits_for(package, now=now) if package.is_active else "",
            ),
            "buttons": [
                button for button in buttons if button.enabled or button.verb.name not in ONLY_WHEN_POSSIBLE
            ],
            "saves_first": is_open,
            "findings": findings,
            "warnings": guards.warnings(package) if asks and not findings else [],
            "is_locked": is_locked and can_maintain,
            "hold_address": self.verb_address(self.verb("set-on-hold"), package),
            "may_hold": not self.refusal(request, self.verb("set-on-hold"), package),
            "card_address": self.card_address(package),
            "live_address": reverse("admin:packages_package_live", args=[package.pk]),
            "lines_address": self.lines_address(package),
            "notifications_address": self.notifications_address(package),
            "log_address": self.log_address(package),
            "runs": [
                (run, looks.run_badge(run))
                for run in Run.objects.filter(package_uuid=package.uuid)[:SHOWN_RUNS]
            ],
            "grid": grid(package, package.lines.select_related("entry")),
            "changes": package.status_changes.select_related("user")[:SHOWN_CHANGES],
            "recurrences": [
                (row, in_words(row, time_zone=package.time_zone)) for row in package.recurrences.all()
            ],
            "explained": explained(package, now=now),
            "coming": preview.due_times(package, PREVIEWED, now=now),
            "coming_problems": [],
            "zone": package.time_zone,
        }

    # --- pages
    def get_urls(self) -> list[URLPattern]:
        own = [
            path("preview/", self.admin_site.admin_view(self.preview_view), name="packages_package_preview"),
            path(
                "<path:object_id>/live/",
                self.admin_site.admin_view(self.live_view),
                name="packages_package_live",
            ),
        ]
        return own + super().get_urls()

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The part of the card that changes by itself. ``open=1``: the form beside it is open."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        package = self.object_or_404(request, object_id)
        locked = package.is_active or state_of(package).is_running
        is_open = request.GET.get("open") == "1" and self.holds(request, "schedule") and not locked
        part = "head" if request.GET.get("part") == "head" else "side"
        template = f"packages/admin/package_live_{part}.html"
        return polled(
            request, template, self.card_contents(request, package, is_open=is_open), region=template
        )

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The next due times of the recurrences as they stand in the form, saved or not."""
        if not self.holds(request, "schedule"):
            raise PermissionDenied
        zone = request.GET.get("time_zone", "")
        if zone not in known_time_zones():
            zone = request.company.time_zone
        sent = forms.RecurrenceFormSet(request.GET, prefix="recurrence")
        context: dict[str, Any] = {"now": now_of(request), "zone": zone, "coming": [], "coming_problems": []}
        if sent.is_valid():
            found, problems = forms.coming(sent.kept(), time_zone=zone, now=now_of(request), count=PREVIEWED)
            context |= {"coming": found, "coming_problems": problems}
        else:
            context["coming_problems"] = [
                message for errors in sent.errors for messages in errors.values() for message in messages
            ] or ["The recurrences cannot be read."]
        return TemplateResponse(request, "packages/admin/coming.html", context)


def explained(package: Package, *, now: datetime) -> dict[str, Any]:
    """*Explain*: the verdict, the answers that stand against a run, and the open ones folded away."""
    found = explain.explain(package, now=now)
    closed = [
        {
            "question": answer.question,
            "reason": with_moments(answer.reason, now=now),
            "opens_by_itself": answer.opens_at is not None or answer.opener == Opener.ITSELF,
        }
        for answer in found.answers
        if not answer.open
    ]
    opened = [answer for answer in found.answers if answer.open]
    return {"verdict": with_moments(found.sentence, now=now), "closed": closed, "open": opened}
