"""Telling people in time that a credential ends: 30 days before, 7 days before, and when it has ended; each once."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from notifications.notify import Occasion, notify
from notifications.scenarios import Scenario, Severity, register
from refresher.entra.credentials import expiring
from refresher.entra.models import WARNING_DAYS, EntraApplication
from refresher.telling import ABOUT, TEMPLATE, companies_of

STAGES = (WARNING_DAYS, 7, 0)
"""Days before the end at which people are told."""

CREDENTIAL_EXPIRING = register(
    Scenario(
        "credential_expiring",
        "Credential Expiring",
        Severity.OVERRUN,
        ABOUT,
        "The credential under which a runner user signs in to Entra ID ends soon, or has ended.",
        is_failure=True,
    )
)


def after_a_minute(sender: Any, now: datetime, **named: Any) -> None:
    """Receives ``jobqueue.events.minute_passed``."""
    warn(now)


def warn(now: datetime) -> list[EntraApplication]:
    """Tells people of every credential that came to a further stage; returns the applications told of."""
    return [application for application in expiring(now=now) if _warn_of(application, now=now)]


def _warn_of(application: EntraApplication, *, now: datetime) -> bool:
    ends = application.credential_expires_at
    assert ends is not None
    stage = min(days for days in STAGES if ends <= now + timedelta(days=days))
    told = application.warned_days
    if told is not None and told <= stage:
        return False
    with transaction.atomic():
        # Guarded: of two that look at the same moment, one tells.
        mine = EntraApplication.objects.filter(pk=application.pk, warned_days=told).update(warned_days=stage)
        if mine:
            _tell(application, ends=ends, now=now)
    return bool(mine)


def _tell(application: EntraApplication, *, ends: datetime, now: datetime) -> None:
    ended = ends <= now
    about = f"credential:{application.pk}"
    happened = f"It {'ended' if ended else 'ends'} on {ends:%Y-%m-%d %H:%M} UTC."
    for company in companies_of(application.runner):
        notify(
            Occasion(
                company=company,
                scenarios=(CREDENTIAL_EXPIRING.code,),
                template=TEMPLATE,
                facts={
                    "about": "External job queue refresher",
                    "at": now.isoformat(),
                    "severity": "error" if ended else "warning",
                    "name": application.display_name,
                    "subject": f"The credential of {application} {'has ended' if ended else 'ends soon'}",
                    "happened": happened,
                    "meaning": f"The runner user {application.runner.name} "
                    f"{'cannot sign in any more' if ended else 'cannot sign in afterwards'}; its monitored jobs are "
                    "not refreshed then.",
                    "next": "Rotate it on the page of the Entra application, and give the worker a new configuration.",
                },
                moment=now,
                about=(ABOUT, about),
                source=(ABOUT, about),
                fallback_user=application.created_by,
                fallback_scenarios=(CREDENTIAL_EXPIRING.code,),
            )
        )
