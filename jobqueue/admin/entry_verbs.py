"""The verbs of a job queue entry (*Job queue reference, Pages and actions*), as buttons and bulk actions."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from jobqueue import lifecycle
from jobqueue.actors import Actor
from jobqueue.admin.entry_parameters import parameter_form, parameter_values
from jobqueue.admin.entry_words import run_in_process
from jobqueue.admin.inputs import MomentInput
from jobqueue.admin.verbs import Verb
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.states import (
    CANCEL_FROM,
    DELETE_FROM,
    RESTART_FROM,
    RUN_NOW_FROM,
    SET_READY_FROM,
    CategoryPriority,
    Status,
)

REASON = "Shown on the entry and kept in its history."


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=250, required=False, widget=UnfoldAdminTextInputWidget, help_text=f"Optional. {REASON}"
    )


class HoldForm(ReasonForm):
    PROBLEM_FIELDS = {"hold_reason": "reason", "held_until": "until"}

    until = forms.DateTimeField(
        required=False,
        widget=MomentInput,
        help_text="Optional. At this moment the hold ends by itself and the entry is set Ready again.",
    )

    def field_of_problem(self, name: str) -> str:
        return self.PROBLEM_FIELDS.get(name, name)


def offered_from(statuses: frozenset[Status], *, verb: str, hint: str = "") -> Callable[[Entry], str]:
    """The reason why a verb is not possible in the entry's status; empty when it is."""

    def offered(entry: Entry) -> str:
        if entry.status in statuses:
            return ""
        return f"{verb} is not possible while the entry is {Status(entry.status).label}.{' ' + hint if hint else ''}"

    return offered


def hold_label(entry: Entry) -> str:
    return "Change hold" if entry.status == Status.ON_HOLD else "Set On Hold"


def ready_offered(entry: Entry) -> str:
    if entry.status == Status.READY:
        return "The entry is already Ready. Restart counts its attempts anew."
    return offered_from(
        SET_READY_FROM, verb="Set Status to Ready", hint="Cancel the run or wait for its end."
    )(entry)


def cancel_offered(entry: Entry) -> str:
    if entry.status in CANCEL_FROM or run_in_process(entry) is not None:
        return ""
    return "Nothing is running. To keep the entry from starting, set it On Hold."


def run_now_offered(entry: Entry) -> str:
    if run_in_process(entry) is not None:
        return "Run Now is not possible while a run is in process. Cancel the run or wait for its end."
    return offered_from(RUN_NOW_FROM, verb="Run Now")(entry)


def category_offered(entry: Entry) -> str:
    if not entry.category_code:
        return "Only entries with a category have a priority in it."
    return (
        "The priority cannot change while the entry is In Process."
        if entry.status == Status.IN_PROCESS
        else ""
    )


def failed_offered(entry: Entry) -> str:
    return "" if entry.status == Status.ERROR else "Only entries in Error have failed."


def _set_ready(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    return f"“{lifecycle.set_ready(entry, actor=actor)}” is Ready and runs as {actor.name}."


def _set_on_hold(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    was_running = entry.status == Status.IN_PROCESS
    held = lifecycle.set_on_hold(
        entry, actor=actor, reason=values.get("reason", ""), until=values.get("until")
    )
    return f"“{held}” is On Hold." + (" The run in process goes on to its end." if was_running else "")


def _restart(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    return f"“{lifecycle.restart(entry, actor=actor)}” was restarted: Ready, its attempts start anew."


def _run_now(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    asked = lifecycle.run_now(entry, actor=actor)
    if asked.asked_before:
        return asked.asked_before
    return f"One extra run of “{entry}” starts now as {actor.name}. Its status and schedule stay as they are."


def _run_once(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    copy = lifecycle.run_once(
        entry,
        actor=actor,
        parameters=parameter_values(registry.find(entry.object_type, entry.object_id), values),
        parameter_string=values.get("parameter_string", entry.parameter_string),
    )
    return (
        f"A copy of “{entry}” (entry {copy.entry_no}) runs once in the background; its log keeps the outcome."
    )


def _cancel_run(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    lifecycle.cancel_run(entry, actor=actor, reason=values.get("reason", ""))
    return f"The run of “{entry}” was asked to stop; the log shows it as Cancelled in a moment."


def _copy(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    copy = lifecycle.copy_entry(entry, actor=actor)
    entry.copied_to = copy.pk
    return f"“{copy}” is a copy of entry {entry.entry_no}, On Hold until you set it Ready."


def _delete(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
    words = f"“{entry}” (entry {entry.entry_no}) was deleted. Its log entries stay."
    lifecycle.delete_entry(entry, actor=actor, reason=values.get("reason", ""))
    return words


def _priority(priority: CategoryPriority) -> Verb:
    word = priority.label

    def act(entry: Entry, actor: Actor, values: dict[str, Any]) -> str:
        lifecycle.set_priority_within_category(entry, priority, actor=actor)
        return f"“{entry}” has priority {word} in category {entry.category_code}."

    return Verb(
        name=f"set-priority-{word.lower()}",
        label=f"Set Priority: {word}",
        icon="low_priority" if priority == CategoryPriority.LOW else "priority_high",
        level="schedule",
        act=act,
        question=lambda entry: f"Give “{entry}” priority {word} in its category?",
        question_many=f"Give {{count}} priority {word} in their category?",
        done_many=f"{{count}} given priority {word}.",
        explanation="Among waiting entries of a category, the higher priority is next.",
        offered=category_offered,
        confirmed=False,
    )


def run_once_form(request: HttpRequest, entry: Entry) -> type[forms.Form]:
    """The typed parameters of the entry's object, filled in with its own."""
    return parameter_form(registry.find(entry.object_type, entry.object_id), entry=entry)


VERBS: tuple[Verb, ...] = (
    Verb(
        name="set-ready",
        label="Set Status to Ready",
        icon="play_arrow",
        level="operate",
        act=_set_ready,
        question=lambda entry: f"Set “{entry}” to Ready?",
        question_many="Set {count} to Ready?",
        done_many="{count} set to Ready.",
        explanation="It runs as you from now on, at its next start.",
        offered=ready_offered,
        confirmed=False,
        primary=True,
    ),
    Verb(
        name="set-on-hold",
        label="Set On Hold",
        icon="pause",
        level="operate",
        act=_set_on_hold,
        question=lambda entry: f"Put “{entry}” On Hold?",
        question_many="Put {count} On Hold?",
        done_many="{count} put On Hold.",
        explanation="It will not start until somebody sets it Ready, or the moment below has come.",
        form=HoldForm,
        label_for=hold_label,
    ),
    Verb(
        name="restart",
        label="Restart",
        icon="restart_alt",
        level="operate",
        act=_restart,
        question=lambda entry: f"Restart “{entry}”?",
        question_many="Restart {count}?",
        done_many="{count} restarted.",
        explanation="Stops and starts it: its attempts are counted anew and it runs as you from now on.",
        offered=offered_from(RESTART_FROM, verb="Restart", hint="Cancel the run or wait for its end."),
        confirmed=False,
    ),
    Verb(
        name="run-now",
        label="Run Now",
        icon="bolt",
        level="operate",
        act=_run_now,
        question=lambda entry: f"Run “{entry}” once more, now?",
        question_many="Run {count} once more, now?",
        done_many="{count} will run once more.",
        explanation="One extra run as you. Status, schedule and running user stay as they are.",
        offered=run_now_offered,
    ),
    Verb(
        name="run-once",
        label="Run Once…",
        icon="play_circle",
        level="operate",
        act=_run_once,
        question=lambda entry: f"Run a copy of “{entry}” once, in the background?",
        explanation="The copy has no category, window or retries, and is gone after its run; its log stays.",
        form_for=run_once_form,
    ),
    Verb(
        name="cancel-run",
        label="Cancel Run",
        icon="stop_circle",
        level="operate",
        act=_cancel_run,
        question=lambda entry: f"Cancel the run of “{entry}” that is in process?",
        question_many="Cancel the runs of {count}?",
        done_many="{count} asked to stop.",
        explanation="What the job already did is not undone. A recurring entry goes on at its next start; a one-off "
        "entry is put On Hold.",
        form=ReasonForm,
        offered=cancel_offered,
        danger=True,
    ),
    *(_priority(priority) for priority in CategoryPriority),
    Verb(
        name="copy",
        label="Copy",
        icon="content_copy",
        level="schedule",
        act=_copy,
        question=lambda entry: f"Make a copy of “{entry}”?",
        explanation="The copy is On Hold, so that you can change it before it runs.",
        confirmed=False,
        leaves_page=True,
        destination=lambda entry: reverse("admin:jobqueue_entry_change", args=[entry.copied_to]),
    ),
    Verb(
        name="delete-entry",
        label="Delete",
        icon="delete",
        level="schedule",
        act=_delete,
        question=lambda entry: f"Delete “{entry}” for good?",
        question_many="Delete {count} for good?",
        done_many="{count} deleted.",
        explanation="Pending tasks are cancelled. Log entries stay.",
        form=ReasonForm,
        offered=offered_from(DELETE_FROM, verb="Deleting", hint="Cancel the run first."),
        danger=True,
        leaves_page=True,
    ),
)
BY_NAME = {verb.name: verb for verb in VERBS}
