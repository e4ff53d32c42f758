"""Clusters and worker sessions: who is alive, since when, seen when."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display

from jobqueue.admin import badges, words
from jobqueue.admin.base import ReadOnlyAdmin
from jobqueue.models import (
    Cluster,
    WorkerSession,
)


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
    list_display = (
        "state_shown",
        "host",
        "pid",
        "workers",
        "heartbeat_shown",
        "started_shown",
        "ended_shown",
        "version",
    )
    list_filter = ("state",)
    search_fields = ("host", "name")
    inlines = (WorkerInline,)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
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
