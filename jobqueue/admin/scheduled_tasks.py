"""The task scheduler's rows; only administrators cancel and release them (*Job queue reference, Scheduled Tasks*)."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from jobqueue import lifecycle
from jobqueue.actors import Actor
from jobqueue.admin import badges, words
from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.admin.verbs import Verb, VerbsAdmin
from jobqueue.models import (
    Entry,
    ScheduledTask,
)


def _cancel_task(task: ScheduledTask, actor: Actor, values: dict[str, Any]) -> str:
    return lifecycle.cancel_task(task, task.company, actor=actor)


def _set_task_ready(task: ScheduledTask, actor: Actor, values: dict[str, Any]) -> str:
    return lifecycle.set_task_ready(task, task.company, actor=actor)


def _cancellable(task: ScheduledTask) -> str:
    return (
        "The task is running. Cancel the run of its entry instead."
        if task.state == ScheduledTask.State.RUNNING
        else ""
    )


def _settable(task: ScheduledTask) -> str:
    return "The task is ready already." if task.is_ready else ""


TASK_VERBS = (
    Verb(
        name="set-task-ready",
        label="Set Task Ready",
        icon="play_arrow",
        level="administer",
        act=_set_task_ready,
        offered=_settable,
        question=lambda task: f"Set the task of {task.main_routine} ready?",
        question_many="Set {count} ready?",
        done_many="{count} set ready.",
        explanation="It starts as soon as a worker is free, without waiting for its turn in a category.",
    ),
    Verb(
        name="cancel-task",
        label="Cancel Task",
        icon="cancel",
        level="administer",
        danger=True,
        leaves_page=True,
        act=_cancel_task,
        offered=_cancellable,
        question=lambda task: f"Cancel the task of {task.main_routine}?",
        question_many="Cancel {count}?",
        done_many="{count} cancelled.",
        explanation="The job queue entry behind it is put On Hold.",
    ),
)


@admin.register(ScheduledTask)
class ScheduledTaskAdmin(VerbsAdmin, ReadOnlyAdmin):
    verbs = TASK_VERBS
    list_display = ("state_shown", "main_routine", "entry_shown", "not_before_shown", "user_shown", "attempt")
    search_fields = ("main_routine",)
    list_filter = ("is_ready", "state")
    ordering = ("not_before",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return ScheduledTask.objects.filter(Q(company=request.company) | Q(company=None)).select_related(
            "user"
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Scheduled tasks", **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        entries = Entry.objects.filter(system_task_id__in=[task.pk for task in rows])
        by_task = {entry.system_task_id: entry for entry in entries}
        for task in rows:
            task.entry_behind = by_task.get(task.pk)
        changelist.result_list = rows
        return changelist

    @display(description="State")
    def state_shown(self, task: ScheduledTask) -> SafeString:
        if task.state == ScheduledTask.State.RUNNING:
            return badges.badge("Running", look="running", drawing="ring")
        if task.state == ScheduledTask.State.CLAIMED:
            return badges.badge("Claimed", look="running", drawing="circle")
        if not task.is_ready:
            return badges.badge("Not ready", look="waiting", drawing="hourglass")
        return badges.badge("Ready", look="ready", drawing="clock")

    @display(description="Job queue entry")
    def entry_shown(self, task: ScheduledTask) -> SafeString:
        entry = getattr(task, "entry_behind", None)
        if entry is None:
            return mark_safe('<span class="jw-none">–</span>')
        return format_html(
            '<a class="jw-link" href="{}">{}</a>',
            reverse("admin:jobqueue_entry_change", args=[entry.pk]),
            str(entry),
        )

    @display(description="Not before", ordering="not_before")
    def not_before_shown(self, task: ScheduledTask) -> SafeString:
        return words.moment(task.not_before, now=timezone.now())

    @display(description="User")
    def user_shown(self, task: ScheduledTask) -> str:
        return task.user.get_username() if task.user else "System"
