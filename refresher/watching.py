"""Looking round once a minute: is every company that relies on the outside worker being refreshed?"""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from refresher import telling
from refresher.asking import last_refreshed
from refresher.models import MonitoredJob, RefreshSetup

OVERDUE = timedelta(hours=3)
"""Three cycles of the worker, which calls every hour."""


def after_a_minute(sender: Any, now: datetime, **named: Any) -> None:
    """Receives ``jobqueue.events.minute_passed``."""
    look_round(now)


def look_round(now: datetime) -> list[RefreshSetup]:
    """Tells people once of every company nobody has refreshed for three hours, and once when it is again.

    Returns the set-ups of which something was told.
    """
    monitored = MonitoredJob.objects.filter(company=OuterRef("company"))
    setups = RefreshSetup.objects.select_related("company", "default_runner__user").filter(
        Exists(monitored), enabled=True, use_external=True
    )
    return [setup for setup in setups if _look_at(setup, now=now)]


def is_overdue(setup: RefreshSetup, *, now: datetime) -> bool:
    """Whether the last pass, or the enabling if that came later, lies more than three hours back."""
    moments = [last_refreshed(setup.company), setup.external_enabled_at]
    newest = max((moment for moment in moments if moment is not None), default=None)
    return newest is None or now - newest > OVERDUE


def _look_at(setup: RefreshSetup, *, now: datetime) -> bool:
    overdue = is_overdue(setup, now=now)
    if overdue == (setup.overdue_told_at is not None):
        return False
    with transaction.atomic():
        # Guarded: of two that look at the same moment, one tells.
        mine = RefreshSetup.objects.filter(pk=setup.pk, overdue_told_at=setup.overdue_told_at).update(
            overdue_told_at=now if overdue else None
        )
        if not mine:
            return False
        if overdue:
            telling.not_refreshed(setup, last=last_refreshed(setup.company), now=now)
        else:
            telling.refreshed_again(setup, now=now)
    return True
