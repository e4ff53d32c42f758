"""Looking round once a minute: entries that are late or run long, messages nobody delivers, rows kept long enough.

Each part is on its own: one that fails is logged and does not stop the others.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from jobqueue import scheduler
from jobqueue.actors import Actor
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.states import LogStatus, Status
from notifications import delivery, subscriptions
from notifications.conf import settings
from notifications.entry_occasions import late_key, late_since, tell_late, tell_running_long
from notifications.entry_scenarios import LATE, RAN_LONGER
from notifications.models import ChannelTarget, EntryLink, Message, NotificationLine, RepeatMark, ToldMark

logger = logging.getLogger(__name__)

WATCH_ROUTINE = "notifications.watch"
BATCH = 500
MARKS_KEPT = timedelta(days=90)
SHORTEST = timedelta(minutes=1)
ADOPTED = (
    "The database is a copy or was restored: the message may have been sent by the other one. "
    "Choose Send Again to send it all the same."
)

FINISHED = (Message.State.SENT, Message.State.FAILED, Message.State.HELD)


def on_minute_passed(sender: Any, now: datetime, **_: Any) -> None:
    """Schedules a look round, unless one is due already."""
    waiting = ScheduledTask.objects.filter(main_routine=WATCH_ROUTINE, state=ScheduledTask.State.FREE)
    if not waiting.exists():
        scheduler.create_task(WATCH_ROUTINE, not_before=now)


def on_adopt(sender: Any, actor: Actor, keep_ready: bool, now: datetime, **_: Any) -> None:
    """A copied or restored database was adopted: what waits in its outbox is held, like its schedules."""
    if not keep_ready:
        waiting = Message.objects.filter(state__in=[Message.State.QUEUED, Message.State.SENDING])
        waiting.update(
            state=Message.State.HELD,
            next_attempt_at=None,
            sending_since=None,
            task_id=None,
            last_error=ADOPTED,
        )


def look_round(*, now: datetime) -> None:
    """One round."""
    for part in (
        _see_to_delivery,
        _look_for_late,
        _look_for_late_subscribed,
        _look_for_long,
        _purge_messages,
        _purge_marks,
        _purge_links,
    ):
        _by_itself(lambda part=part: part(now=now), name=part.__name__)


def look_for_trouble(*, now: datetime) -> None:
    """The part of a round people wait for: what is late, and what runs long."""
    for part in (_look_for_late, _look_for_late_subscribed, _look_for_long):
        _by_itself(lambda part=part: part(now=now), name=part.__name__)


def _see_to_delivery(*, now: datetime) -> None:
    delivery.recover(None, now=now)
    delivery.ensure_delivery(now=now)


def _look_for_late(*, now: datetime) -> None:
    """Entries that are due and have not started, by lines that want to know; each in a transaction of its own."""
    entries = Entry.objects.filter(
        _wanted(LATE.code, "id"),
        is_watched=True,
        status__in=[Status.READY, Status.WAITING],
        attempts=0,
        earliest_start_at__lt=now - SHORTEST,
    )
    for entry in entries.select_related("company").iterator(chunk_size=BATCH):
        due_at = late_since(entry)
        if due_at is not None and now - due_at > SHORTEST:
            _by_itself(lambda entry=entry, due_at=due_at: tell_late(entry, due_at=due_at, now=now))


def _look_for_late_subscribed(*, now: datetime) -> None:
    """The same for webhooks that want to hear of every late entry of their company; at most 500 in a round."""
    for company_id, targets in subscriptions.wanting_late().items():
        entries = Entry.objects.filter(
            company=company_id,
            owner_kind="",
            is_system=False,
            status__in=[Status.READY, Status.WAITING],
            attempts=0,
            earliest_start_at__lt=now - timedelta(minutes=min(one.threshold_minutes for one in targets)),
        )
        for key, due_at in list(islice(_untold(entries, targets, now=now), BATCH)):
            entry = Entry.objects.select_related("company").filter(pk=key).first()
            if entry is not None:
                _by_itself(lambda entry=entry, due_at=due_at: tell_late(entry, due_at=due_at, now=now))


def _untold(
    entries: QuerySet[Entry], targets: Sequence[ChannelTarget], *, now: datetime
) -> Iterator[tuple[Any, datetime]]:
    """The keys of late entries some target has not heard of, longest late first, and since when they are late."""
    rows = entries.only("id", "due_at", "earliest_start_at", "last_ready_state_at").order_by(
        "earliest_start_at"
    )
    late = ((entry, due_at) for entry in rows.iterator(chunk_size=BATCH) if (due_at := late_since(entry)))
    while some := [(entry.pk, due_at, late_key(entry.id, due_at)) for entry, due_at in islice(late, BATCH)]:
        marks = ToldMark.objects.filter(target__in=targets, key__in=[key for *_, key in some])
        told = set(marks.values_list("target_id", "key"))
        for pk, due_at, key in some:
            minutes = (now - due_at).total_seconds() / 60
            if any(minutes > one.threshold_minutes and (one.pk, key) not in told for one in targets):
                yield pk, due_at


def _look_for_long(*, now: datetime) -> None:
    """Runs that go on for longer than some line allows."""
    rows = LogEntry.objects.filter(
        _wanted(RAN_LONGER.code, "entry_id"), status=LogStatus.IN_PROCESS, started_at__lt=now - SHORTEST
    )
    for row in rows.select_related("company", "user").iterator(chunk_size=BATCH):
        entry = Entry.objects.select_related("company").filter(id=row.entry_id, owner_kind="").first()
        if entry is not None:
            _by_itself(lambda entry=entry, row=row: tell_running_long(entry, row, now=now))


def _wanted(scenario: str, entry_id: str) -> Exists:
    """Whether an enabled list linked to the entry has a line for the scenario."""
    lines = NotificationLine.objects.filter(
        scenario=scenario, list__is_enabled=True, list__entry_links__entry_id=OuterRef(entry_id)
    )
    return Exists(lines)


def _purge_messages(*, now: datetime) -> None:
    """Messages are kept for the days the settings say; what still waits is never deleted."""
    before = now - timedelta(days=settings().message_retention_days)
    old = Message.objects.filter(queued_at__lt=before, state__in=FINISHED).order_by("queued_at")
    Message.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()


def _purge_marks(*, now: datetime) -> None:
    told = ToldMark.objects.filter(at__lt=now - MARKS_KEPT).values_list("pk", flat=True)[:BATCH]
    ToldMark.objects.filter(pk__in=list(told)).delete()
    repeats = RepeatMark.objects.filter(told_at__lt=now - MARKS_KEPT, line__repeat_minutes__lt=60 * 24)
    RepeatMark.objects.filter(pk__in=list(repeats.values_list("pk", flat=True)[:BATCH])).delete()


def _purge_links(*, now: datetime) -> None:
    """Links of entries that are gone: a finished entry leaves by the shortest way."""
    gone = EntryLink.objects.filter(~Exists(Entry.objects.filter(id=OuterRef("entry_id"))))
    EntryLink.objects.filter(pk__in=list(gone.values_list("pk", flat=True)[:BATCH])).delete()


def _by_itself(part: Callable[[], Any], *, name: str = "telling of an entry") -> None:
    try:
        with transaction.atomic():
            part()
    except Exception:
        logger.exception("Notifications: %s failed; the rest goes on.", name.strip("_").replace("_", " "))
