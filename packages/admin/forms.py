"""The form of the package card: the package's fields, its recurrences and the run orders of its lines in one."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.forms.formsets import BaseFormSet, formset_factory
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from jobqueue import companies
from jobqueue.admin.entry_form import WEEKDAY_LABELS
from jobqueue.admin.inputs import DateInput, TimeInput
from jobqueue.errors import Problem
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.models.fields import known_time_zones
from jobqueue.schedule import Occurrence, ScheduleError
from notifications.models import NotificationList
from packages.admin.base import may
from packages.lifecycle.recurring import RECURRENCE_FIELDS
from packages.models import Package, Recurrence
from packages.preview import occurrences_of
from packages.schedule import Rule, problems_of_rule, rule_of
from packages.states import OnError

GENERAL = ("name", "description", "on_error")
SETTINGS = (
    "time_zone",
    "run_as_user",
    "missed_run",
    "late_tolerance_minutes",
    "run_equal_orders_together",
    "max_duration_minutes",
)
MODES = (
    (OnError.STOP.value, "Stop – the remaining lines do not run, and the schedule is off"),
    (OnError.FINISH.value, "Finish Run, then Stop – the remaining lines run, then the schedule is off"),
    (
        OnError.CONTINUE.value,
        "Continue – the remaining lines run, and the schedule goes on as if no error occurred",
    ),
)


class RecurrenceForm(forms.Form):
    """One recurrence. Its rules are those of the schedule arithmetic; here values are only read."""

    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    enabled = forms.BooleanField(required=False, initial=True, widget=UnfoldBooleanWidget)
    next_run_date_formula = forms.CharField(
        required=False,
        max_length=20,
        label="Or a date formula",
        widget=UnfoldAdminTextInputWidget({"placeholder": "CM"}),
        help_text="Instead of days: CM (last day of the month), CM+1D (first of the next), D15 (the 15th).",
    )
    starting_time = forms.TimeField(
        required=False, widget=TimeInput, label="Starting time", help_text="Empty: 00:00."
    )
    ending_time = forms.TimeField(
        required=False, widget=TimeInput, label="Ending time", help_text="Only with minutes between runs."
    )
    minutes_between_runs = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2_147_483_647,
        label="No. of minutes between runs",
        widget=UnfoldAdminIntegerFieldWidget({"placeholder": "0"}),
        help_text="Empty or 0: once a day. A day has 1,440; more must be whole days.",
    )
    valid_from = forms.DateField(required=False, widget=DateInput, label="Valid from")
    valid_to = forms.DateField(required=False, widget=DateInput, label="Valid to")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for name, label in zip(WEEKDAY_FIELDS, WEEKDAY_LABELS, strict=True):
            self.fields[name] = forms.BooleanField(required=False, label=label, widget=UnfoldBooleanWidget())

    @property
    def weekday_fields(self) -> list[Any]:
        return [self[name] for name in WEEKDAY_FIELDS]

    def values(self) -> dict[str, Any]:
        """The values by field name of the model."""
        cleaned = self.cleaned_data
        found = {name: cleaned.get(name) for name in RECURRENCE_FIELDS}
        return found | {
            "minutes_between_runs": found["minutes_between_runs"] or 0,
            "next_run_date_formula": (found["next_run_date_formula"] or "").strip(),
        }

    def is_blank(self) -> bool:
        """A new recurrence nobody touched."""
        values = self.values()
        return not self.cleaned_data.get("id") and not any(
            value for name, value in values.items() if name != "enabled"
        )

    def rule(self, *, time_zone: str) -> Rule:
        """The recurrence as the schedule arithmetic takes it; raises ``ScheduleError``."""
        values = self.values()
        return rule_of(
            weekdays=frozenset(day for day, name in enumerate(WEEKDAY_FIELDS, start=1) if values[name]),
            minutes=values["minutes_between_runs"],
            starting_time=values["starting_time"],
            ending_time=values["ending_time"],
            formula=values["next_run_date_formula"],
            time_zone=time_zone,
            valid_from=values["valid_from"],
            valid_to=values["valid_to"],
        )


class RecurrenceForms(BaseFormSet):
    """The recurrences of a package; ``kept`` are those to store, ``removed`` the ids of those to delete."""

    deletion_widget = UnfoldBooleanWidget

    def kept(self) -> list[RecurrenceForm]:
        return [form for form in self.forms if form not in self.deleted_forms and not form.is_blank()]

    def removed(self) -> list[int]:
        ids = (form.cleaned_data.get("id") for form in self.deleted_forms)
        return [key for key in ids if key]


RecurrenceFormSet = formset_factory(
    RecurrenceForm, formset=RecurrenceForms, extra=0, can_delete=True, max_num=50, absolute_max=60
)


class LineOrderForm(forms.Form):
    """The part of a line the card changes: when it runs and whether."""

    id = forms.IntegerField(widget=forms.HiddenInput)
    run_order = forms.IntegerField(min_value=1, max_value=2_147_483_647, widget=UnfoldAdminIntegerFieldWidget)
    enabled = forms.BooleanField(required=False, widget=UnfoldBooleanWidget)


LineOrderFormSet = formset_factory(LineOrderForm, extra=0, max_num=500, absolute_max=500)


class PackageForm(forms.ModelForm):
    """Reads the card; every rule is the verbs', whose problems land on the fields they name."""

    expected_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Package
        fields = [*GENERAL, *SETTINGS]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        data = self.data if self.is_bound else None
        stored = list(self.instance.recurrences.all()) if self.instance.pk else []
        lines = list(self.instance.lines.all()) if self.instance.pk else []
        self.recurrences = RecurrenceFormSet(
            data,
            prefix="recurrence",
            initial=[recurrence_values(row) for row in stored] or [{"enabled": True}],
        )
        self.line_orders = LineOrderFormSet(
            data,
            prefix="line",
            initial=[{"id": line.pk, "run_order": line.run_order, "enabled": line.enabled} for line in lines],
        )

    def is_valid(self) -> bool:
        valid = super().is_valid()
        for formset, word in ((self.recurrences, "recurrences"), (self.line_orders, "lines")):
            if self._sent(formset) and not formset.is_valid():
                if valid:
                    self.add_error(None, f"Nothing was saved. See the {word} below.")
                valid = False
        return valid

    def take_problem(self, problem: Problem) -> bool:
        """Puts a problem of a nested form on its field, and a line above the form that says where it is."""
        for formset, word in ((self.recurrences, "Recurrence"), (self.line_orders, "Line")):
            for number, form in enumerate(formset.forms, start=1):
                if problem.field.startswith(f"{form.prefix}-"):
                    formset.is_valid()
                    name = problem.field.removeprefix(f"{form.prefix}-")
                    form.add_error(name if name in form.fields else None, problem.message)
                    self.add_error(None, f"{word} {number}: {problem.message}")
                    return True
        return False

    def _sent(self, formset: Any) -> bool:
        """Whether the browser sent that part at all; a forged or reduced form leaves it as it is stored."""
        return f"{formset.prefix}-TOTAL_FORMS" in self.data

    def validate_unique(self) -> None:
        """The verb says it once, in its own words."""

    def _post_clean(self) -> None:
        pass

    def values(self) -> dict[str, Any]:
        """The package's own fields in the words of the verbs."""
        return {name: self.cleaned_data[name] for name in (*GENERAL, *SETTINGS) if name in self.cleaned_data}

    def sent_recurrences(self) -> Any:
        """The recurrences as they were sent; None if the form had none."""
        return self.recurrences if self._sent(self.recurrences) else None

    def sent_line_orders(self) -> list[dict[str, Any]]:
        if not self._sent(self.line_orders):
            return []
        return [form.cleaned_data for form in self.line_orders.forms if form.cleaned_data]


def package_form_class(request: HttpRequest, package: Package | None) -> type[PackageForm]:
    """The form with the choices this viewer has."""
    users = user_choices(request, package)
    fields: dict[str, Any] = {
        "name": forms.CharField(
            max_length=100,
            widget=UnfoldAdminTextInputWidget({"autofocus": ""} if package is None else {}),
            help_text="Unique in the company; people see it in mails.",
        ),
        "description": forms.CharField(required=False, widget=UnfoldAdminTextareaWidget({"rows": 2})),
        "on_error": forms.ChoiceField(
            choices=MODES,
            initial=OnError.STOP.value,
            widget=UnfoldAdminSelectWidget,
            label="On Error",
            help_text="What happens when a job queue entry of the package fails for good.",
        ),
        "time_zone": forms.ChoiceField(
            choices=[(name, name) for name in sorted(known_time_zones())],
            widget=UnfoldAdminSelectWidget,
            label="Time zone",
            help_text="Zone in which the times of the recurrences are read.",
        ),
        "run_as_user": forms.ModelChoiceField(
            queryset=users,
            required=False,
            empty_label="Whoever sets the package active",
            widget=UnfoldAdminSelectWidget,
            label="Run as user",
            help_text="Naming somebody else needs the group “Administrator”.",
        ),
    }
    shared = NotificationList.objects.filter(company=request.company, owner_kind="").order_by("name")
    if shared.exists():
        fields["notification_lists"] = forms.ModelMultipleChoiceField(
            queryset=shared,
            required=False,
            initial=list(package.notification_lists.all()) if package is not None else None,
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            label="Shared notification lists",
            help_text="Told besides the package's own notification list.",
        )
    return type("PackageCardForm", (PackageForm,), fields)


def user_choices(request: HttpRequest, package: Package | None) -> Any:
    """Whom the viewer may name as Run As User: with Setup everybody of the company, else oneself."""
    shown = Q(pk__in=[request.user.pk, package.run_as_user_id if package is not None else None])
    if may(request, "administer"):
        shown |= Q(pk__in=companies.users_of(request.company).filter(is_active=True).values("pk"))
    return get_user_model()._default_manager.filter(shown).order_by("username")


def recurrence_values(row: Recurrence) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in RECURRENCE_FIELDS}
    return found | {"id": row.pk, "minutes_between_runs": row.minutes_between_runs or None}


def coming(
    sent: list[RecurrenceForm], *, time_zone: str, now: datetime, count: int
) -> tuple[list[Occurrence], list[str]]:
    """The next due times of unsaved recurrences as if they were activated now, and what is wrong with them."""
    rules, problems = [], []
    for form in sent:
        try:
            rule = form.rule(time_zone=time_zone)
            found = problems_of_rule(rule, ending_time=form.values()["ending_time"])
        except ScheduleError as problem:
            problems.append(problem.message)
            continue
        problems += [problem.message for problem in found]
        if not found and form.values()["enabled"]:
            rules.append(rule)
    return occurrences_of(rules, time_zone=time_zone, after=now, anchor=now, count=count), problems
