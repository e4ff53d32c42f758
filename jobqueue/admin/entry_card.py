"""The entry card: its fields, who may change them, and saving (*Job queue reference, Card*)."""

from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from jobqueue import lifecycle
from jobqueue.admin import entry_form, extensions
from jobqueue.admin.base import may, now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.entry_locked import LockedEntry, about_parameters
from jobqueue.admin.entry_panels import EntryPanels
from jobqueue.admin.entry_parameters import parameter_fields
from jobqueue.permissions import Level
from jobqueue.states import EDITABLE, ObjectType, Status


class EntryCard(LockedEntry, EntryPanels):
    """The fields' part of the entry admin; the list is in ``entries``, the panels in ``entry_panels``."""

    add_level: Level | None = "schedule"
    change_level: Level | None = "schedule"
    change_form_outer_before_template = "jobqueue/admin/entry_head.html"
    change_form_template = "jobqueue/admin/entry_card.html"
    compressed_fields = False

    # --- who may
    def level_of(self, verb: Any, row: Model) -> Level:
        return "administer" if getattr(row, "is_system", False) else verb.level

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The fields are open only while the entry is On Hold; System entries only to administrators."""
        if obj is None:
            return may(request, "schedule")
        owner = self.owner_shown(obj)
        if owner is not None:
            return not owner.locked and may(request, "schedule")
        return obj.status in EDITABLE and may(request, "administer" if obj.is_system else "schedule")

    # --- the form
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        if change and not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, **kwargs)
        kwargs["form"] = entry_form.entry_form_class(request, obj)
        if obj is not None and extensions.entry_lock(obj) is not None:
            kwargs["form"] = entry_form.without_definition(kwargs["form"])
        return super().get_form(request, obj, change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return entry_form.initial_values(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            return self.locked_fieldsets(obj)
        if obj is not None and extensions.entry_lock(obj) is not None:
            return self.half_locked_fieldsets(obj)
        object_type, object_id = entry_form.chosen_key(request, obj)
        job = entry_form.chosen_object(object_type, object_id)
        is_report = object_type == ObjectType.REPORT
        own = list(parameter_fields(job))
        groups: list[Any] = [
            (
                "General",
                {
                    "fields": [
                        ("object_type", "object_id"),
                        "description",
                        "category_code",
                        *(() if obj is not None and obj.owner_kind else (entry_form.MOMENTS,)),
                        "expected_revision",
                    ],
                    "classes": ["jw-group", "jw-group--general"],
                },
            ),
            (
                "Report parameters" if is_report else "Parameters",
                {
                    "fields": [*own, *(entry_form.REPORT if is_report else ()), *entry_form.PARAMETERS],
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
                    "description": "Tick weekdays for a recurring entry, or give a date formula instead. "
                    "Without either the entry runs once and is gone after its success.",
                },
            ),
            (
                "Behaviour",
                {
                    "fields": [
                        ("max_attempts", "rerun_delay_seconds"),
                        "timeout_seconds",
                        ("priority", "priority_within_category"),
                        *(() if obj is not None and obj.owner_kind else ("notify_on_success",)),
                    ],
                    "classes": ["jw-group", "jw-group--behaviour"],
                },
            ),
        ]
        if obj is not None and obj.owner_kind:
            del groups[2]  # its owner decides when it runs
        return groups

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        if not self.has_change_permission(request, obj):
            return [name for _, options in self.locked_fieldsets(obj) for name in options["fields"]]
        if extensions.entry_lock(obj) is None:
            return ()
        groups = self.half_locked_fieldsets(obj)
        names = entry_form.flat(name for _, options in groups for name in options["fields"])
        return [name for name in names if name not in entry_form.UNDEFINING]

    # --- saving
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        if request.method == "POST" and object_id is not None:
            entry = self.object_or_404(request, object_id)
            owner = self.owner_shown(entry)
            if owner is not None and owner.locked and may(request, "schedule"):
                messages.error(request, f"“{entry}” was not saved. {owner.locked}")
                return HttpResponseRedirect(self.card_address(entry))
            if owner is None and may(request, "schedule") and entry.status not in EDITABLE:
                messages.error(
                    request,
                    f"“{entry}” is {Status(entry.status).label} and was not saved: its fields change only while it "
                    "is On Hold. Set it On Hold first.",
                )
                return HttpResponseRedirect(self.card_address(entry))
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor = actor_of(request)
        if change:
            stored = self.object_or_404(request, str(obj.pk))
            owner = extensions.owner_of(stored)
            change_entry = owner.change if owner is not None and owner.change else lifecycle.change_entry
            saved = change_entry(
                stored,
                form.entry_values(),
                actor=actor,
                expected_revision=form.cleaned_data.get("expected_revision"),
            )
        else:
            saved = lifecycle.create_entry(
                request.company, form.entry_values(), actor=actor, now=now_of(request)
            )
        obj.__dict__.update(saved.__dict__)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, f"“{obj}” was created and is On Hold. Set it to Ready when it may run.")
        return HttpResponseRedirect(self.card_address(obj))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"“{obj}” was saved.")
        return HttpResponseRedirect(self.card_address(obj))
