"""Telling people of an occasion: who gets a message is decided and written in the caller's transaction.

Nothing is sent here. Commit means that the messages will be sent, rollback that they never existed.
Source: *Packages reference, Notification List*; *Decisions, Packages and notifications*.
"""

import logging
from collections.abc import Iterable
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from jobqueue import scheduler
from jobqueue.models import Company
from notifications import scenarios
from notifications.models import Message, NotificationList, RepeatMark
from notifications.occasion import Occasion
from notifications.recipients import choose
from notifications.scenarios import Severity
from notifications.writing import write

logger = logging.getLogger(__name__)

DELIVER_ROUTINE = "notifications.deliver"
DELIVERY_SECONDS = 600
"""Longest time one delivery task works; also the lease of a message it is sending."""


def notify(occasion: Occasion) -> list[Message]:
    """Writes one outbox row per person and target, and the task that delivers them; returns the rows.

    Takes part in the caller's transaction, in a savepoint: whatever is wrong with lists or facts is logged and tells
    nobody, but never undoes the caller's work. Only an unusable database is raised.
    """
    try:
        with transaction.atomic():
            return _notify(occasion)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("Nobody could be told of %s about %s.", occasion.scenarios, occasion.about)
        return []


def reset_repeats(
    lists: Iterable[NotificationList], about: tuple[str, str], *, before: datetime | None = None
) -> None:
    """A run succeeded: problems of what ``about`` names are told again at once, whatever the repeat intervals say.

    Also for what the company's default list was told about it. Lines for successes and completions keep their interval:
    for them it is a limit. ``before``: only what was told before this moment. Source: *Packages reference, Flood
    protection*.
    """
    problems = [one.code for one in scenarios.registered() if one.severity >= Severity.OVERRUN]
    marks = RepeatMark.objects.filter(
        about_kind=about[0], about_reference=about[1], line__scenario__in=problems
    )
    if before is not None:
        marks = marks.filter(told_at__lt=before)
    listed = [one.pk for one in lists]
    own = marks.filter(line__list_id__in=listed) | marks.filter(line__list__default_of__isnull=False)
    RepeatMark.objects.filter(pk__in=list(own.values_list("pk", flat=True))).delete()


def queue_delivery(company: Company | None = None, *, not_before: datetime | None = None) -> None:
    """Schedules a delivery in the caller's transaction, now or at an aware moment."""
    scheduler.create_task(
        DELIVER_ROUTINE, company=company, not_before=not_before, timeout_seconds=DELIVERY_SECONDS
    )


def _notify(occasion: Occasion) -> list[Message]:
    unknown = [code for code in occasion.scenarios if scenarios.find(code) is None]
    if unknown:
        logger.error("Nobody registers the scenarios %s; they are not told.", ", ".join(unknown))
    told = choose(occasion)
    if not told:
        return []
    messages = write(
        occasion.company,
        told,
        template=lambda one: occasion.templates.get(one.scenarios[0], occasion.template),
        facts=occasion.facts,
        moment=occasion.moment,
        about=occasion.about,
        source=occasion.source,
    )
    queue_delivery(occasion.company, not_before=occasion.moment)
    return messages


__all__ = ["DELIVER_ROUTINE", "Occasion", "notify", "queue_delivery", "reset_repeats"]
