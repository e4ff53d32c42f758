"""What the refresher looks after at Harbour Trading: login mode, two entries people flagged, one job of code.

The job of code is registered in ``jobs``. With the first sign-in of the hour, or *Refresh Now*, a pass is seen.
"""

from datetime import datetime

from jobqueue.actors import Actor
from jobqueue.models import Company, Entry
from refresher.asking import setup_of
from refresher.monitoring import create_from_entries
from refresher.passing import refresh_now

FLAGGED = ("Update currency rates", "Send payment reminders")


def make(company: Company, *, actor: Actor, now: datetime) -> None:
    """Monitors the flagged entries and asks for the first pass, which the worker runs."""
    setup_of(company)
    entries = Entry.objects.filter(company=company, description__in=FLAGGED, owner_kind="").order_by("pk")
    create_from_entries(entries, actor=actor, now=now)
    refresh_now(company, actor=actor, now=now)
