"""Scheduled tasks, clusters, worker sessions, error messages and the history of changes: what stands behind entries."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import TabularInline
from unfold.decorators import display

from jobqueue import lifecycle, scheduler
from jobqueue.actors import Actor
from jobqueue.admin import badges, words
from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.admin.filters import OfEntry
from jobqueue.admin.runs import action_in_words, changes_in_words, level_badge
from jobqueue.admin.verbs import Verb, VerbsAdmin
from jobqueue.errors import Refused
from jobqueue.models import Cluster, Entry, EntryChange, ErrorMessage, ErrorMessageRegister, ScheduledTask, WorkerSession
from jobqueue.states import Level, Status


# --- scheduled tasks
def _entry_of(task: ScheduledTask) -> Entry | None:
    return Entry.objects.filter(system_task_id=task.pk).first()


def _cancel_task(task: ScheduledTask, actor: Actor, values: dict[str, Any]) -> str:
    """Cancels in any case; the entry behind it goes On Hold (*Job queue reference, Scheduled Tasks*)."""
    entry = _entry_of(task)
    if entry is not None:
        lifecycle.set_on_hold(entry, actor=actor, reason="Its scheduled task was cancelled.")
        scheduler.cancel_task(task.pk)
        return f"The task was cancelled; “{entry}” is On Hold."
    if not scheduler.cancel_task(task.pk):
        raise Refused("The task has started or ended meanwhile and cannot be cancelled.")
    return "The task was cancelled."


def _set_task_ready(task: ScheduledTask, actor: Actor, values: dict[str, Any]) -> str:
    with transaction.atomic():
        if not scheduler.set_task_ready(task.pk):
            raise Refused("The task has started or ended meanwhile.")
        Entry.objects.filter(system_task_id=task.pk, status=Status.WAITING).update(
            status=Status.READY, revision=F("revision") + 1
        )
    return "The task is ready."


def _cancellable(task: ScheduledTask) -> str:
    return "The task is running. Cancel the run of its entry instead." if task.state == ScheduledTask.State.RUNNING else ""


def _settable(task: ScheduledTask) -> str:
    return "The task is ready already." if task.is_ready else ""


TASK_VERBS = (
    Verb(
        name="set-task-ready", label="Set Task Ready", icon="play_arrow", level="administer",
        act=_set_task_ready, offered=_settable,
        question=lambda task: f"Set the task of {task.main_routine} ready?",
        question_many="Set {count} ready?", done_many="{count} set ready.",
        explanation="It starts as soon as a worker is free, without waiting for its turn in a category.",
    ),
    Verb(
        name="cancel-task", label="Cancel Task", icon="cancel", level="administer", danger=True, leaves_page=True,
        act=_cancel_task, offered=_cancellable,
        question=lambda task: f"Cancel the task of {task.main_routine}?",
        question_many="Cancel {count}?", done_many="{count} cancelled.",
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
        return ScheduledTask.objects.filter(Q(company=request.company) | Q(company=None)).select_related("user")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
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
            '<a class="jw-link" href="{}">{}</a>', reverse("admin:jobqueue_entry_change", args=[entry.pk]), str(entry)
        )

    @display(description="Not before", ordering="not_before")
    def not_before_shown(self, task: ScheduledTask) -> SafeString:
        return words.moment(task.not_before, now=timezone.now())

    @display(description="User")
    def user_shown(self, task: ScheduledTask) -> str:
        return task.user.get_username() if task.user else "System"


# --- workers
class WorkerInline(TabularInline):
    model = WorkerSession
    extra = 0
    max_num = 0
    can_delete = False
    fields = ("pid", "started_at", "seen_at", "ended_at", "end_reason")
    readonly_fields = fields
    per_page = 20

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Cluster)
class ClusterAdmin(ReadOnlyAdmin):
    """Every cluster that ever ran, the live ones first; a cluster serves all companies."""

    company_lookup = None
    list_display = ("state_shown", "host", "pid", "workers", "heartbeat_shown", "started_shown", "ended_shown", "version")
    list_filter = ("state",)
    search_fields = ("host", "name")
    inlines = (WorkerInline,)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Workers", **(extra_context or {})})

    @display(description="State", ordering="state")
    def state_shown(self, cluster: Cluster) -> SafeString:
        return cluster_badge(cluster)

    @display(description="Heartbeat", ordering="heartbeat_at")
    def heartbeat_shown(self, cluster: Cluster) -> SafeString:
        return words.moment(cluster.heartbeat_at, now=timezone.now())

    @display(description="Started", ordering="started_at")
    def started_shown(self, cluster: Cluster) -> SafeString:
        return words.moment(cluster.started_at, now=timezone.now())

    @display(description="Ended")
    def ended_shown(self, cluster: Cluster) -> SafeString:
        return format_html("{} {}", words.moment(cluster.ended_at, now=timezone.now()), cluster.end_reason)


def cluster_badge(cluster: Cluster) -> SafeString:
    """Live, Draining, Ended or Lost; a live one whose lease has run out is as good as lost."""
    if cluster.state == Cluster.State.LIVE and cluster.lease_until < timezone.now():
        return badges.badge("Silent", look="error", drawing="link-off", title="Its lease has run out.")
    look, drawing = {
        Cluster.State.LIVE: ("done", "tick"),
        Cluster.State.DRAINING: ("waiting", "hourglass"),
        Cluster.State.ENDED: ("cancelled", "stop"),
        Cluster.State.LOST: ("error", "link-off"),
    }[Cluster.State(cluster.state)]
    return badges.badge(Cluster.State(cluster.state).label, look=look, drawing=drawing)


@admin.register(WorkerSession)
class WorkerSessionAdmin(ReadOnlyAdmin):
    company_lookup = None
    list_display = ("alive_shown", "host", "pid", "started_shown", "seen_shown", "end_reason")
    search_fields = ("host",)
    list_select_related = ("cluster",)

    @display(description="State")
    def alive_shown(self, session: WorkerSession) -> SafeString:
        if session.ended_at is not None:
            return badges.badge("Ended", look="cancelled", drawing="stop")
        if session.cluster.state == Cluster.State.LOST or session.cluster.lease_until < timezone.now():
            return badges.badge("Lost", look="error", drawing="link-off")
        return badges.badge("Alive", look="done", drawing="tick")

    @display(description="Started", ordering="started_at")
    def started_shown(self, session: WorkerSession) -> SafeString:
        return words.moment(session.started_at, now=timezone.now())

    @display(description="Last seen", ordering="seen_at")
    def seen_shown(self, session: WorkerSession) -> SafeString:
        return words.moment(session.ended_at or session.seen_at, now=timezone.now())


# --- error messages
class MessageInline(TabularInline):
    model = ErrorMessage
    extra = 0
    max_num = 0
    can_delete = False
    fields = ("level_shown", "message", "record", "field_name", "additional_information")
    readonly_fields = fields
    per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(is_context=False)

    @display(description="Type")
    def level_shown(self, row: ErrorMessage) -> SafeString:
        return level_badge(row.level)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(ErrorMessageRegister)
class ErrorMessageRegisterAdmin(ReadOnlyAdmin):
    list_display = ("created_shown", "message_shown", "errors_shown", "user_shown")
    list_display_links = ("message_shown",)
    search_fields = ("message", "messages__message")
    inlines = (MessageInline,)
    fields = ("created_shown", "message", "user_shown")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        counted = {
            f"{level.name.lower()}_count": Count(
                "messages", filter=Q(messages__level=level, messages__is_context=False), distinct=True
            )
            for level in Level
        }
        return super().get_queryset(request).select_related("user").annotate(**counted)

    @display(description="Created", ordering="created_at")
    def created_shown(self, register: ErrorMessageRegister) -> SafeString:
        return words.moment(register.created_at, now=timezone.now())

    @display(description="Message")
    def message_shown(self, register: ErrorMessageRegister) -> str:
        return register.message or "–"

    @display(description="Messages")
    def errors_shown(self, register: Any) -> str:
        counts = [
            words.counted(getattr(register, f"{level.name.lower()}_count"), level.label.lower(),
                          "information" if level == Level.INFORMATION else "")
            for level in Level
            if getattr(register, f"{level.name.lower()}_count", 0)
        ]
        return ", ".join(counts) or "none"

    @display(description="User")
    def user_shown(self, register: ErrorMessageRegister) -> str:
        return register.user.get_username() if register.user else "System"


# --- history
@admin.register(EntryChange)
class EntryChangeAdmin(ReadOnlyAdmin):
    """Who did what on purpose. Status changes the product makes by itself are in the log."""

    list_display = ("at_shown", "user_shown", "action_shown", "entry_shown", "changes_shown", "reason")
    list_filter = (OfEntry, "origin")
    search_fields = ("entry_description", "reason", "user__username", "action")
    list_display_links = None

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Changes", **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows = list(changelist.result_list)
        there = dict(Entry.objects.filter(id__in=[row.entry_id for row in rows]).values_list("id", "entry_no"))
        for row in rows:
            row.entry_no = there.get(row.entry_id)
        changelist.result_list = rows
        return changelist

    @display(description="At", ordering="id")
    def at_shown(self, change: EntryChange) -> SafeString:
        return words.moment(change.at, now=timezone.now())

    @display(description="Who")
    def user_shown(self, change: EntryChange) -> str:
        name = change.user.get_username() if change.user else "System"
        return name if change.origin == "admin" else f"{name} ({change.origin})"

    @display(description="What")
    def action_shown(self, change: EntryChange) -> str:
        return action_in_words(change.action)

    @display(description="Entry")
    def entry_shown(self, change: Any) -> SafeString:
        if getattr(change, "entry_no", None) is None:
            return format_html('{} <span class="jw-none">(deleted)</span>', change.entry_description)
        return format_html(
            '<a class="jw-link" href="{}">{}</a>',
            reverse("admin:jobqueue_entry_change", args=[change.entry_no]),
            change.entry_description,
        )

    @display(description="Changed")
    def changes_shown(self, change: EntryChange) -> SafeString:
        return changes_in_words(change)
