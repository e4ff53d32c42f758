"""One line on the page *Set Job Queues*: an entry filled in as usual, with its run order."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.forms.models import modelform_factory
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanWidget

from jobqueue.admin import entry_form
from jobqueue.admin.entry_parameters import PREFIX
from jobqueue.models import Entry
from jobqueue.states import ObjectType
from packages.models import PackageLine
from packages.states import OnError

LINE_FIELDS = ("run_order", "enabled", "always", "on_error")
HEAD = ("run_order", "object_type", "object_id", "description", "enabled")
BEHAVIOUR = ("max_attempts", "rerun_delay_seconds", "timeout_seconds", "priority", "priority_within_category")
ENTRY_FIELDS = ("object_type", "object_id", "description", "category_code")
WITHOUT_HELP = (*ENTRY_FIELDS[:3], "run_order")
OWN = ("line_id", "remove", *LINE_FIELDS)


class LineForm(entry_form.EntryForm):
    """Reads the fields; the rules are the verbs'. ``is_blank`` tells a new line nobody has touched."""

    expected_revision = None  # type: ignore[assignment]

    line_id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    remove = forms.BooleanField(required=False, label="Remove this line", widget=UnfoldBooleanWidget)
    run_order = forms.IntegerField(
        min_value=1, max_value=2_147_483_647, label="Run order", widget=UnfoldAdminIntegerFieldWidget
    )
    enabled = forms.BooleanField(required=False, initial=True, label="Enabled", widget=UnfoldBooleanWidget)
    always = forms.BooleanField(
        required=False,
        label="Always",
        widget=UnfoldBooleanWidget,
        help_text="Runs last, also after an error has stopped the others; never after a hold.",
    )
    on_error = forms.ChoiceField(
        required=False,
        choices=[("", "As Package"), *OnError.choices],
        label="On Error",
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Entry
        fields = [*ENTRY_FIELDS, *entry_form.PARAMETERS, *entry_form.REPORT, *BEHAVIOUR]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for name in WITHOUT_HELP:
            self.fields[
                name
            ].help_text = ""  # said once on the entry card; here it would repeat on every line

    def is_blank(self) -> bool:
        """A new line without a job and without words: left alone."""
        data = self.data
        typed = (str(data.get(self.add_prefix(name)) or "").strip() for name in ("object_id", "description"))
        return not self.data.get(self.add_prefix("line_id")) and not any(typed)

    def line_values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in LINE_FIELDS}

    def entry_values(self) -> dict[str, Any]:
        found = super().entry_values()
        return {name: value for name, value in found.items() if name not in OWN}

    @property
    def parameter_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith(PREFIX) and name != "parameter_string"]

    @property
    def is_report(self) -> bool:
        return str(self["object_type"].value()) == str(int(ObjectType.REPORT))

    @property
    def about(self) -> str:
        """What the chosen job does."""
        job = entry_form.chosen_object(self._number("object_type"), self._number("object_id"))
        return job.help if job is not None else ""

    def _number(self, name: str) -> int:
        text = str(self[name].value() or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    @property
    def details_open(self) -> bool:
        """Whether what is folded away needs a look."""
        folded = (
            *BEHAVIOUR,
            "always",
            "on_error",
            "parameter_string",
            "record_to_process",
            "report_output_type",
        )
        return any(name in self.errors for name in folded) if self.is_bound else False


def line_form(
    request: HttpRequest,
    line: PackageLine | None,
    *,
    prefix: str,
    form_field: Callable[..., Any],
    data: Any = None,
    initial: dict[str, Any] | None = None,
) -> LineForm:
    """The form of a stored line, or of a new one with what it starts with; ``form_field`` gives the admin's inputs."""
    entry = line.entry if line is not None else None
    form_class = entry_form.entry_form_class(
        request, entry, base=LineForm, prefix=f"{prefix}-", is_owned=True
    )
    own: dict[str, Any] = {"enabled": True, "object_type": int(ObjectType.CODEUNIT)}
    if line is not None:
        own = {name: getattr(line, name) for name in LINE_FIELDS} | {"line_id": line.pk}
    complete = modelform_factory(
        Entry, form=form_class, fields=LineForm.Meta.fields, formfield_callback=form_field
    )
    form = complete(data, instance=entry, prefix=prefix, initial={**own, **(initial or {})})
    assert isinstance(form, LineForm)
    form.line = line
    return form
