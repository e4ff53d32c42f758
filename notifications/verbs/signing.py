"""Signing secrets of webhooks: made here, shown once, and replaced without a moment in which receivers refuse."""

from datetime import datetime

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.secrets import seal
from notifications.channels.webhook import new_secret
from notifications.models import ChannelTarget
from notifications.verbs.targets import locked_target, secret_of


def renew_secret(target: ChannelTarget, *, actor: Actor, now: datetime | None = None) -> str:
    """Gives a webhook a fresh signing secret and returns it: nothing shows it again.

    Messages are then signed with the new and the latest secret before it, until :func:`drop_old_secret`. Raises
    ``NotAllowed``, ``Refused`` for a target that signs nothing, ``CredentialUnusable`` without a key.
    """
    require(actor, "administer", target.company)
    fresh = new_secret()
    with transaction.atomic():
        row = _webhook(target)
        former = secret_of(row).split()[:1]
        _store(row, [fresh, *former], now=now or database_now())
    return fresh


def drop_old_secret(target: ChannelTarget, *, actor: Actor, now: datetime | None = None) -> None:
    """Ends the replacement of a secret: from now on only the new one signs.

    Raises ``NotAllowed``, or ``Refused`` if no old secret is left.
    """
    require(actor, "administer", target.company)
    with transaction.atomic():
        row = _webhook(target)
        kept = secret_of(row).split()
        if len(kept) < 2:
            raise Refused(f"“{row}” signs with one secret only; there is no old one to drop.")
        _store(row, kept[:1], now=now or database_now())


def _webhook(target: ChannelTarget) -> ChannelTarget:
    row = locked_target(target)
    if row.kind != ChannelTarget.Kind.WEBHOOK:
        raise Refused(f"“{row}” is a target of {row.get_kind_display()}, which knows no signatures.")
    return row


def _store(row: ChannelTarget, kept: list[str], *, now: datetime) -> None:
    row.secret_encrypted, row.changed_at = seal(" ".join(kept)), now
    row.save(update_fields=["secret_encrypted", "changed_at"])
