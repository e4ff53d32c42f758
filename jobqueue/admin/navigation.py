"""The sidebar: the job queue's pages in the order a working day meets them, with counts where something waits."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from jobqueue.admin.base import may
from jobqueue.models import Entry, ReportDocument
from jobqueue.states import Status


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links for django-unfold's ``SIDEBAR.navigation``; items without permission are left out."""
    if getattr(request, "company", None) is None or not request.user.is_authenticated:
        return []
    people = request.user.has_perm("auth.view_user") or request.user.has_perm("auth.view_group")
    groups = [
        _group("Job queue", _job_queue(request) if may(request, "view") else []),
        _group("Behind the scenes", _behind(request) if may(request, "view") else []),
        _group("Set-up", _set_up() if may(request, "administer") else []),
        _group("People", _people(request) if people else []),
    ]
    return [group for group in groups if group["items"]]


def failed_badge(request: HttpRequest) -> str:
    """How many entries are in Error; empty when none is."""
    count = Entry.objects.filter(company=request.company, status=Status.ERROR).count()
    return f"{count:,}" if count else ""


def unread_badge(request: HttpRequest) -> str:
    documents = ReportDocument.objects.filter(company=request.company, user=request.user)
    count = documents.aggregate(unread=Count("pk", filter=Q(is_read=False)))["unread"]
    return f"{count:,}" if count else ""


def _job_queue(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        _item("Role centre", icon="space_dashboard", name="index"),
        _item(
            "Job queue entries",
            icon="event_repeat",
            name="jobqueue_entry_changelist",
            badge=failed_badge(request),
            variant="danger",
        ),
        _item("Log entries", icon="receipt_long", name="jobqueue_logentry_changelist"),
        _item(
            "Report inbox",
            icon="inbox",
            name="jobqueue_reportdocument_changelist",
            badge=unread_badge(request),
            variant="primary",
        ),
        _item("Categories", icon="category", name="jobqueue_category_changelist"),
    ]


def _behind(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        _item("Scheduled tasks", icon="pending_actions", name="jobqueue_scheduledtask_changelist"),
        _item("Workers", icon="dns", name="jobqueue_cluster_changelist"),
        _item("Worker sessions", icon="memory", name="jobqueue_workersession_changelist"),
        _item("Session events", icon="swap_vert", name="jobqueue_sessionevent_changelist"),
        _item("Error messages", icon="report", name="jobqueue_errormessageregister_changelist"),
        _item("Changes", icon="history", name="jobqueue_entrychange_changelist"),
    ]


def _set_up() -> list[dict[str, Any]]:
    return [
        _item("Companies", icon="domain", name="jobqueue_company_changelist"),
        _item("Credentials", icon="key", name="jobqueue_credential_changelist"),
        _item("Doctor", icon="stethoscope", name="doctor"),
    ]


def _people(request: HttpRequest) -> list[dict[str, Any]]:
    items = []
    if request.user.has_perm("auth.view_user"):
        items.append(_item("Users", icon="person", name="auth_user_changelist"))
    if request.user.has_perm("auth.view_group"):
        items.append(_item("Groups", icon="group", name="auth_group_changelist"))
    return items


def _group(title: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"title": title, "items": items, "separator": False, "collapsible": False}


def _item(title: str, *, icon: str, name: str, badge: str = "", variant: str = "") -> dict[str, Any]:
    item = {"title": title, "icon": icon, "link": reverse(f"admin:{name}")}
    if badge:
        item |= {"badge": badge, "badge_variant": variant}
    return item
