"""Doctor: are the credentials of Entra applications good for a while yet?"""

from collections.abc import Iterable
from datetime import datetime

from jobqueue.doctor.registry import Result, check, failure, ok, warning
from jobqueue.scheduler import database_now
from refresher.entra.credentials import expiring
from refresher.entra.models import EntraApplication
from refresher.entra.warning import expiring_tenants
from refresher.models.runner import WARNING_DAYS

SHOWN = 5


@check("Entra ID", rank=82)
def entra() -> Iterable[Result]:
    now = database_now()
    found = list(expiring(now=now))
    for application in found[:SHOWN]:
        ends = application.credential_expires_at
        assert ends is not None
        yield _ending(f"The credential of the Entra application “{application}”", ends, now=now)
    tenants = list(_ending_tenants(now=now))
    yield from tenants
    missing = EntraApplication.objects.filter(is_enabled=True, secret_encrypted=b"").count()
    if missing:
        yield warning(
            f"{missing} Entra applications have no credential.", fix="Enter or rotate it on the page of each."
        )
    if not found and not tenants and not missing:
        count = EntraApplication.objects.count()
        yield ok(
            f"The credentials of {count} Entra applications are good for {WARNING_DAYS} days and more."
            if count
            else "No Entra applications are registered."
        )


def _ending_tenants(*, now: datetime) -> Iterable[Result]:
    for tenant in expiring_tenants(now=now):
        ends = tenant.secret_expires_at
        if ends is not None:
            yield _ending(f"The client secret of the Entra tenant “{tenant}”", ends, now=now)


def _ending(what: str, ends: datetime, *, now: datetime) -> Result:
    if ends <= now:
        return failure(
            f"{what} expired on {ends:%Y-%m-%d}.", fix="Rotate it, and give the worker a new configuration."
        )
    return warning(
        f"{what} expires on {ends:%Y-%m-%d}.",
        fix="Rotate it in time, and give the worker a new configuration.",
    )
