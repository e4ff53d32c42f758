"""Telling people in time that a credential of Entra ID ends: of an application, and of Jobwarden's own one.

Source: *Refresher reference, Failure paths*. The stages are those of ``refresher.credential_ends``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from jobqueue import companies
from jobqueue.models import Company
from refresher.credential_ends import first_to_tell, stage_of, tell
from refresher.entra.credentials import expiring
from refresher.entra.models import EntraApplication, EntraTenant
from refresher.models import Runner
from refresher.models.runner import WARNING_DAYS
from refresher.telling import companies_of


def after_a_minute(sender: Any, now: datetime, **named: Any) -> None:
    """Receives ``jobqueue.events.minute_passed``."""
    warn(now)
    warn_of_tenants(now)


def warn(now: datetime) -> list[EntraApplication]:
    """Tells people of every credential that came to a further stage; returns the applications told of."""
    return [application for application in expiring(now=now) if _warn_of(application, now=now)]


def warn_of_tenants(now: datetime) -> list[EntraTenant]:
    """The same for the secret of Jobwarden's own application in each directory."""
    return [tenant for tenant in expiring_tenants(now=now) if _warn_of_tenant(tenant, now=now)]


def expiring_tenants(*, now: datetime) -> Iterable[EntraTenant]:
    """Enabled tenants whose own secret ends within 30 days, or has ended, the soonest first."""
    tenants = EntraTenant.objects.filter(
        is_enabled=True, secret_expires_at__lte=now + timedelta(days=WARNING_DAYS)
    )
    return tenants.exclude(secret_encrypted=b"").order_by("secret_expires_at")


def _warn_of(application: EntraApplication, *, now: datetime) -> bool:
    ends = application.credential_expires_at
    assert ends is not None
    stage = stage_of(ends, now=now)
    assert stage is not None
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
    tell(
        companies_of(application.runner),
        about=f"credential:{application.pk}",
        name=application.display_name,
        what=f"The credential of {application}",
        ends=ends,
        meaning=f"The runner user {application.runner.name} "
        f"{'cannot sign in any more' if ended else 'cannot sign in afterwards'}; its monitored jobs are not refreshed "
        "then.",
        next_step="Rotate it on the page of the Entra application, and give the worker a new configuration.",
        fallback_user=application.created_by,
        now=now,
    )


def _warn_of_tenant(tenant: EntraTenant, *, now: datetime) -> bool:
    ends = tenant.secret_expires_at
    assert ends is not None
    stage = stage_of(ends, now=now)
    assert stage is not None
    about = f"tenant:{tenant.pk}"
    with transaction.atomic():
        if not first_to_tell(about, ends=ends, stage=stage):
            return False
        ended = ends <= now
        application = tenant.applications.select_related("created_by").order_by("created_at").first()
        tell(
            _companies_of(tenant),
            about=about,
            name=str(tenant),
            what=f"The client secret of the Entra tenant {tenant}",
            ends=ends,
            meaning="Runner users can no longer be created, nor their credentials rotated, from here"
            f"{'' if ended else ' afterwards'}. Those there are go on.",
            next_step="Make a new secret of Jobwarden's own application in Entra ID, and enter it on the page of the "
            "Entra tenant.",
            fallback_user=application.created_by if application is not None else None,
            now=now,
        )
    return True


def _companies_of(tenant: EntraTenant) -> list[Company]:
    """Those that count on a runner user of the directory; the default one if none does."""
    runners = Runner.objects.filter(entra_application__tenant=tenant)
    found = {company.pk: company for runner in runners for company in companies_of(runner)}
    return list(found.values()) or [companies.default()]
