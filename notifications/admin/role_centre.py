"""What notifications add to the pages of the job queue: links, the light *Mail*, calls for help, the red notice."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from jobqueue.admin import extensions, navigation
from jobqueue.admin.base import may, now_of
from jobqueue.admin.role_centre import OLD_DUE, Light
from notifications.admin import entry_lists, mail_setup
from notifications.models import Message

State = Message.State
LATELY = timedelta(days=7)


def register() -> None:
    """Called once, while the admin of notifications is imported."""
    extensions.add_sidebar_group(sidebar_group, order=20)
    extensions.add_lights(lights)
    extensions.add_calls(calls)
    extensions.add_banner(mail_setup.banner)
    extensions.add_entry_panel(entry_lists.panel)


def failures(request: HttpRequest) -> dict[str, Any]:
    """How many messages failed lately and were not sent again, and when the last did; asked once per request."""
    if not hasattr(request, "notification_failures"):
        request.notification_failures = unsettled(request).aggregate(count=Count("pk"), last=Max("failed_at"))
    return request.notification_failures


def unsettled(request: HttpRequest) -> QuerySet[Message]:
    return Message.objects.filter(
        company=request.company,
        state=State.FAILED,
        failed_at__gt=now_of(request) - LATELY,
        sent_again=None,
    )


def sidebar_group(request: HttpRequest) -> dict[str, Any]:
    items = []
    if may(request, "view"):
        failed = failures(request)["count"]
        items = [
            navigation.item(
                "Notification lists",
                icon="notifications",
                name="notifications_notificationlist_changelist",
            ),
            navigation.item(
                "Mail log",
                icon="mail",
                name="notifications_message_changelist",
                badge=f"{failed:,}" if failed else "",
                variant="danger",
            ),
            navigation.item(
                "My messages", icon="translate", name="notifications_recipientpreference_changelist"
            ),
        ]
    if may(request, "administer"):
        items.append(
            navigation.item("Targets", icon="webhook", name="notifications_channeltarget_changelist")
        )
    return navigation.group("Notifications", items)


def lights(request: HttpRequest) -> list[Light]:
    """*Mail*: whether messages get out."""
    failed = failures(request)
    if failed["count"]:
        return [Light("bad", f"Mail: {failed['count']:,} failed, last", failed["last"])]
    if mail_setup.backend() in mail_setup.NOT_SENT:
        return [Light("bad", "Mail reaches nobody")]
    rows = Message.objects.filter(company=request.company)
    waiting = rows.filter(state__in=(State.QUEUED, State.SENDING)).aggregate(
        oldest=Min("occurred_at"), tried=Max("attempts")
    )
    if waiting["oldest"] is not None and (waiting["tried"] or now_of(request) - waiting["oldest"] > OLD_DUE):
        return [
            Light(
                "warn",
                "Mail is tried again, oldest" if waiting["tried"] else "Mail waits, oldest",
                waiting["oldest"],
            )
        ]
    sent = rows.filter(state=State.SENT).order_by("-id").values_list("sent_at", flat=True).first()
    return [Light("good", "Mail", sent)] if sent is not None else []


def calls(request: HttpRequest) -> list[extensions.Call]:
    """Messages that failed for good: somebody was to know something and does not."""
    failed = failures(request)["count"]
    if not failed:
        return []
    last = unsettled(request).order_by("-failed_at").first()
    if last is None:
        return []
    what = "A message" if failed == 1 else f"{failed:,} messages"
    return [
        extensions.Call(
            name=f"{what} could not be sent",
            address=f"{reverse('admin:notifications_message_changelist')}?tab=failed",
            note="last failure",
            at=last.failed_at,
            message=f"To {last.recipient}: {last.last_error}",
            links=(("Open", reverse("admin:notifications_message_change", args=[last.pk])),),
        )
    ]
