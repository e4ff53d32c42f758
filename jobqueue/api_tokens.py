"""API tokens: making, finding and revoking them, and what their scopes mean.

A token is ``jw_`` + 8 characters + ``_`` + 43 characters, 256 bits of them random, so a plain SHA-256 of it can be
stored: there is nothing to guess. Everything up to the second underscore is the prefix people see.
"""

import hmac
import secrets as randomness
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, JobQueueError, NotAllowed, Problem, Refused
from jobqueue.models import ApiToken, Company
from jobqueue.permissions import WORDS, Level, may, may_act_as
from jobqueue.permissions import require as require_level

START = "jw_"
LEVELS: tuple[Level, ...] = ("view", "operate", "schedule", "administer")
LONGEST_PERSONAL = timedelta(days=366)
USE_WRITTEN_EVERY = timedelta(minutes=5)
MINTING = "tokens"
"""The scope a token needs to make and revoke tokens: one that leaked must not live on in others it made."""

_scopes: dict[str, str] = {
    level: words[0].upper() + words[1:].replace(" or ", " and ")
    for level in LEVELS
    for words in (WORDS[level],)
} | {MINTING: "Make and revoke API tokens"}


class TokenRefused(JobQueueError):
    """The token shown is unknown, expired or revoked, or its user is disabled."""

    code = "token_unknown"


def register_scope(name: str, words: str) -> None:
    """Adds a scope beside the levels, for an app above the job queue: ``words`` say what it lets a token do."""
    _scopes[name] = words


def scopes() -> dict[str, str]:
    """Every scope with what it lets a token do. Each level includes those before it; other scopes stand alone."""
    return dict(_scopes)


def covers(granted: Iterable[str], scope: str) -> bool:
    """Whether the granted scopes include ``scope``."""
    held = set(granted)
    if scope in LEVELS:
        return not held.isdisjoint(LEVELS[LEVELS.index(scope) :])
    return scope in held


def is_application(user: User) -> bool:
    """Whether the user stands for a program: it can sign in neither with a password nor to the admin."""
    return not user.is_staff and not user.has_usable_password()


def make_personal(
    actor: Actor,
    *,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    company: Company | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A token for oneself, and its text, which is never to be had again. ``now`` and ``expires_at`` are aware.

    Raises ``Invalid`` for an empty name, an unknown scope or a wrong date, ``NotAllowed`` for a company that is closed.
    """
    if actor.user is None:
        raise NotAllowed("Personal API tokens belong to a person; the System identity has none.")
    if expires_at is None or expires_at > now + LONGEST_PERSONAL:
        raise Invalid(
            [
                Problem(
                    "expires_at",
                    "expiry_too_late",
                    "A personal API token expires within a year. Choose a date.",
                )
            ]
        )
    return _make(
        ApiToken.Kind.PERSONAL,
        actor.user,
        by=actor,
        name=name,
        scopes=scopes,
        now=now,
        company=company,
        expires_at=expires_at,
    )


def make_application(
    actor: Actor,
    user: User,
    *,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    company: Company | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """A token for an application user, and its text; None as expiry is for ever.

    Only for administrators who work in every company. Raises as :func:`make_personal` does, and ``NotAllowed``.
    """
    require_application_rights(actor)
    if not is_application(user):
        raise Refused(
            f"“{user.get_username()}” is a person and makes API tokens of their own. Choose an application user.",
            code="not_an_application",
        )
    if user.is_superuser and not may_act_as(actor.user, user):
        raise NotAllowed(
            f"Only a superuser may make a token for “{user.get_username()}”, which may do everything."
        )
    return _make(
        ApiToken.Kind.APPLICATION,
        user,
        by=actor,
        name=name,
        scopes=scopes,
        now=now,
        company=company,
        expires_at=expires_at,
    )


def require_application_rights(actor: Actor) -> None:
    """Raises ``NotAllowed`` unless the actor may make and revoke tokens of application users."""
    require_level(actor, "administer")
    if actor.user is not None and not companies.works_in_every(actor.user):
        raise NotAllowed(f"“{actor.name}” is limited to some companies. Ask an administrator of all of them.")


def may_manage(actor: Actor, token: ApiToken) -> bool:
    """Whether the actor may revoke the token: one's own, or any for an administrator of every company."""
    if actor.user is not None and token.user_id == actor.user.pk:
        return True
    return may(actor, "administer") and (actor.user is None or companies.works_in_every(actor.user))


def revoke(token: ApiToken, *, actor: Actor, now: datetime) -> bool:
    """Ends the token at once; False if it was revoked before. Raises ``NotAllowed``."""
    if not may_manage(actor, token):
        raise NotAllowed(f"“{actor.name}” may not revoke the token “{token}”, which is not theirs.")
    with transaction.atomic():
        row = ApiToken.objects.select_for_update().get(pk=token.pk)
        if row.revoked_at is not None:
            return False
        row.revoked_at, row.revoked_by = now, actor.user
        row.save(update_fields=["revoked_at", "revoked_by"])
    return True


def find(text: str, *, now: datetime) -> ApiToken:
    """The token with this text, its use noted; raises ``TokenRefused`` saying what is wrong with it."""
    prefix = text[: text.find("_", len(START))] if text.startswith(START) else ""
    token = ApiToken.objects.select_related("user", "company").filter(prefix=prefix or "-").first()
    # Compared even if there is none, so that the time taken does not tell known prefixes from unknown ones.
    if not hmac.compare_digest(token.digest if token is not None else "", digest(text)) or token is None:
        raise TokenRefused(
            "The API token is not known here. Check that it was copied whole, or make a new one."
        )
    if token.revoked_at is not None:
        raise TokenRefused(f"The API token {prefix}… was revoked. Make a new one.", code="token_revoked")
    if token.expires_at is not None and token.expires_at <= now:
        raise TokenRefused(f"The API token {prefix}… has expired. Make a new one.", code="token_expired")
    if not token.user.is_active:
        raise TokenRefused(
            f"The user of the API token {prefix}… is disabled. Ask an administrator to enable it.",
            code="user_disabled",
        )
    _note_use(token, now=now)
    return token


def digest(text: str) -> str:
    """What is stored of a token."""
    return sha256(text.encode()).hexdigest()


def _note_use(token: ApiToken, *, now: datetime) -> None:
    """Written rarely, so that a busy client does not turn every read into a write."""
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_WRITTEN_EVERY)
    if token.last_used_at is None or token.last_used_at < now - USE_WRITTEN_EVERY:
        ApiToken.objects.filter(long_ago, pk=token.pk).update(last_used_at=now)


def _make(
    kind: ApiToken.Kind,
    user: User,
    *,
    by: Actor,
    name: str,
    scopes: Iterable[str],
    now: datetime,
    company: Company | None,
    expires_at: datetime | None,
) -> tuple[ApiToken, str]:
    wanted = sorted(set(scopes))
    problems = list(_problems(name=name, scopes=wanted, now=now, expires_at=expires_at))
    if problems:
        raise Invalid(problems)
    if company is not None and not companies.may_enter(user, company):
        raise NotAllowed(
            f"“{user.get_username()}” may not work in the company “{company}”. Choose another one."
        )
    prefix = START + randomness.token_hex(4)
    text = f"{prefix}_{randomness.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        kind=kind,
        user=user,
        company=company,
        name=name.strip(),
        scopes=wanted,
        prefix=prefix,
        digest=digest(text),
        created_at=now,
        created_by=by.user,
        expires_at=expires_at,
    )
    return token, text


def _problems(
    *, name: str, scopes: list[str], now: datetime, expires_at: datetime | None
) -> Iterable[Problem]:
    if not name.strip() or len(name.strip()) > 100:
        yield Problem("name", "invalid_name", "Give the API token a name of at most 100 characters.")
    if not scopes:
        yield Problem("scopes", "no_scope", "An API token without a scope is good for nothing. Choose one.")
    for scope in scopes:
        if scope not in _scopes:
            known = ", ".join(_scopes)
            yield Problem("scopes", "unknown_scope", f"There is no scope “{scope}”. Choose among {known}.")
    if expires_at is not None and expires_at <= now:
        yield Problem(
            "expires_at",
            "expiry_in_the_past",
            "The API token would expire in the past. Choose a later date.",
        )
