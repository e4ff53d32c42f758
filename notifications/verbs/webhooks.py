"""Webhooks of a company: made with a secret that is shown once, tried out, and what failed sent again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.models import Company
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from notifications.channels.webhook import new_secret
from notifications.models import ChannelTarget, Message
from notifications.notify import queue_delivery
from notifications.occasion import Told
from notifications.verbs.sending import TEST_TEMPLATE, queue_again
from notifications.verbs.targets import create_target, locked_target
from notifications.writing import write

MOST_AT_ONCE = 1_000


def create_webhook(
    company: Company, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> tuple[ChannelTarget, str]:
    """Stores a webhook and returns it with its new signing secret, which nothing shows again.

    ``values``: ``name``, ``address``, ``events`` (codes of scenarios), ``threshold_minutes``, ``is_enabled``. Raises
    as :func:`create_target`.
    """
    secret = new_secret()
    made = {**values, "kind": ChannelTarget.Kind.WEBHOOK, "secret": secret}
    return create_target(company, made, actor=actor, now=now), secret


def send_test_to(target: ChannelTarget, *, actor: Actor, now: datetime | None = None) -> Message:
    """Queues a test message to the webhook. Raises ``NotAllowed``, or ``Refused`` while it is switched off."""
    require(actor, "administer", target.company)
    if not target.is_enabled:
        raise Refused(f"“{target}” is switched off. Switch it on first.", code="switched_off")
    now = now or database_now()
    told = Told(name=target.name, scenarios=(), target=target, told_as=Message.Reason.SUBSCRIBED)
    facts = {
        "name": target.name,
        "to_target": True,
        "sent_by": actor.name,
        "sent_at": now.isoformat(),
        "scenarios": "",
        "pages": {"address": ["notifications_channeltarget_change", target.pk]},
    }
    with transaction.atomic():
        [message] = write(
            target.company,
            [told],
            template=TEST_TEMPLATE,
            facts=facts,
            moment=now,
            source=("notification_target", str(target.pk)),
            is_test=True,
        )
        queue_delivery(target.company, not_before=now)
    return message


def replay_failed(
    target: ChannelTarget, *, since: datetime, actor: Actor, now: datetime | None = None
) -> list[Message]:
    """Queues again what failed for good since an aware moment and was not sent again before, oldest first.

    At most 1,000 messages; call again for the rest. Raises ``NotAllowed``.
    """
    require(actor, "operate", target.company)
    now = now or database_now()
    failed = Message.objects.filter(
        target=target, state=Message.State.FAILED, failed_at__gte=since, sent_again=None
    ).select_related("company")
    with transaction.atomic():
        locked_target(target)  # one replay at a time, so that nothing is sent again twice
        queued = [queue_again(one, now=now) for one in failed.order_by("pk")[:MOST_AT_ONCE]]
        if queued:
            queue_delivery(target.company, not_before=now)
    return queued
