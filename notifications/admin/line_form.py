"""The lines of a notification list as a form: who is told, when, and how often."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobqueue import companies
from notifications import scenarios
from notifications.line_rules import apply, offered_scenarios, problems_of
from notifications.models import ChannelTarget, NotificationLine, NotificationList

ADDRESS = "address"
MOST_USERS = 500
# Where a problem of the rules is shown.
FIELD_OF = {"user": "recipient", "target": "recipient"}
EMPTY = ("", None)


class LineForm(forms.ModelForm):
    """One line. The rules are those of the verbs, asked before anything is saved."""

    recipient = forms.ChoiceField(label="Recipient", required=False, widget=UnfoldAdminSelectWidget)
    address = forms.CharField(
        label="E-mail address",
        required=False,
        max_length=254,
        widget=UnfoldAdminTextInputWidget({"placeholder": "name@example.com", "autocomplete": "off"}),
    )
    scenario = forms.ChoiceField(label="Scenario", required=False, widget=UnfoldAdminSelectWidget)
    threshold_minutes = forms.CharField(
        label="After (min.)", required=False, widget=UnfoldAdminIntegerFieldWidget({"min": 1})
    )
    repeat_minutes = forms.CharField(
        label="Repeat interval (min.)",
        required=False,
        initial="0",
        widget=UnfoldAdminIntegerFieldWidget({"min": 0}),
    )

    class Meta:
        model = NotificationLine
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label  # the table has its labels above, for the eye only
        line = self.instance
        if line.pk is None:
            return
        self.initial = {
            **self.initial,
            "recipient": key_of(line),
            "address": line.address,
            "scenario": line.scenario,
            "threshold_minutes": "" if line.threshold_minutes is None else str(line.threshold_minutes),
            "repeat_minutes": str(line.repeat_minutes),
        }

    def _post_clean(self) -> None:
        # The rules of the verbs are asked instead of those of the columns.
        pass

    def validate_unique(self) -> None:
        """Doubles are the formset's to find: one may be on its way out."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.has_changed():
            return cleaned  # a stored line may name a user who was disabled since; that is no reason to refuse others
        line = NotificationLine(list=self.parent_list, pk=self.instance.pk)
        problems = apply(line, self.line_values())
        unread = {problem.field for problem in problems}
        problems += [one for one in problems_of(line) if one.field not in unread and one.code != "duplicate"]
        for problem in problems:
            field = FIELD_OF.get(problem.field, problem.field)
            self.add_error(field if field in self.fields else None, problem.message)
        return cleaned

    def line_values(self) -> dict[str, Any]:
        """The line in the words of the verbs; an address counts when no user or target is chosen."""
        cleaned = self.cleaned_data
        kind, _, key = str(cleaned.get("recipient") or "").partition(":")
        return {
            "user": self.users.get(key) if kind == "user" else None,
            "target": self.targets.get(key) if kind == "target" else None,
            "address": "" if kind in ("user", "target") else cleaned.get("address", ""),
            "scenario": cleaned.get("scenario", ""),
            "threshold_minutes": cleaned.get("threshold_minutes", ""),
            "repeat_minutes": cleaned.get("repeat_minutes", "") or 0,
        }


class LineFormSet(forms.BaseInlineFormSet):
    """The lines of one list; the same recipient in the same scenario twice is refused where it is typed."""

    def validate_unique(self) -> None:
        """As :meth:`LineForm.validate_unique`."""

    def clean(self) -> None:
        super().clean()
        seen: set[tuple[str, str]] = set()
        for form in self.forms:
            is_empty = not form.has_changed() and form.instance.pk is None
            if is_empty or form.errors or form.cleaned_data.get("DELETE"):
                continue
            values = form.line_values()
            who = form.cleaned_data.get("recipient") or ADDRESS
            key = (who if who != ADDRESS else values["address"].strip().lower(), values["scenario"])
            if key in seen:
                form.add_error("recipient", "This recipient is on the list for this scenario already.")
            seen.add(key)

    def changed_lines(self) -> Iterable[Any]:
        """Forms of stored lines that were changed and are not to be removed."""
        going = self.deleted_forms
        return [form for form in self.initial_forms if form.has_changed() and form not in going]

    def new_lines(self) -> Iterable[Any]:
        going = self.deleted_forms
        return [form for form in self.extra_forms if form.has_changed() and form not in going]


def key_of(line: NotificationLine) -> str:
    """The value of the recipient field: ``user:7``, ``target:3`` or ``address``."""
    if line.user_id is not None:
        return f"user:{line.user_id}"
    return f"target:{line.target_id}" if line.target_id is not None else ADDRESS


def line_form(request: HttpRequest, found: NotificationList | None) -> type[LineForm]:
    """The form for lines of this list, with the users, targets and scenarios it can name, read once per request."""
    parent = found or NotificationList(pk=0, company=request.company)
    users = _users(parent)
    targets = {str(one.pk): one for one in ChannelTarget.objects.filter(company=parent.company)}
    people = [(f"user:{key}", _name(user)) for key, user in users.items()]
    places = [(f"target:{key}", f"{one.name} ({one.get_kind_display()})") for key, one in targets.items()]
    choices: list[Any] = [(ADDRESS, "E-mail address →")]
    choices += [("Users", people)] if people else []
    choices += [("Targets", places)] if places else []
    offered = offered_scenarios(NotificationLine(list=parent))
    return type(
        "ListLineForm",
        (LineForm,),
        {
            "parent_list": parent,
            "users": users,
            "targets": targets,
            "recipient": _choice("Recipient", choices, initial=ADDRESS),
            "scenario": _choice("When", [("", "–"), *_grouped(offered)]),
        },
    )


def _choice(label: str, choices: list[Any], *, initial: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=choices, required=False, initial=initial, widget=UnfoldAdminSelectWidget
    )


def _grouped(offered: Iterable[scenarios.Scenario]) -> list[Any]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in offered:
        groups.setdefault(one.subject, []).append((one.code, one.caption))
    if len(groups) == 1:
        return next(iter(groups.values()))
    return [
        (SUBJECTS.get(subject, subject.replace("_", " ").capitalize()), found)
        for subject, found in groups.items()
    ]


SUBJECTS = {"entry": "Job queue entries", "package": "Packages"}


def _users(parent: NotificationList) -> dict[str, Any]:
    """Active users who may work in the company or are on the list already, by key."""
    listed = NotificationLine.objects.filter(list=parent.pk, user__isnull=False).values("user")
    found = companies.users_of(parent.company).filter(is_active=True).exclude(email="")
    people = get_user_model().objects.filter(Q(pk__in=found.values("pk")) | Q(pk__in=listed))
    return {str(user.pk): user for user in people.order_by("username")[:MOST_USERS]}


def _name(user: Any) -> str:
    full = user.get_full_name()
    return f"{user.get_username()} – {full}" if full else user.get_username()
