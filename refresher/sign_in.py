"""Login mode: a sign-in brings a pass in the background, at most one an hour.

Source: *Refresher reference, Modes and throttling*.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.models import Company
from jobqueue.permissions import may
from jobqueue.scheduler import copy_guard, database_now
from jobqueue.states import Origin
from refresher import registration
from refresher.models import MonitoredJob, RefreshLog
from refresher.passing.requests import has_waiting_pass, queue
from refresher.setting_up import locked_setup
from refresher.states import PassState, Trigger

logger = logging.getLogger(__name__)

THROTTLE = timedelta(minutes=60)
DELAY = timedelta(seconds=2)


def after_sign_in(sender: Any, user: Any, **named: Any) -> None:
    """Receives Django's ``user_logged_in``; whatever goes wrong is logged and never keeps anybody out."""
    try:
        refresh_after_sign_in(user, now=database_now())
    except Exception:
        logger.exception("The sign-in of %s could not bring a refresh.", user)


def refresh_after_sign_in(user: Any, *, now: datetime) -> list[RefreshLog]:
    """Queues the passes of the companies the user may work in and that are due for one; returns their log rows.

    Silently none: where nothing is monitored, for users who may not create and change entries, where *Enabled* is off
    or the external refresher is on or alone allowed, within 60 minutes of the last pass, while one waits, and while the
    copy guard holds the database.
    """
    if copy_guard.look().held:
        return []
    actor = Actor(user, Origin.ADMIN)
    logs = (_refresh(company, actor, now=now) for company in companies.visible_to(user))
    return [log for log in logs if log is not None]


def _refresh(company: Company, actor: Actor, *, now: datetime) -> RefreshLog | None:
    if not (_has_something_to_do(company) and may(actor, "schedule", company)):
        return None
    with transaction.atomic():
        setup = locked_setup(company)  # the lock: of two who sign in together, one brings the pass
        if not setup.enabled or setup.use_external or setup.external_only:
            return None
        if not _is_due(company, now=now) or has_waiting_pass(company):
            return None
        return queue(company, runner=None, user=actor.user, trigger=Trigger.SIGN_IN, now=now, delay=DELAY)


def _has_something_to_do(company: Company) -> bool:
    return registration.is_used() or MonitoredJob.objects.filter(company=company).exists()


def _is_due(company: Company, *, now: datetime) -> bool:
    """Whether the newest pass, also one that only was asked for, lies more than 60 minutes back.

    One that a sign-in brought holds the next one off even if it failed: failures do not come with every sign-in.
    """
    passes = RefreshLog.objects.filter(company=company).exclude(state=PassState.PARTIAL)
    passes = passes.exclude(~Q(trigger=Trigger.SIGN_IN), state=PassState.FAILED)
    newest = passes.aggregate(asked=Max("asked_at"), ended=Max("ended_at"))
    last = max((moment for moment in newest.values() if moment is not None), default=None)
    return last is None or last + THROTTLE < now
