"""The form of a monitored job: the fields of the entry card, its runner, and what is done beside the entry."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from jobqueue.admin import entry_form
from jobqueue.admin.base import may
from jobqueue.admin.inputs import MomentInput
from refresher.models import MonitoredJob, Runner
from refresher.models.monitored_job import MAX_HEARTBEAT_URL
from refresher.templates import BESIDE, as_entry

OPEN_GENERAL = ("description", "category_code", entry_form.MOMENTS)
OPEN_BEHAVIOUR = (("priority", "priority_within_category"),)
DELAY = "auto_reschedule_delay_seconds"


class RunnerChoice(forms.ModelChoiceField):
    """Registered runners; one that failed too often says so."""

    def __init__(self, **named: Any) -> None:
        super().__init__(
            **{
                "queryset": Runner.objects.select_related("user").order_by("user__username"),
                "required": False,
                "widget": UnfoldAdminSelectWidget,
                "label": "JQ runner user",
                "empty_label": "The default runner user",
                "help_text": "Refreshes and runs the job in external mode.",
                **named,
            }
        )

    def label_from_instance(self, runner: Any) -> str:
        if not runner.is_enabled:
            return f"{runner.name} (disabled)"
        return f"{runner.name} (inactive)" if runner.is_inactive else runner.name


class RunnerForm(forms.Form):
    runner = RunnerChoice()


class JobForm(entry_form.EntryForm):
    """Reads the fields and leaves every rule to ``refresher.monitoring``."""

    expected_revision = None  # type: ignore[assignment]

    class Meta:
        model = MonitoredJob
        fields = [
            *entry_form.GENERAL,
            *entry_form.PARAMETERS,
            *entry_form.REPORT,
            *entry_form.RECURRENCE,
            *entry_form.BEHAVIOUR,
            *BESIDE,
            "runner",
        ]

    def job_values(self) -> dict[str, Any]:
        """The values in the words of ``refresher.monitoring``; the runner only where it was changed."""
        values = self.entry_values()
        if "runner" not in self.changed_data:
            values.pop("runner", None)
        return values


def job_form_class(
    request: HttpRequest, job: MonitoredJob | None, *, is_protected: bool = False
) -> type[JobForm]:
    """The card's form; of a protected job only what people may change on it."""
    entry = as_entry(job) if job is not None else None
    form: Any = entry_form.entry_form_class(request, entry, base=JobForm)
    own: dict[str, Any] = {
        "auto_reschedule": forms.BooleanField(
            required=False,
            label="Auto-reschedule after error",
            widget=UnfoldBooleanSwitchWidget,
            help_text="After its last attempt has failed, the entry starts again after the delay.",
        ),
        DELAY: forms.IntegerField(
            required=False,
            min_value=0,
            max_value=31_536_000,
            initial=0,
            label="Auto-reschedule delay (sec.)",
            widget=UnfoldAdminIntegerFieldWidget,
        ),
        "heartbeat_url": forms.CharField(
            required=False,
            max_length=MAX_HEARTBEAT_URL,
            label="Heartbeat URL",
            widget=UnfoldAdminTextInputWidget({"type": "url"}),
            help_text="Called after every successful run, so that a checker outside notices when runs stop.",
        ),
        "runner": RunnerChoice(),
    }
    zone = timezone.get_current_timezone_name()
    for name, label, help_text in (
        (
            "earliest_start_at",
            "First run",
            "A job that has not run yet is not planned before this moment; later its last run counts. "
            f"Your time zone ({zone}).",
        ),
        ("expires_at", "Expiration", f"After this moment the job is left alone. Your time zone ({zone})."),
    ):
        own[name] = forms.DateTimeField(required=False, widget=MomentInput, label=label, help_text=help_text)
    if is_protected:
        kept = {name for name in form.base_fields if name in _flat(OPEN_GENERAL) + _flat(OPEN_BEHAVIOUR)}
        own |= {name: None for name in form.base_fields if name not in kept and name not in own}
    if not may(request, "administer"):
        own["runner"] = None
    return type("JobCardForm", (form,), own)


def _flat(names: tuple[Any, ...]) -> list[str]:
    return [name for one in names for name in (one if isinstance(one, tuple) else (one,))]
