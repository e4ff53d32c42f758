"""Delivering the outbox: one round takes what is due, message by message, and keeps how each attempt went.

A message is taken by a guarded update (queued → sending) that commits before anything is sent, so no two rounds ever
send one message at once. What was taken and never recorded, because its worker died in between, is tried again: at
least once, under the same Message-ID. Nothing here touches a job.
Source: *Packages reference, Sending never disturbs the work*.
"""

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, Min, OuterRef, QuerySet

from jobqueue.models import ScheduledTask
from jobqueue.scheduler import copy_guard, database_now
from jobqueue.scheduler.outcome import until_recorded
from notifications import channels
from notifications.backoff import next_attempt
from notifications.channels import Channel, Permanent, Temporary
from notifications.conf import settings
from notifications.models import DeliveryAttempt, Message
from notifications.notify import DELIVER_ROUTINE, DELIVERY_SECONDS, queue_delivery

logger = logging.getLogger(__name__)

ROUND_SECONDS = DELIVERY_SECONDS / 2
LEASE = timedelta(seconds=DELIVERY_SECONDS + 60)
"""After this time nobody is sending any more: a round is ended before it."""

LOOK_AHEAD = 20
ERROR_LENGTH = 1_000
UNREACHABLE_PAUSE = timedelta(minutes=1)
LOST = "The worker was lost while it sent the message; it may have been sent."

State, Outcome = Message.State, DeliveryAttempt.Outcome


@dataclass
class Round:
    """One round of delivery under one task."""

    task_id: UUID
    open: dict[str, Channel] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    sent: int = 0

    def channel(self, kind: str) -> Channel:
        if kind not in self.open:
            self.open[kind] = channels.open_channel(kind)
        return self.open[kind]

    def close(self) -> None:
        for channel in self.open.values():
            channel.close()


def deliver(task_id: UUID, *, for_seconds: float = ROUND_SECONDS) -> int:
    """Sends what is due, for at most five minutes or less; returns how many messages were sent.

    Sends nothing while the copy guard holds the database. Schedules the next round where something is left to do.
    """
    if copy_guard.look().held:
        return 0
    recover(task_id, now=database_now())
    this = Round(task_id)
    until = time.monotonic() + for_seconds
    try:
        while time.monotonic() < until:
            message = _take(this, now=database_now())
            if message is None:
                break
            _send(this, message)
    finally:
        this.close()
    ensure_delivery(now=database_now(), except_task=task_id)
    return this.sent


def recover(task_id: UUID | None, *, now: datetime) -> int:
    """Queues again what was being sent by this very task before, or by anybody too long ago; returns how many."""
    abandoned = Message.objects.filter(state=State.SENDING, sending_since__lt=now - LEASE)
    if task_id is not None:
        abandoned = abandoned | Message.objects.filter(state=State.SENDING, task_id=task_id)
    found = 0
    for message in abandoned.select_related("company"):
        with transaction.atomic():
            found += _end(
                message,
                outcome=Outcome.LOST,
                error=LOST,
                now=now,
                state=State.QUEUED,
                next_attempt_at=now,
                last_error=LOST,
            )
    return found


def ensure_delivery(*, now: datetime, except_task: UUID | None = None) -> None:
    """Makes sure a round comes when the next queued message is due."""
    at = Message.objects.filter(state=State.QUEUED).aggregate(at=Min("next_attempt_at"))["at"]
    if at is None:
        return
    at = max(at, now)
    rounds = ScheduledTask.objects.filter(
        main_routine=DELIVER_ROUTINE,
        state=ScheduledTask.State.FREE,
        not_before__lte=at + timedelta(seconds=1),
    ).exclude(pk=except_task)
    if not rounds.exists():
        queue_delivery(not_before=at)


def _take(this: Round, *, now: datetime) -> Message | None:
    """The next due message, now *sending* under this task and with an attempt of its own; None if none is due."""
    due = Message.objects.filter(state=State.QUEUED, next_attempt_at__lte=now)
    due = due.order_by("next_attempt_at", "id").select_related("company", "user", "target")
    task_id, paused = this.task_id, set()
    for message in due[:LOOK_AHEAD]:
        place = channels.where_from(message)
        is_patient = place not in this.reached and message.queued_at > _horizon(now)
        if is_patient and place in paused:
            continue
        if is_patient and _is_away(message, now=now):
            # Somebody has just waited for an answer in vain: workers have better things to do than wait again.
            paused.add(place)
            _pause_others(message, until=now + UNREACHABLE_PAUSE, reason="", now=now)
            continue
        if place not in this.reached:
            # Nobody knows yet that somebody answers again: the oldest message knocks, so that they arrive in order.
            message = _waiting_for_an_answer(message, now=now).filter(pk__lt=message.pk).first() or message
        with transaction.atomic():
            moved = Message.objects.filter(
                pk=message.pk,
                state=State.QUEUED,
                attempts=message.attempts,
                next_attempt_at=message.next_attempt_at,
            ).update(state=State.SENDING, sending_since=now, task_id=task_id, attempts=F("attempts") + 1)
            if not moved:
                continue
            message.state, message.sending_since = State.SENDING, now
            message.task_id, message.attempts = task_id, message.attempts + 1
            DeliveryAttempt.objects.create(message=message, number=message.attempts, started_at=now)
        return message
    return None


def _send(this: Round, message: Message) -> None:
    refusal = _try(this, message)
    place = channels.where_from(message)
    if not (isinstance(refusal, Temporary) and refusal.unreachable) and place not in this.reached:
        this.reached.add(place)
        _release_others(message, now=database_now())
    until_recorded(lambda: _record(message, refusal))
    this.sent += refusal is None


def _try(this: Round, message: Message) -> Permanent | Temporary | None:
    """Hands the message over; returns why that was not possible."""
    try:
        this.channel(message.channel).send(message)
    except (Permanent, Temporary) as refusal:
        return refusal
    except Exception as error:
        logger.exception("Message %s could not be sent.", message.pk)
        return Temporary(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return None


def _record(message: Message, refusal: Permanent | Temporary | None) -> None:
    if refusal is None:
        _record_sent(message)
    elif isinstance(refusal, Permanent):
        _fail(message, refusal.reason)
    else:
        _postpone(message, refusal)


def _record_sent(message: Message) -> None:
    now = database_now()
    with transaction.atomic():
        _end(
            message,
            outcome=Outcome.SENT,
            error="",
            now=now,
            state=State.SENT,
            sent_at=now,
            next_attempt_at=None,
            last_error="",
        )


def _fail(message: Message, reason: str) -> None:
    now = database_now()
    with transaction.atomic():
        _end(
            message,
            outcome=Outcome.PERMANENT,
            error=reason,
            now=now,
            state=State.FAILED,
            failed_at=now,
            next_attempt_at=None,
            last_error=reason,
        )
    logger.warning("Message %s to %s cannot be sent: %s", message.pk, message.recipient, reason)


def _postpone(message: Message, error: Temporary) -> None:
    now = database_now()
    keep_trying = timedelta(hours=settings().retry_hours)
    at = next_attempt(
        attempts=message.attempts,
        now=now,
        queued_at=message.queued_at,
        keep_trying=keep_trying,
        retry_after=error.retry_after,
        unreachable=error.unreachable,
    )
    if at is None:
        _fail(message, f"Given up after {settings().retry_hours} hours. {error.reason}")
        return
    with transaction.atomic():
        _end(
            message,
            outcome=Outcome.UNREACHABLE if error.unreachable else Outcome.TEMPORARY,
            error=error.reason,
            now=now,
            state=State.QUEUED,
            next_attempt_at=at,
            last_error=error.reason,
        )
        if error.unreachable:
            _pause_others(message, until=at, reason=error.reason, now=now)


def _is_away(message: Message, *, now: datetime) -> bool:
    """Whether nobody answered where this message goes within the last minute, and nothing arrived there since."""
    there = DeliveryAttempt.objects.filter(
        message__channel=message.channel, message__target=message.target_id
    )
    silent = there.filter(outcome=Outcome.UNREACHABLE, ended_at__gt=now - UNREACHABLE_PAUSE)
    last = silent.aggregate(at=Max("ended_at"))["at"]
    return last is not None and not there.filter(outcome=Outcome.SENT, ended_at__gte=last).exists()


def _for_the_same_place(message: Message, *, now: datetime) -> QuerySet[Message]:
    """What is queued for where this message goes. What is older than it may get is left out: it is due for the last
    time, and then is given up.
    """
    return Message.objects.filter(
        state=State.QUEUED,
        channel=message.channel,
        target=message.target_id,
        queued_at__gt=_horizon(now),
    )


def _waiting_for_an_answer(message: Message, *, now: datetime) -> QuerySet[Message]:
    """What waits only because nobody answered there, oldest first; what was put off by an answer waits for its time."""
    put_off = DeliveryAttempt.objects.filter(
        message=OuterRef("pk"), number=OuterRef("attempts"), outcome=Outcome.TEMPORARY
    )
    there = _for_the_same_place(message, now=now).filter(~Exists(put_off)).order_by("pk")
    return there.select_related("company", "user", "target")


def _release_others(message: Message, *, now: datetime) -> None:
    """Somebody answers again: what waited for that goes at once, in the order it was written."""
    waiting = _waiting_for_an_answer(message, now=now)
    if waiting.filter(next_attempt_at__gt=now).exists():
        _reschedule(waiting, next_attempt_at=now)


def _pause_others(message: Message, *, until: datetime, reason: str, now: datetime) -> None:
    """Nobody else gets through either: what is due for the same place waits, which is no attempt of its own."""
    values: dict[str, Any] = {"next_attempt_at": until}
    if reason:
        values["last_error"] = reason[:ERROR_LENGTH]
    _reschedule(_for_the_same_place(message, now=now).filter(next_attempt_at__lte=now), **values)


def _reschedule(messages: QuerySet[Message], **values: Any) -> None:
    """What another round has locked it takes or moves itself; waiting for each other could end in a deadlock."""
    with transaction.atomic():
        free = messages.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        Message.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(**values)


def _horizon(now: datetime) -> datetime:
    """What was queued before this moment is not tried again."""
    return now - timedelta(hours=settings().retry_hours)


def _end(message: Message, *, outcome: str, error: str, now: datetime, **values: Any) -> int:
    """Ends the attempt under way, if this round is still the one that sends the message; 0 if not."""
    for name in ("last_error",):
        values[name] = values[name][:ERROR_LENGTH]
    words = {name: getattr(message, name) for name in ("address", "subject", "text", "html")}
    moved = Message.objects.filter(
        pk=message.pk, state=State.SENDING, attempts=message.attempts, task_id=message.task_id
    ).update(sending_since=None, task_id=None, **words, **values)
    if moved:
        DeliveryAttempt.objects.filter(message=message.pk, number=message.attempts).update(
            outcome=outcome, error=error[:ERROR_LENGTH], ended_at=now
        )
    return moved
