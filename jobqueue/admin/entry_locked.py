"""The fields of a card that cannot be changed now: the same groups, in words instead of inputs."""

from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue.admin import words
from jobqueue.admin.entry_parameters import parameters_in_words
from jobqueue.admin.entry_words import draft_in_words
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.states import CategoryPriority, ObjectType


class LockedEntry:
    """Groups and cells of the card in a status, or for a viewer, that does not allow changes."""

    def locked_fieldsets(self, entry: Any) -> Any:
        is_report = entry.object_type == ObjectType.REPORT
        groups: list[Any] = [
            (
                "General",
                {
                    "fields": [
                        "object_shown_in_full",
                        "description",
                        "category_in_words",
                        "earliest_shown",
                        "expires_shown",
                    ],
                    "classes": ["jw-group"],
                },
            ),
            (
                "Report parameters" if is_report else "Parameters",
                {
                    "fields": [
                        "parameters_shown",
                        *(["report_output_type"] if is_report else []),
                        "record_to_process",
                    ],
                    "classes": ["jw-group"],
                    "description": about_parameters(
                        registry.find(entry.object_type, entry.object_id), entry.object_id
                    ),
                },
            ),
            (
                "Recurrence",
                {
                    "fields": [
                        "recurrence_in_words",
                        "time_zone",
                        "missed_runs",
                        "inactivity_timeout_minutes",
                    ],
                    "classes": ["jw-group"],
                },
            ),
            (
                "Behaviour",
                {
                    "fields": ["attempts_in_words", "timeout_in_words", "priority", "notify_in_words"],
                    "classes": ["jw-group"],
                },
            ),
        ]
        if entry.owner_kind:
            del groups[2]  # its owner decides when it runs
            groups[0][1]["fields"] = groups[0][1]["fields"][:3]
            groups[-1][1]["fields"] = groups[-1][1]["fields"][:-1]
        return groups

    def half_locked_fieldsets(self, entry: Any) -> Any:
        """Something else decides what the entry runs and when: that in words, the rest as inputs."""
        general, parameters, recurrence, behaviour = self.locked_fieldsets(entry)
        opened = ["category_code", ("earliest_start_at", "expires_at"), "expected_revision"]
        general[1]["fields"] = [*general[1]["fields"][:2], *opened]
        behaviour[1]["fields"] = [
            *behaviour[1]["fields"][:2],
            ("priority", "priority_within_category"),
            "notify_on_success",
        ]
        return [general, parameters, recurrence, behaviour]

    @display(description="Object to run")
    def object_shown_in_full(self, entry: Entry) -> str:
        job = registry.find(entry.object_type, entry.object_id)
        caption = job.caption if job is not None else "not registered by any installed app"
        return f"{ObjectType(entry.object_type).label} {entry.object_id}  {caption}"

    @display(description="Category")
    def category_in_words(self, entry: Entry) -> str:
        if not entry.category_code:
            return "No category"
        return f"{entry.category_code}, priority {CategoryPriority(entry.priority_within_category).label}"

    @display(description="Earliest start")
    def earliest_shown(self, entry: Entry) -> SafeString:
        return words.moment(entry.earliest_start_at, now=timezone.now(), zone_name=entry.time_zone)

    @display(description="Expiration")
    def expires_shown(self, entry: Entry) -> SafeString:
        return words.moment(entry.expires_at, now=timezone.now(), zone_name=entry.time_zone, empty="Never")

    @display(description="Parameters")
    def parameters_shown(self, entry: Entry) -> SafeString:
        return parameters_in_words(
            entry.object_type, entry.object_id, entry.parameters, entry.parameter_string
        )

    @display(description="Schedule")
    def recurrence_in_words(self, entry: Entry) -> str:
        return draft_in_words(entry)

    @display(description="Attempts")
    def attempts_in_words(self, entry: Entry) -> str:
        if not entry.max_attempts:
            return "A failed run is not tried again"
        wait = f", {entry.rerun_delay_seconds} s apart and growing" if entry.rerun_delay_seconds else ""
        return f"A failed run is tried again up to {words.counted(entry.max_attempts, 'time')}{wait}"

    @display(description="Notify on success")
    def notify_in_words(self, entry: Entry) -> str:
        return "The running user is told of each success" if entry.notify_on_success else "No"

    @display(description="Job timeout")
    def timeout_in_words(self, entry: Entry) -> str:
        return words.seconds_in_words(entry.timeout_seconds)


def about_parameters(job: Any, object_id: int) -> str:
    """What the object does, or why no parameters are shown."""
    if job is None:
        return (
            "Choose an object above; its parameters appear here."
            if not object_id
            else (
                f"Object {object_id} is not registered by any installed app, so its parameters cannot be shown."
            )
        )
    nothing = "" if job.parameter_fields else "It has no parameters of its own."
    return format_html("{} {}", job.help, nothing)
