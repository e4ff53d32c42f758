"""Checks of the doctor: do messages leave, and do they arrive?"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Min

from jobqueue.doctor import Result, check, failure, ok, warning
from jobqueue.scheduler import database_now
from notifications.conf import settings
from notifications.models import Message

OLD = timedelta(minutes=15)
TOO_OLD = timedelta(hours=4)
RECENT = timedelta(days=7)
MOST_NAMED = 5


@check("Outbox", rank=71)
def outbox() -> Iterable[Result]:
    now = database_now()
    waiting = Message.objects.filter(state__in=[Message.State.QUEUED, Message.State.SENDING])
    oldest = waiting.aggregate(at=Min("queued_at"))["at"]
    yield _age(oldest, now=now, count=waiting.count())
    held = Message.objects.filter(state=Message.State.HELD).count()
    if held:
        yield warning(
            f"{held} messages are held since the database was adopted.",
            fix="Look through the mail log; Send Again lets one go.",
        )
    if not settings().public_url:
        yield warning(
            "Messages carry no links: nobody said at which address people reach the installation.",
            fix="Set PUBLIC_URL, such as https://jobs.example.com.",
        )


@check("Recipients", rank=72)
def recipients() -> Iterable[Result]:
    since = database_now() - RECENT
    failed = Message.objects.filter(state=Message.State.FAILED, failed_at__gte=since)
    found = list(
        failed.order_by().values("recipient").annotate(count=Count("pk")).order_by("-count", "recipient")
    )
    if not found:
        yield ok("No message failed for good in the last 7 days.")
        return
    named = ", ".join(f"{one['recipient']} ({one['count']})" for one in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    yield warning(
        f"Messages to {len(found)} recipients failed for good in the last 7 days: {named}{more}.",
        fix="Correct the addresses on the lists and users' cards; the mail log shows the mail server's reasons.",
    )


def _age(oldest: datetime | None, *, now: datetime, count: int) -> Result:
    if oldest is None:
        return ok("No message is waiting.")
    age = now - oldest
    minutes = int(age.total_seconds() // 60)
    sentence = f"{count} messages are waiting, the oldest for {minutes:,} min."
    if age > TOO_OLD:
        return failure(
            sentence, fix="Look at the last errors in the mail log, and whether workers are alive."
        )
    if age > OLD:
        return warning(
            sentence, fix="Look at the last errors in the mail log; delivery is tried again by itself."
        )
    return ok(sentence)
