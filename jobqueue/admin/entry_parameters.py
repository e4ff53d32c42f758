"""Typed parameters of a job object as form fields, and back to the JSON values an entry stores."""

from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from jobqueue.admin.inputs import DateInput, MomentInput, TimeInput
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.objects import values as parameter_json

PREFIX = "parameter_"
EMPTY_CHOICE = ("", "–")


def parameter_fields(job: Any, *, stored: dict[str, Any] | None = None) -> dict[str, forms.Field]:
    """Form fields of the job object's parameters, named ``parameter_<name>``, with ``stored`` values as initial ones.

    Limits and choices are those of the object's dataclass. A stored value that no longer fits shows as it is and is
    refused when saved.
    """
    if job is None:
        return {}
    stored = stored or {}
    return {
        PREFIX + field["name"]: _form_field(field, initial=stored.get(field["name"], field.get("default")))
        for field in job.schema()
    }


def parameter_values(job: Any, cleaned: dict[str, Any]) -> dict[str, Any]:
    """The JSON values of filled-in parameter fields; an empty optional one is left to the object's default."""
    found: dict[str, Any] = {}
    for field in job.schema() if job is not None else []:
        name = PREFIX + field["name"]
        if name not in cleaned:
            continue
        value = cleaned[name]
        if field["type"] == "text list":
            value = [line.strip() for line in (value or "").splitlines() if line.strip()]
        elif field["type"] == "choice" and value not in (None, ""):
            value = next(
                (item["value"] for item in field["choices"] if str(item["value"]) == str(value)), value
            )
        if value is None or (value == "" and (field["type"] != "text" or field.get("nullable"))):
            if field.get("nullable"):
                found[field["name"]] = None
            continue
        found[field["name"]] = parameter_json.to_json(value)
    return found


def parameter_form(job: Any, *, entry: Entry) -> type[forms.Form]:
    """A form of the parameters alone, for *Run Once*: typed fields and the parameter string."""
    fields = parameter_fields(job, stored=entry.parameters)
    if not fields or entry.parameter_string:
        fields["parameter_string"] = forms.CharField(
            max_length=250,
            required=False,
            initial=entry.parameter_string,
            widget=UnfoldAdminTextInputWidget,
            help_text="Free text handed to the job object.",
        )
    return type("ParameterForm", (forms.Form,), fields)


def _form_field(field: dict[str, Any], *, initial: Any) -> forms.Field:
    common = {
        "label": field["label"],
        "help_text": field.get("help", ""),
        "required": bool(field["required"]) and field["type"] != "boolean",
        "initial": _initial(field, initial),
    }
    kind = field["type"]
    if kind == "choice":
        choices = [(str(item["value"]), item["label"]) for item in field["choices"]]
        blank = [] if common["required"] and common["initial"] else [EMPTY_CHOICE]
        return forms.ChoiceField(choices=blank + choices, widget=UnfoldAdminSelectWidget, **common)
    if kind == "integer":
        return forms.IntegerField(
            min_value=field.get("minimum"),
            max_value=field.get("maximum"),
            widget=UnfoldAdminIntegerFieldWidget,
            **common,
        )
    if kind == "decimal":
        return forms.DecimalField(widget=UnfoldAdminDecimalFieldWidget, **common)
    if kind == "boolean":
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **common)
    if kind == "date":
        return forms.DateField(widget=DateInput, **common)
    if kind == "time":
        return forms.TimeField(widget=TimeInput, **common)
    if kind == "datetime":
        return forms.DateTimeField(widget=MomentInput, **common)
    many_lines = kind == "text list" or field.get("multiline")
    if kind == "text list":
        common["help_text"] = f"{common['help_text']} One per line.".strip()
    return forms.CharField(
        widget=UnfoldAdminTextareaWidget({"rows": 4}) if many_lines else UnfoldAdminTextInputWidget,
        max_length=field.get("max_length") if kind == "text" else None,
        strip=not many_lines,
        **common,
    )


def _initial(field: dict[str, Any], value: Any) -> Any:
    """The stored JSON value as the form shows it."""
    if field["type"] == "text list" and isinstance(value, list):
        return "\n".join(str(item) for item in value)
    if field["type"] == "datetime" and isinstance(value, str):
        try:
            return parameter_json.read_moment(value)
        except parameter_json.Unreadable:
            return None
    return value


def parameters_in_words(
    object_type: int, object_id: int, parameters: dict[str, Any], parameter_string: str
) -> SafeString:
    """Stored parameters as a list of label and value, those the object no longer knows under their own names."""
    job = registry.find(object_type, object_id)
    labels = {field["name"]: field["label"] for field in job.schema()} if job is not None else {}
    rows = [(labels.get(name, name), value_in_words(value)) for name, value in (parameters or {}).items()]
    if parameter_string:
        rows.append(("Parameter string", parameter_string))
    if not rows:
        return mark_safe('<span class="jw-none">None</span>')
    return format_html('<dl class="jw-pairs">{}</dl>', format_html_join("", "<dt>{}</dt><dd>{}</dd>", rows))


def value_in_words(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "–"
    return str(value)
