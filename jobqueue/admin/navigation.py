"""The sidebar: the job queue's pages in the order a working day meets them, with counts where something waits."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from jobqueue.admin import extensions
from jobqueue.admin.base import may
from jobqueue.models import Entry, ReportDocument
from jobqueue.states import Status


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links for django-unfold's ``SIDEBAR.navigation``; items without permission are left out."""
    if not request.user.is_authenticated:
        return []
    if getattr(request, "company", None) is None:
        # Pages of the person, such as the password: without a group django-unfold would list every app there is.
        return [group("Job queue", [item("Role centre", icon="space_dashboard", name="index")])]
    people = request.user.has_perm("auth.view_user") or request.user.has_perm("auth.view_group")
    groups = [
        group("Job queue", _job_queue(request) if may(request, "view") else []),
        *extensions.sidebar_groups(request),
        group("Behind the scenes", _behind(request) if may(request, "view") else []),
        group("Set-up", _set_up() if may(request, "administer") else []),
        group("People", _people(request) if people or may(request, "view") else []),
    ]
    return [found for found in groups if found["items"]]


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
        item("Role centre", icon="space_dashboard", name="index"),
        item(
            "Job queue entries",
            icon="event_repeat",
            name="jobqueue_entry_changelist",
            badge=failed_badge(request),
            variant="danger",
        ),
        item("Log entries", icon="receipt_long", name="jobqueue_logentry_changelist"),
        item(
            "Report inbox",
            icon="inbox",
            name="jobqueue_reportdocument_changelist",
            badge=unread_badge(request),
            variant="primary",
        ),
        item("Categories", icon="category", name="jobqueue_category_changelist"),
    ]


def _behind(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        item("Scheduled tasks", icon="pending_actions", name="jobqueue_scheduledtask_changelist"),
        item("Workers", icon="dns", name="jobqueue_cluster_changelist"),
        item("Worker sessions", icon="memory", name="jobqueue_workersession_changelist"),
        item("Session events", icon="swap_vert", name="jobqueue_sessionevent_changelist"),
        item("Error messages", icon="report", name="jobqueue_errormessageregister_changelist"),
        item("Changes", icon="history", name="jobqueue_entrychange_changelist"),
    ]


def _set_up() -> list[dict[str, Any]]:
    return [
        item("Companies", icon="domain", name="jobqueue_company_changelist"),
        item("Credentials", icon="key", name="jobqueue_credential_changelist"),
        item("Doctor", icon="stethoscope", name="doctor"),
    ]


def _people(request: HttpRequest) -> list[dict[str, Any]]:
    items = []
    if request.user.has_perm("auth.view_user"):
        items.append(item("Users", icon="person", name="auth_user_changelist"))
    if request.user.has_perm("auth.view_group"):
        items.append(item("Groups", icon="group", name="auth_group_changelist"))
    if may(request, "view"):
        items.append(item("API tokens", icon="vpn_key", name="jobqueue_apitoken_changelist"))
    return items


def group(title: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A titled group of links; it is shown only with items."""
    return {"title": title, "items": items, "separator": False, "collapsible": False}


def item(title: str, *, icon: str, name: str, badge: str = "", variant: str = "") -> dict[str, Any]:
    """A link to the admin page ``name``, with a small count (``badge``) where something waits."""
    found = {"title": title, "icon": icon, "link": reverse(f"admin:{name}")}
    if badge:
        found |= {"badge": badge, "badge_variant": variant}
    return found
