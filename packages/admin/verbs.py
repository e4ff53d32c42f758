"""The verbs of a package (*Packages reference, Pages and actions*), as buttons and bulk actions."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from jobqueue.actors import Actor
from jobqueue.admin.verbs import Verb
from jobqueue.errors import Refused
from packages import guards, lifecycle
from packages.admin.state import state_of
from packages.models import Package
from packages.states import RESUMABLE, PackageStatus
from packages.wording import in_zone

WHOLE = "all"


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=250,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Optional. Kept in the log.",
    )


class CopyForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Name of the copy. Empty: the old name with “(copy)”.",
    )


def run_now_form(request: HttpRequest, package: Package) -> type[forms.Form]:
    """All lines, from a line on, or one line only."""
    lines = [line for line in package.lines.select_related("entry") if line.enabled]
    choices: list[Any] = [(WHOLE, "All lines")]
    choices.append(("From a line on", [(f"from:{line.pk}", f"From line {line}") for line in lines[1:]]))
    choices.append(("Only one line", [(f"only:{line.pk}", f"Only line {line}") for line in lines]))
    field = forms.ChoiceField(
        choices=[choice for choice in choices if choice[1]],
        required=False,
        initial=WHOLE,
        label="Lines",
        widget=UnfoldAdminSelectWidget,
    )
    return type("RunNowForm", (forms.Form,), {"lines": field})


# --- when a verb is possible
def active_offered(package: Package) -> str:
    return f"“{package}” is already Active." if package.is_active else ""


def hold_offered(package: Package) -> str:
    if package.status != PackageStatus.ON_HOLD:
        return ""
    run = state_of(package).open_run
    if run is None:
        return f"“{package}” is already On Hold."
    return (
        ""
        if run.hold_requested_at is None
        else f"“{package}” is already On Hold; its last entry is finishing."
    )


def run_now_offered(package: Package) -> str:
    run = state_of(package).open_run
    if run is None:
        return ""
    since = f" since {in_zone(run.started_at, zone_name=package.time_zone)}" if run.started_at else ""
    return f"“{package}” is already running{since}."


def cancel_offered(package: Package) -> str:
    return "" if state_of(package).is_running else f"No run of “{package}” is open."


def resume_offered(package: Package) -> str:
    state = state_of(package)
    if state.is_running:
        return run_now_offered(package)
    if state.last_run is None or state.last_run.outcome not in RESUMABLE:
        return "Resume goes on with a run that ended in Error or was stopped; the last run was not."
    return ""


def delete_offered(package: Package) -> str:
    if package.is_active:
        return f"“{package}” is Active and cannot be deleted. Set it On Hold first."
    return f"A run of “{package}” is open. Wait for its end." if state_of(package).is_running else ""


# --- what a verb does
def _set_active(package: Package, actor: Actor, values: dict[str, Any]) -> str:
    found = lifecycle.set_active(package, actor=actor)
    when = in_zone(found.next_run_at, zone_name=found.time_zone) if found.next_run_at else "none"
    warned = " ".join(warning.message for warning in guards.warnings(found))
    return f"“{found}” is Active. Next run: {when}.{' ' if warned else ''}{warned}"


def _set_on_hold(package: Package, actor: Actor, values: dict[str, Any]) -> str:
    was_running = state_of(package).is_running
    found = lifecycle.set_on_hold(package, actor=actor, reason=values.get("reason", ""))
    more = " The entry that is running finishes; the lines after it do not run." if was_running else ""
    return f"“{found}” is On Hold.{more}"


def _run_now(package: Package, actor: Actor, values: dict[str, Any]) -> str:
    kind, _, key = (values.get("lines") or WHOLE).partition(":")
    line = package.lines.select_related("entry").filter(pk=int(key)).first() if key else None
    chosen: dict[str, Any] = {} if line is None else {f"{kind}_line": line}
    run = lifecycle.run_now(package, actor=actor, **chosen)
    part = "" if line is None else f" {'from' if kind == 'from' else 'only'} line {line}"
    return f"“{package}” runs now{part}, in the background (run {run.number}). Its schedule stays as it is."


def _cancel_run(package: Package, actor: Actor, values: dict[str, Any]) -> str:
    run = state_of(package).open_run
    if run is None:
        raise Refused(f"No run of “{package}” is open any more.", code="not_running")
    lifecycle.cancel_run(run, actor=actor, reason=values.get("reason", ""))
    return f"The run of “{package}” was asked to stop."


def _resume(package: Package, actor: Actor, values: dict[str, Any]) -> str:
    last = state_of(package).last_run
    if last is None:
        raise Refused(f"“{package}” has no run that could be resumed. Use Run Now.", code="not_resumable")
    run = lifecycle.resume(last, actor=actor)
    return f"“{package}” goes on from the first line that was not successful (run {run.number})."


def _copy(package: Package, actor: Actor, values: dict[str, Any]) -> str:
    copy = lifecycle.copy_package(package, actor=actor, name=values.get("name", ""))
    package.copied_to = copy.pk
    return f"“{copy}” is a copy of “{package}”, On Hold until you set it active."


def _delete(package: Package, actor: Actor, values: dict[str, Any]) -> str:
    words = f"“{package}” was deleted with its lines and their entries. Its log stays."
    lifecycle.delete_package(package, actor=actor, reason=values.get("reason", ""))
    return words


VERBS: tuple[Verb, ...] = (
    Verb(
        name="set-active",
        label="Set Job Queue Package Active",
        icon="play_arrow",
        level="operate",
        act=_set_active,
        question=lambda package: f"Set “{package}” active?",
        question_many="Set {count} active?",
        done_many="{count} set active.",
        explanation="Its schedule is on from now; nothing runs at once. While it is Active it cannot be edited.",
        offered=active_offered,
        confirmed=False,
        primary=True,
    ),
    Verb(
        name="set-on-hold",
        label="Set Job Queue Package On Hold",
        icon="pause",
        level="operate",
        act=_set_on_hold,
        question=lambda package: f"Set “{package}” On Hold?",
        question_many="Set {count} On Hold?",
        done_many="{count} set On Hold.",
        explanation="Its schedule is off until it is set active. An entry that is running finishes; the entries after "
        "it do not run.",
        form=ReasonForm,
        offered=hold_offered,
    ),
    Verb(
        name="run-now",
        label="Run Now",
        icon="bolt",
        level="operate",
        act=_run_now,
        question=lambda package: f"Run “{package}” now?",
        question_many="Run {count} now?",
        done_many="{count} started.",
        explanation="One extra run in the background, with the same mails. Status and next run stay as they are.",
        form_for=run_now_form,
        offered=run_now_offered,
    ),
    Verb(
        name="cancel-run",
        label="Cancel Run",
        icon="stop_circle",
        level="operate",
        act=_cancel_run,
        question=lambda package: f"Cancel the run of “{package}” that is going on?",
        explanation="The entry that is running is asked to stop and counts as failed; the lines after it do not run. "
        "What the job already did is not undone.",
        form=ReasonForm,
        offered=cancel_offered,
        danger=True,
    ),
    Verb(
        name="resume",
        label="Resume",
        icon="resume",
        level="operate",
        act=_resume,
        question=lambda package: f"Go on with the last run of “{package}”?",
        explanation="A new run starts at the first line that was not successful; the lines before it are taken over.",
        offered=resume_offered,
    ),
    Verb(
        name="copy",
        label="Copy",
        icon="content_copy",
        level="schedule",
        act=_copy,
        question=lambda package: f"Make a copy of “{package}”?",
        explanation="Lines, recurrences and notification list are copied; the copy is On Hold and has no log.",
        form=CopyForm,
        leaves_page=True,
        destination=lambda package: reverse("admin:packages_package_change", args=[package.copied_to]),
    ),
    Verb(
        name="delete-package",
        label="Delete",
        icon="delete",
        level="schedule",
        act=_delete,
        question=lambda package: f"Delete “{package}” for good?",
        question_many="Delete {count} for good?",
        done_many="{count} deleted.",
        explanation="Its lines with their entries, its recurrences and its notification list go too. The log stays.",
        form=ReasonForm,
        offered=delete_offered,
        danger=True,
        leaves_page=True,
    ),
)
