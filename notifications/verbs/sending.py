"""Sending by hand: a test to everybody on a list, and a message once more."""

from datetime import datetime
from typing import Any

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from notifications import scenarios
from notifications.errors import MessageNotFinished
from notifications.models import Message, NotificationLine, NotificationList
from notifications.notify import queue_delivery
from notifications.occasion import Told
from notifications.recipients import people_of
from notifications.writing import write

TEST_TEMPLATE = "test"
FINISHED = (Message.State.SENT, Message.State.FAILED, Message.State.HELD)


def send_test(found: NotificationList, *, actor: Actor, now: datetime | None = None) -> list[Message]:
    """Queues a test message to each recipient of the list, one each; returns them.

    Also for a disabled list; recipients who are told nothing (disabled, outside the company) get none. Raises
    ``NotAllowed``, or ``Refused`` if nobody can be told.
    """
    require(actor, "administer", found.company)
    now = now or database_now()
    people = people_of(found)
    if not people:
        raise Refused(
            f"The list “{found}” has no recipient who can be reached. Add a line first.",
            code="nobody_to_tell",
        )
    with transaction.atomic():
        messages = [
            write(
                found.company,
                [told],
                template=TEST_TEMPLATE,
                facts=_test_facts(found, told, lines, actor=actor, now=now),
                moment=now,
                source=("notification_list", str(found.pk)),
                is_test=True,
            )[0]
            for told, lines in people
        ]
        queue_delivery(found.company, not_before=now)
    return messages


def send_again(message: Message, *, actor: Actor, now: datetime | None = None) -> Message:
    """Queues a copy of a message that was sent, failed or is held; returns the copy, with a Message-ID of its own.

    A user is mailed at the address they have now. A held message is let go itself: it was never sent. Raises
    ``NotAllowed``, or ``MessageNotFinished`` while it is on its way.
    """
    require(actor, "operate", message.company)
    now = now or database_now()
    with transaction.atomic():
        found = queue_again(message, now=now)
        queue_delivery(message.company, not_before=now)
    return found


def queue_again(message: Message, *, now: datetime) -> Message:
    """Queues a finished message once more without a task that delivers it; as :func:`send_again` otherwise."""
    row = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if row.state not in FINISHED:
        raise MessageNotFinished(
            f"Message {row.pk} to “{row.recipient}” is still on its way; it is tried again by itself."
        )
    return _let_go(row, now=now) if row.state == Message.State.HELD else _copy(row, now=now)


def _let_go(row: Message, *, now: datetime) -> Message:
    row.state, row.next_attempt_at, row.queued_at, row.last_error = Message.State.QUEUED, now, now, ""
    row.save(update_fields=["state", "next_attempt_at", "queued_at", "last_error"])
    return row


def _copy(row: Message, *, now: datetime) -> Message:
    values: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            "company_id",
            "channel",
            "user_id",
            "target_id",
            "recipient",
            "language",
            "time_zone",
            "scenario",
            "scenarios",
            "template",
            "facts",
            "held_back",
            "told_as",
            "about_kind",
            "about_reference",
            "source_kind",
            "source_reference",
            "occurred_at",
            "is_test",
        )
    }
    address = "" if row.user_id is not None else row.address
    return Message.objects.create(
        **values, address=address, sent_again_from=row, queued_at=now, next_attempt_at=now
    )


def _test_facts(
    found: NotificationList, told: Told, lines: list[NotificationLine], *, actor: Actor, now: datetime
) -> dict[str, Any]:
    return {
        "name": found.name,
        "sent_by": actor.name,
        "sent_at": now.isoformat(),
        "scenarios": ", ".join(dict.fromkeys(scenarios.caption(line.scenario) for line in lines)),
        "pages": {"address": ["notifications_notificationlist_change", found.pk]},
    }
