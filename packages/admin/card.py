"""The *Job Queue Package* card: its fields, who may change them, and saving."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import display

from jobqueue.admin import words as plain_words
from jobqueue.admin.base import now_of
from jobqueue.admin.company import actor_of
from jobqueue.permissions import Level
from packages.admin import forms, saving
from packages.admin.card_panels import CardPanels
from packages.admin.state import state_of
from packages.admin.verbs import VERBS
from packages.models import Package
from packages.states import MissedRun, OnError

LEADS_ON = "_then"
MODE_WORDS = dict(forms.MODES)
OPEN_SETTINGS = (
    ("missed_run", "late_tolerance_minutes"),
    ("run_equal_orders_together", "max_duration_minutes"),
)
LOCKED_SETTINGS = ("missed_in_words", "late_in_words", "together_in_words", "longest_in_words")


class PackageCard(CardPanels):
    """The fields' part of the package admin; the list is in ``packages``, what surrounds them in ``card_panels``."""

    verbs = VERBS
    add_level: Level | None = "schedule"
    change_level: Level | None = "schedule"
    change_form_template = "packages/admin/package_card.html"
    change_form_outer_before_template = "packages/admin/package_head.html"
    compressed_fields = False

    # --- who may
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The form is open unless the package is Active or running. One that was opened before is taken and refused by
        the verb, so that nothing typed is lost."""
        if obj is None or not self.holds(request, "schedule"):
            return self.holds(request, "schedule")
        return request.method == "POST" or not (obj.is_active or state_of(obj).is_running)

    # --- the form
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        if not change or self.has_change_permission(request, obj):
            kwargs["form"] = forms.package_form_class(request, obj)
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"time_zone": request.company.time_zone}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        locked = obj is not None and not self.has_change_permission(request, obj)
        general = ["name", "description", "on_error_in_words" if locked else "on_error"]
        settings: list[Any] = [
            "time_zone",
            "run_as_in_words" if locked else "run_as_user",
            *(LOCKED_SETTINGS if locked else OPEN_SETTINGS),
        ]
        if not locked and "notification_lists" in forms.package_form_class(request, obj).base_fields:
            settings.append("notification_lists")
        if not locked:
            general.append("expected_revision")
        return [
            ("General", {"fields": general, "classes": ["jw-group"]}),
            ("Settings", {"fields": settings, "classes": ["jw-group", "jw-group--settings"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return ()
        names: list[str] = []
        for _, options in self.get_fieldsets(request, obj):
            for name in options["fields"]:
                names += name if isinstance(name, tuple) else [name]
        return names

    @display(description="On Error")
    def on_error_in_words(self, package: Package) -> str:
        return MODE_WORDS[OnError(package.on_error).value]

    @display(description="Run as user")
    def run_as_in_words(self, package: Package) -> str:
        if package.run_as_user is not None:
            return package.run_as_user.get_username()
        return (
            f"{package.identity.get_username()}, who set it active"
            if package.identity
            else "Whoever sets it active"
        )

    @display(description="Missed run")
    def missed_in_words(self, package: Package) -> str:
        return MissedRun(package.missed_run).label

    @display(description="Late tolerance")
    def late_in_words(self, package: Package) -> str:
        return plain_words.counted(package.late_tolerance_minutes, "minute")

    @display(description="Run equal orders together")
    def together_in_words(self, package: Package) -> str:
        return "Yes" if package.run_equal_orders_together else "No"

    @display(description="Max. duration")
    def longest_in_words(self, package: Package) -> str:
        minutes = package.max_duration_minutes
        return plain_words.counted(minutes, "minute") if minutes else "No limit"

    # --- saving
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        saved = saving.save_card(form, company=request.company, actor=actor_of(request), now=now_of(request))
        obj.__dict__.update(saved.__dict__)
        obj.__dict__.pop("state_shown", None)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._saved(request, obj, f"“{obj}” was created. Next: fill in its lines with Set Job Queues.")

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._saved(request, obj, f"“{obj}” was saved.")

    def _saved(self, request: HttpRequest, package: Any, sentence: str) -> HttpResponse:
        """Says so and, when an action of the bar was pressed instead of Save, goes on with that."""
        wanted = request.POST.get(LEADS_ON, "")
        card = self.card_address(package)
        if wanted == "set-job-queues":
            return HttpResponseRedirect(self.lines_address(package))
        if wanted == "notifications":
            return HttpResponseRedirect(self.notifications_address(package) or card)
        if wanted == "log":
            return HttpResponseRedirect(self.log_address(package))
        verb = next((verb for verb in self.verbs if verb.name == wanted), None)
        if verb is None:
            messages.success(request, sentence)
            return HttpResponseRedirect(card)
        if verb.confirmed or verb.form or verb.form_for:
            return HttpResponseRedirect(f"{self.verb_address(verb, package)}?next={card}")
        fresh = self.object_or_404(request, str(package.pk))
        if refusal := self.refusal(request, verb, fresh):
            messages.error(request, refusal)
        else:
            self.acting(request, lambda: verb.act(fresh, actor_of(request), {}))
        return HttpResponseRedirect(card)
