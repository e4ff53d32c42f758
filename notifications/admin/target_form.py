"""The card of a target as a form."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from notifications import scenarios
from notifications.admin.line_form import SUBJECTS
from notifications.models import ChannelTarget

ABOUT_KINDS = (
    "A webhook gets JSON, signed as Standard Webhooks asks. For Teams, enter the address of the workflow “Post to a "
    "channel when a webhook request is received”, or of an incoming webhook; for Slack, that of an incoming webhook."
)


def event_choices() -> list[Any]:
    """Every scenario under what it is about."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in scenarios.registered():
        subject = SUBJECTS.get(one.subject, one.subject.replace("_", " ").capitalize())
        groups.setdefault(subject, []).append((one.code, one.caption))
    return list(groups.items())


class TargetForm(forms.ModelForm):
    """The address goes in and never comes out: with Teams and Slack it is the secret itself."""

    address = forms.CharField(
        required=False,
        max_length=2_000,
        widget=UnfoldAdminTextInputWidget({"type": "password", "autocomplete": "off"}),
        help_text="Beginning with https://. Stored encrypted and never shown again; only its host is.",
    )

    events = forms.MultipleChoiceField(
        required=False,
        choices=event_choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What it hears of in the whole company, besides what lists tell it. For ends of runs, choose few: "
        "each is a call.",
    )

    class Meta:
        model = ChannelTarget
        fields = ("name", "kind", "threshold_minutes", "is_enabled")
        widgets = {"kind": UnfoldAdminSelectWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "threshold_minutes" in self.fields:
            self.fields["threshold_minutes"].required = False
            self.fields["threshold_minutes"].label = "Late after (min.)"
        if self.instance.pk is not None:
            self.initial["events"] = self.instance.events
        if self.instance.pk is not None and "address" in self.fields:
            self.fields["address"].help_text += f" Now at {self.instance.host}: leave empty to keep it."

    def _post_clean(self) -> None:
        # The verb asks the rules, so that each is said once.
        pass
