"""Telling people in time that a credential ends: 30 days before, 7 days before, and when it has ended; each once.

Here: API tokens the worker outside comes with, and what all kinds of credentials share. Those of Entra ID are in
``refresher.entra.warning``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from jobqueue.models import ApiToken, Company
from notifications.notify import Occasion, notify
from notifications.scenarios import Scenario, Severity, register
from refresher.models import CredentialWarning, Runner
from refresher.models.runner import WARNING_DAYS
from refresher.telling import ABOUT, TEMPLATE, companies_of

STAGES = (WARNING_DAYS, 7, 0)
"""Days before the end at which people are told."""

WORKER_SCOPES = frozenset({"refresh", "watch"})

CREDENTIAL_EXPIRING = register(
    Scenario(
        "credential_expiring",
        "Credential Expiring",
        Severity.OVERRUN,
        ABOUT,
        "A credential a runner user or the worker outside comes with ends soon, or has ended.",
        is_failure=True,
    )
)


def after_a_minute(sender: Any, now: datetime, **named: Any) -> None:
    """Receives ``jobqueue.events.minute_passed``."""
    warn_of_tokens(now)


def warn_of_tokens(now: datetime) -> list[ApiToken]:
    """Tells people of every API token of a runner user that came to a further stage; returns the tokens told of."""
    return [token for token in ending_tokens(now=now) if _warn_of(token, now=now)]


def ending_tokens(*, now: datetime) -> list[ApiToken]:
    """API tokens of runner users that end within 30 days or did so within the last 30, the soonest first.

    One that has a successor, made later for the same and good for longer, is nobody's worry.
    """
    within = timedelta(days=WARNING_DAYS)
    tokens = ApiToken.objects.select_related("user").filter(
        user__refresh_runner__is_enabled=True,
        user__is_active=True,
        revoked_at=None,
        expires_at__gt=now - within,
        expires_at__lte=now + within,
    )
    found = [token for token in tokens.order_by("expires_at", "pk") if WORKER_SCOPES & set(token.scopes)]
    return [token for token in found if not _has_successor(token)]


def stage_of(ends: datetime, *, now: datetime) -> int | None:
    """The stage a credential has come to, in days before its end; None if that is far off.

    Ends in 31 days → None, in 20 → 30, in 7 → 7, yesterday → 0.
    """
    return min((days for days in STAGES if ends <= now + timedelta(days=days)), default=None)


def first_to_tell(about: str, *, ends: datetime, stage: int) -> bool:
    """Notes that people are told now of this stage; False if they were. In the caller's transaction."""
    row, _ = CredentialWarning.objects.get_or_create(about=about, defaults={"ends_at": ends})
    rows = CredentialWarning.objects.filter(pk=row.pk)
    # Guarded: of two that look at the same moment, one tells.
    further = ~Q(ends_at=ends) | Q(told_days=None) | Q(told_days__gt=stage)
    return bool(rows.filter(further).update(ends_at=ends, told_days=stage))


def tell(
    companies: Iterable[Company],
    *,
    about: str,
    name: str,
    what: str,
    ends: datetime,
    meaning: str,
    next_step: str,
    fallback_user: Any,
    now: datetime,
) -> None:
    """Writes the message of a credential that ends, for each company that counts on it."""
    ended = ends <= now
    for company in companies:
        notify(
            Occasion(
                company=company,
                scenarios=(CREDENTIAL_EXPIRING.code,),
                template=TEMPLATE,
                facts={
                    "about": "External job queue refresher",
                    "at": now.isoformat(),
                    "severity": "error" if ended else "warning",
                    "name": name,
                    "subject": f"{what} {'has ended' if ended else 'ends soon'}",
                    "happened": f"It {'ended' if ended else 'ends'} on {ends:%Y-%m-%d %H:%M} UTC.",
                    "meaning": meaning,
                    "next": next_step,
                },
                moment=now,
                about=(ABOUT, about),
                source=(ABOUT, about),
                fallback_user=fallback_user,
                fallback_scenarios=(CREDENTIAL_EXPIRING.code,),
            )
        )


def _warn_of(token: ApiToken, *, now: datetime) -> bool:
    ends = token.expires_at
    assert ends is not None
    stage = stage_of(ends, now=now)
    if stage is None:
        return False
    about = f"token:{token.pk}"
    with transaction.atomic():
        if not first_to_tell(about, ends=ends, stage=stage):
            return False
        runner = Runner.objects.select_related("user").get(user=token.user)
        ended = ends <= now
        tell(
            companies_of(runner),
            about=about,
            name=token.name,
            what=f"The API token “{token.name}” of {runner.name}",
            ends=ends,
            meaning=f"The worker outside cannot call as {runner.name} with it {'any more' if ended else 'afterwards'}; "
            "the monitored jobs of that runner user are not refreshed then.",
            next_step="Download a new worker configuration on the page of the runner user, or make a new API token.",
            fallback_user=token.created_by,
            now=now,
        )
    return True


def _has_successor(token: ApiToken) -> bool:
    later = ApiToken.objects.filter(user=token.user, revoked_at=None, created_at__gt=token.created_at)
    longer = later.filter(Q(expires_at=None) | Q(expires_at__gt=token.expires_at))
    wanted = WORKER_SCOPES & set(token.scopes)
    return any(wanted <= set(one.scopes) and one.company_id in (None, token.company_id) for one in longer)
