"""Targets of other channels: their addresses and secrets go in and never come out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from jobqueue import outbound
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotFound, Problem
from jobqueue.models import Company
from jobqueue.outbound.transport import checked_addresses
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.secrets import seal, unseal
from notifications import scenarios
from notifications.channels.webhook import is_secret
from notifications.errors import ListInUse
from notifications.models import ChannelTarget
from notifications.subscriptions import keep_watch, wants_ends

MOST_MINUTES = 525_600
FIELDS = ("name", "kind", "address", "secret", "is_enabled", "events", "threshold_minutes")


def create_target(
    company: Company, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> ChannelTarget:
    """Stores a new target; ``values``: ``name``, ``kind``, ``address`` (an https address), ``secret``, ``is_enabled``,
    and of a webhook ``events`` (codes of scenarios it hears of in the whole company) and ``threshold_minutes``.

    Raises ``NotAllowed``, ``Invalid``, also for an address inside the house that the settings do not allow, and
    ``CredentialUnusable`` without a key to encrypt with.
    """
    require(actor, "administer", company)
    require_outside(values.get("address"))
    return _store(ChannelTarget(company=company), values, now=now or database_now())


def update_target(
    target: ChannelTarget, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> ChannelTarget:
    """Changes what is given of a target; an address or secret that is empty stays. Returns it as stored.

    Raises as :func:`create_target`, and ``NotFound``.
    """
    require(actor, "administer", target.company)
    require_outside(values.get("address"))
    with transaction.atomic():
        return _store(locked_target(target), values, now=now or database_now())


def delete_target(target: ChannelTarget, *, actor: Actor) -> None:
    """Deletes the target; refused while it stands on a list. What is on its way to it fails for good."""
    require(actor, "administer", target.company)
    try:
        with transaction.atomic():
            before, company = wants_ends(target.company_id), target.company
            target.delete()
            keep_watch(company, before=before)
    except ProtectedError as error:
        lists = sorted({f"“{line.list}”" for line in target.lines.select_related("list")})
        raise ListInUse(
            f"The target “{target}” is a recipient on {', '.join(lists[:5])}. Remove it there first."
        ) from error


def locked_target(target: ChannelTarget) -> ChannelTarget:
    """The target as stored now, locked until the transaction ends; raises ``NotFound``."""
    rows = ChannelTarget.objects.select_for_update(of=("self",), no_key=True).select_related("company")
    found = rows.filter(pk=target.pk).first()
    if found is None:
        raise NotFound(f"The target “{target}” does not exist any more; somebody deleted it.")
    return found


def require_outside(address: Any) -> None:
    """Raises ``Invalid`` for an address that leads inside the house now; it is checked again at every call.

    A name that cannot be resolved at this moment is no reason to refuse it.
    """
    try:
        parts = urlsplit(str(address or "").strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return  # the verb says what is wrong with it
    if not host:
        return
    try:
        checked_addresses(host, port or (443 if parts.scheme == "https" else 80))
    except outbound.OutboundRefused as refusal:
        raise Invalid([Problem("address", refusal.code, refusal.message)]) from None
    except outbound.OutboundFailed:
        return


def address_of(target: ChannelTarget) -> str:
    """The address in clear text, for the channel that calls it; raises ``CredentialUnusable``."""
    return unseal(target.address_encrypted, what=f"The address of the target “{target.name}”")


def secret_of(target: ChannelTarget) -> str:
    """The signing secret in clear text, empty without one; raises ``CredentialUnusable``."""
    if not bytes(target.secret_encrypted):
        return ""
    return unseal(target.secret_encrypted, what=f"The secret of the target “{target.name}”")


def _store(target: ChannelTarget, values: Mapping[str, Any], *, now: datetime) -> ChannelTarget:
    problems = [
        Problem(name, "unknown_field", f"A target has no field “{name}”. Fields: {', '.join(FIELDS)}.")
        for name in sorted(set(values) - set(FIELDS))
    ]
    target.name = str(values.get("name", target.name) or "").strip()
    target.kind = str(values.get("kind", target.kind) or "")
    target.is_enabled = bool(values.get("is_enabled", target.is_enabled))
    if not target.name or len(target.name) > 100 or not target.name.isprintable():
        words = "Give the target a name of at most 100 characters, on one line."
        problems.append(Problem("name", "invalid", words))
    if target.kind not in ChannelTarget.Kind.values:
        known = ", ".join(ChannelTarget.Kind.values)
        words = f"“{target.kind}” is no kind of target. Choose one of: {known}."
        problems.append(Problem("kind", "unknown_kind", words))
    address = str(values.get("address") or "").strip()
    if address:
        host = _host(address)
        if host:
            target.host, target.address_encrypted = host, seal(address)
        else:
            words = "The address is no https address. Write it like https://hooks.example.com/path."
            problems.append(Problem("address", "invalid_address", words))
    elif not bytes(target.address_encrypted):
        problems.append(Problem("address", "required", "Enter the address messages are sent to."))
    secret = str(values.get("secret") or "").strip()
    if secret and is_secret(secret):
        target.secret_encrypted = seal(secret)
    elif secret:
        words = "The secret is no signing secret: base64 of 24 to 64 bytes, beginning with whsec_. Leave it to be made."
        problems.append(Problem("secret", "invalid_secret", words))
    problems += _apply_subscription(target, values)
    others = ChannelTarget.objects.filter(company=target.company, name__iexact=target.name).exclude(
        pk=target.pk
    )
    if target.name and others.exists():
        problems.append(_taken(target))
    if problems:
        raise Invalid(problems)
    target.changed_at = now
    try:
        with transaction.atomic():
            before = wants_ends(target.company_id)
            target.save()
            keep_watch(target.company, before=before)
    except IntegrityError as error:
        raise Invalid([_taken(target)]) from error
    return target


def _apply_subscription(target: ChannelTarget, values: Mapping[str, Any]) -> list[Problem]:
    problems = []
    events = values.get("events", target.events)
    if not isinstance(events, list | tuple | set) or not all(isinstance(code, str) for code in events):
        problems.append(Problem("events", "invalid", "Events are a list of codes, such as entry_error."))
    else:
        target.events = scenarios.most_severe_first(set(events))
        for code in sorted(set(events) - set(target.events)):
            known = ", ".join(one.code for one in scenarios.registered())
            words = f"There is no event “{code[:80]}”. Choose among: {known}."
            problems.append(Problem("events", "unknown_scenario", words))
        if target.events and target.kind != ChannelTarget.Kind.WEBHOOK:
            words = "Only webhooks subscribe to events. Put the target on a notification list instead."
            problems.append(Problem("events", "webhooks_only", words))
    minutes = values.get("threshold_minutes", target.threshold_minutes)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 1 <= minutes <= MOST_MINUTES:
        words = f"Minutes are a whole number from 1 to {MOST_MINUTES}."
        problems.append(Problem("threshold_minutes", "invalid", words))
    else:
        target.threshold_minutes = minutes
    return problems


def _host(address: str) -> str:
    """Host and port of an http(s) address without user name; empty if it is none. Plain http is for internal hosts."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    usable = (
        parts.scheme in ("https", "http") and parts.hostname and not parts.username and address.isprintable()
    )
    if not usable or " " in address or len(address) > 2_000:
        return ""
    return f"{parts.hostname}:{port}" if port else str(parts.hostname)


def _taken(target: ChannelTarget) -> Problem:
    words = f"“{target.company}” has a target “{target.name}” already. Choose another name."
    return Problem("name", "exists", words)
