"""The form of the entry card: the fields of *Job queue reference, Card*, with the object's own typed parameters."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanWidget

from jobqueue.admin.entry_parameters import PREFIX, parameter_fields, parameter_values
from jobqueue.admin.inputs import MomentInput, TimeInput
from jobqueue.models import Category, Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.models.fields import known_time_zones
from jobqueue.objects import registry
from jobqueue.states import Anchor, ObjectType, OutputType

WEEKDAY_LABELS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PRODUCIBLE = (OutputType.PDF, OutputType.CSV, OutputType.NONE)
GENERAL = ("object_type", "object_id", "description", "category_code", "earliest_start_at", "expires_at")
MOMENTS = ("earliest_start_at", "expires_at")
REPORT = ("report_output_type",)
PARAMETERS = ("parameter_string", "record_to_process")
RECURRENCE = (
    *WEEKDAY_FIELDS,
    "minutes_between_runs",
    "starting_time",
    "ending_time",
    "next_run_date_formula",
    "time_zone",
    "recurrence_anchor",
    "missed_runs",
    "inactivity_timeout_minutes",
)
BEHAVIOUR = (
    "max_attempts",
    "rerun_delay_seconds",
    "timeout_seconds",
    "priority",
    "priority_within_category",
    "notify_on_success",
)

UNDEFINING = (
    "category_code",
    *MOMENTS,
    "priority",
    "priority_within_category",
    "notify_on_success",
    "expected_revision",
)
"""Fields that neither say what the entry runs nor when; they stay open where something else decides that."""


class EntryForm(forms.ModelForm):
    """Reads the fields and leaves every rule to ``jobqueue.lifecycle``, whose problems land on the fields they name."""

    expected_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Entry
        fields = [*GENERAL, *PARAMETERS, *REPORT, *RECURRENCE, *BEHAVIOUR]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in zip(WEEKDAY_FIELDS, WEEKDAY_LABELS, strict=True):
            if name in self.fields:
                self.fields[name].label = label
                self.fields[name].widget = UnfoldBooleanWidget()

    def validate_unique(self) -> None:
        """Nothing a person types here has to be unique."""

    def _post_clean(self) -> None:
        # The model's own rules are asked by the verb together with all others, so that each is said once.
        pass

    @property
    def job(self) -> Any:
        """The object chosen in the form, else the stored one; None while none is registered under it."""
        return chosen_object(self.cleaned_data.get("object_type"), self.cleaned_data.get("object_id"))

    def entry_values(self) -> dict[str, Any]:
        """Every value of the form in the words of ``lifecycle``, with the typed parameters as one dictionary."""
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if not name.startswith(PREFIX) and name not in ("expected_revision", "id")
        }
        for name in MOMENTS:
            if name in values and name not in self.changed_data:
                values[name] = getattr(self.instance, name)  # the input shows no fractions of a second
        if self.job is not None:
            values["parameters"] = parameter_values(self.job, self.cleaned_data)
        if values.get("object_type") != ObjectType.REPORT:
            values.pop("report_output_type", None)
        return values

    def field_of_problem(self, name: str) -> str:
        """The form field a problem belongs to; a parameter's problem names the parameter."""
        return PREFIX + name if PREFIX + name in self.fields else name


def entry_form_class(
    request: HttpRequest,
    entry: Entry | None,
    *,
    base: type[EntryForm] = EntryForm,
    prefix: str = "",
    is_owned: bool = False,
) -> type[EntryForm]:
    """The card's form for this entry and, when another object was just chosen, for that object's parameters.

    An entry with an owner has no schedule of its own, so its form has none either. ``base`` and ``prefix`` serve pages
    that show several entries at once.
    """
    is_owned = is_owned or (entry is not None and bool(entry.owner_kind))
    object_type, object_id = chosen_key(request, entry, prefix=prefix)
    job = chosen_object(object_type, object_id)
    stored = (
        entry.parameters
        if entry is not None and (entry.object_type, entry.object_id) == (object_type, object_id)
        else {}
    )
    viewer_zone = timezone.get_current_timezone_name()
    fields: dict[str, Any] = {
        "object_type": forms.TypedChoiceField(
            coerce=int,
            choices=ObjectType.choices(),
            widget=UnfoldAdminSelectWidget({"data-object-type": ""}),
            label="Object type to run",
            help_text="A codeunit does work; a report leaves documents in the report inbox.",
        ),
        "object_id": forms.TypedChoiceField(
            coerce=int,
            empty_value=0,  # type: ignore[arg-type]
            required=False,
            choices=object_choices(entry),
            widget=UnfoldAdminSelectWidget({"data-object-id": ""}),
            label="Object to run",
            help_text="The job object to run, as registered by an installed app.",
        ),
        "category_code": forms.ChoiceField(
            required=False,
            choices=category_choices(request, entry),
            widget=UnfoldAdminSelectWidget,
            label="Category",
            help_text="Entries of one category take turns. Leave empty to run independently.",
        ),
        "report_output_type": forms.TypedChoiceField(
            coerce=int,
            required=False,
            empty_value=int(OutputType.PDF),  # type: ignore[arg-type]
            choices=output_choices(job),
            widget=UnfoldAdminSelectWidget,
            label="Report output type",
            help_text="What the report leaves in the report inbox.",
        ),
        "earliest_start_at": forms.DateTimeField(
            required=False,
            widget=MomentInput,
            label="Earliest start",
            help_text=f"Not before this moment; for a recurring entry, its next run. Your time zone ({viewer_zone}).",
        ),
        "expires_at": forms.DateTimeField(
            required=False,
            widget=MomentInput,
            label="Expiration",
            help_text=f"After this moment the entry is deleted instead of run. Your time zone ({viewer_zone}).",
        ),
        "starting_time": forms.TimeField(
            required=False,
            widget=TimeInput,
            label="Starting time",
            help_text="The entry starts only from this time of day on.",
        ),
        "ending_time": forms.TimeField(
            required=False,
            widget=TimeInput,
            label="Ending time",
            help_text="And only until this time; may lie before the starting time (over midnight).",
        ),
        "time_zone": forms.ChoiceField(
            choices=[(name, name) for name in sorted(known_time_zones())],
            widget=UnfoldAdminSelectWidget,
            label="Time zone",
            help_text="Zone in which weekdays, starting and ending time are read.",
        ),
        **parameter_fields(job, stored=stored),
    }
    if is_owned:
        for name in (*MOMENTS, *RECURRENCE):
            fields.pop(name, None)
    return type("EntryCardForm", (base,), fields)


def without_definition(form: type[EntryForm]) -> type[EntryForm]:
    """The form with nothing but the fields that neither say what the entry runs nor when."""
    names = [name for name in form.base_fields if name not in UNDEFINING]
    return type("OpenPartForm", (form,), dict.fromkeys(names))


def flat(names: Iterable[Any]) -> list[str]:
    """The names of a group, whose rows may hold several."""
    return [name for one in names for name in (one if isinstance(one, tuple) else (one,))]


def chosen_key(request: HttpRequest, entry: Entry | None, *, prefix: str = "") -> tuple[int, int]:
    """Object type and id the form is about: sent, else asked for in the address, else stored."""
    data = request.POST if request.method == "POST" else request.GET
    stored = (entry.object_type, entry.object_id) if entry is not None else (int(ObjectType.CODEUNIT), 0)
    found = []
    for name, present in zip(("object_type", "object_id"), stored, strict=True):
        text = data.get(prefix + name, "")
        found.append(int(text) if text.isascii() and text.isdigit() and len(text) < 10 else present)
    return found[0], found[1]


def chosen_object(object_type: Any, object_id: Any) -> Any:
    if object_type not in list(ObjectType) or not object_id:
        return None
    return registry.find(ObjectType(object_type), object_id)


def object_choices(entry: Entry | None) -> list[Any]:
    """Registered objects by type, each with number and caption; the stored one stays choosable when it is gone."""
    groups: dict[ObjectType, list[tuple[int, str]]] = {ObjectType.CODEUNIT: [], ObjectType.REPORT: []}
    for job in sorted(registry.all(), key=lambda job: job.object_id):
        groups[ObjectType(job.object_type)].append((job.object_id, f"{job.object_id}  {job.caption}"))
    choices: list[Any] = [("", "Choose an object")]
    choices += [(f"{kind.label}s", items) for kind, items in groups.items() if items]
    known = {number for items in groups.values() for number, _ in items}
    if entry is not None and entry.object_id and entry.object_id not in known:
        choices.append((entry.object_id, f"{entry.object_id}  (not registered)"))
    return choices


def category_choices(request: HttpRequest, entry: Entry | None) -> list[tuple[str, str]]:
    if not hasattr(request, "job_queue_categories"):
        found = Category.objects.filter(company=request.company)
        request.job_queue_categories = {item.code: str(item) for item in found}
    codes = dict(request.job_queue_categories)
    if entry is not None and entry.category_code:
        codes.setdefault(entry.category_code, f"{entry.category_code} (deleted)")
    return [("", "None"), *sorted(codes.items())]


def output_choices(job: Any) -> list[tuple[int, str]]:
    """What the report can leave; while no report is chosen, everything that has a writer."""
    if job is None or job.object_type != ObjectType.REPORT:
        return [(int(kind), kind.label) for kind in PRODUCIBLE]
    return [(int(kind), kind.label) for kind in job.output_types or (OutputType.NONE,)]


def initial_values(request: HttpRequest) -> dict[str, Any]:
    """What a new entry starts with: the company's zone, and fixed times, the default for entries made by people."""
    object_type, object_id = chosen_key(request, None)
    job = chosen_object(object_type, object_id)
    initial = {
        "object_type": object_type,
        "object_id": object_id or "",
        "time_zone": request.company.time_zone,
        "recurrence_anchor": Anchor.FIXED.value,
    }
    if job is not None:
        initial |= {"description": job.caption, **job.defaults}
    return initial
