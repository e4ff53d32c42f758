"""Accepting the access token of a runner: who is calling, and may it refresh?

Source: *Refresher reference, Accepting the runner's access token*. The order of the questions is that of the page; each
refusal has a code of its own. Nothing is believed before the signature is checked: the directory a token names only
chooses among the directories registered here. Who may do what follows from *roles* alone: Entra ID issues perfectly
valid tokens without them to applications nobody consented to.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt
from django.contrib.auth.models import User
from django.http import HttpRequest

from jobqueue.api.grants import Grant
from refresher.entra import addresses
from refresher.entra.errors import TokenForbidden, TokenInvalid
from refresher.entra.keys import SigningKeys
from refresher.entra.models import EntraApplication, EntraTenant

REFRESH_ROLE = "JobQueue.Refresh"
SCOPES_OF_ROLES = {REFRESH_ROLE: "refresh"}
ALGORITHMS = ("RS256",)
VERSIONS = ("1.0", "2.0")
# Claims only tokens of people carry.
OF_PEOPLE = ("scp", "upn", "preferred_username", "unique_name", "email")

signing_keys = SigningKeys()


def recognises(text: str) -> bool:
    """Whether the text has the form of a JSON web token."""
    return text.count(".") == 2 and text.startswith("ey")


def authenticate(text: str, request: HttpRequest) -> tuple[User, Grant]:
    """The runner's user and what its token allows.

    Raises ``TokenInvalid`` (401), ``TokenForbidden`` (403) and ``KeysUnavailable`` (503).
    """
    claims, tenant = validated(text, keys=signing_keys)
    _require_app_only(claims)
    application = _application(claims, tenant)
    scopes = granted_scopes(claims)
    return application.runner.user, Grant.limited(
        "entra", reference=str(application.client_id), scopes=scopes
    )


def granted_scopes(claims: Mapping[str, Any]) -> set[str]:
    """What the roles in a token allow; raises ``TokenForbidden`` if that is nothing."""
    scopes = {SCOPES_OF_ROLES[role] for role in _roles(claims) if role in SCOPES_OF_ROLES}
    if not scopes:
        raise TokenForbidden(
            f"The access token does not hold the role {REFRESH_ROLE}. Grant consent to the application in Entra ID; "
            "tokens made afterwards hold it.",
            code="entra_role_missing",
            detail=f"application {claims.get('azp') or claims.get('appid')}",
        )
    return scopes


def accept(text: str) -> EntraApplication:
    """The application whose token this is, by every rule above; for trying a sign-in out."""
    claims, tenant = validated(text, keys=signing_keys)
    _require_app_only(claims)
    application = _application(claims, tenant)
    granted_scopes(claims)
    return application


def validated(text: str, *, keys: SigningKeys) -> tuple[dict[str, Any], EntraTenant]:
    """The claims of a token that was issued for us by a registered directory, and that directory."""
    header, unproven = _parts(text)
    if header.get("alg") not in ALGORITHMS:
        raise TokenInvalid(
            "The access token is not signed the way Entra ID signs (RS256).",
            code="entra_algorithm_refused",
            detail=f"alg {str(header.get('alg'))[:50]!r}",
        )
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise _malformed("no kid")
    version = unproven.get("ver")
    if version not in VERSIONS:
        raise _malformed(f"ver {str(version)[:20]!r}")
    tenant = _tenant(unproven)
    tenant_id = str(tenant.tenant_id)
    issuer = keys.issuer(tenant_id, version=version)
    key = keys.key(tenant_id, version=version, key_id=key_id)
    claims = _proven(text, key=key, issuer=issuer.name, tenant=tenant)
    if str(claims.get("tid", "")).lower() != tenant_id or claims.get("ver") != version:
        raise _malformed("tid or ver changed")
    return claims, tenant


def _parts(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims, neither of them believed yet."""
    try:
        found = jwt.decode_complete(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise _malformed(str(error)[:200]) from None
    if not isinstance(found["payload"], dict):
        raise _malformed("claims are no object")
    return found["header"], found["payload"]


def _tenant(claims: Mapping[str, Any]) -> EntraTenant:
    try:
        wanted = UUID(str(claims.get("tid", "")))
    except ValueError:
        raise _malformed("tid is no GUID") from None
    tenant = EntraTenant.objects.filter(tenant_id=wanted, is_enabled=True).first()
    if tenant is None:
        raise TokenInvalid(
            "The access token comes from a directory that is not registered here. Register it under Entra tenants, "
            "or sign in to another one.",
            code="entra_tenant_unknown",
            detail=f"tid {wanted}",
        )
    return tenant


def _proven(text: str, *, key: Any, issuer: str, tenant: EntraTenant) -> dict[str, Any]:
    try:
        return jwt.decode(
            text,
            key=key,
            algorithms=list(ALGORITHMS),
            audience=tenant.audiences,
            issuer=issuer,
            leeway=addresses.option("CLOCK_LEEWAY_SECONDS"),
            options={"require": ["exp", "nbf", "aud", "iss"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenInvalid(
            "The access token has expired. Sign in again.", code="entra_token_expired"
        ) from None
    except jwt.ImmatureSignatureError:
        raise TokenInvalid(
            "The access token is not valid yet. Check the clock of this server.", code="entra_token_too_early"
        ) from None
    except jwt.InvalidAudienceError:
        raise TokenInvalid(
            "The access token was issued for another application. Ask for the scope of Jobwarden's own application.",
            code="entra_wrong_audience",
        ) from None
    except jwt.InvalidIssuerError:
        raise TokenInvalid(
            "The access token was issued by somebody else than its directory.", code="entra_wrong_issuer"
        ) from None
    except jwt.InvalidSignatureError:
        raise TokenInvalid(
            "The signature of the access token is not that of its directory.", code="entra_signature_invalid"
        ) from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise _malformed(str(error)[:200]) from None


def _application(claims: Mapping[str, Any], tenant: EntraTenant) -> EntraApplication:
    """The registered application that asked for the token, enabled down to the user of its runner."""
    client = claims.get("azp") if claims.get("ver") == "2.0" else claims.get("appid")
    try:
        client_id = UUID(str(client))
    except ValueError:
        raise _malformed("azp or appid is no GUID") from None
    application = (
        EntraApplication.objects.select_related("runner__user")
        .filter(tenant=tenant, client_id=client_id)
        .first()
    )
    if application is None:
        raise TokenInvalid(
            f"The application {client_id} is not registered here. Create its runner user first.",
            code="entra_application_unknown",
        )
    expected = application.service_principal_id
    if expected is not None and str(claims.get("oid", "")).lower() != str(expected):
        raise TokenInvalid(
            f"The application {client_id} is registered here with another object id. Correct it, or register it anew.",
            code="entra_object_mismatch",
            detail=f"oid {str(claims.get('oid'))[:50]}",
        )
    if (
        not application.is_enabled
        or not application.runner.is_enabled
        or not application.runner.user.is_active
    ):
        raise TokenInvalid(
            f"The runner user of the application {client_id} is disabled. Enable it in the list of runner users.",
            code="entra_runner_disabled",
        )
    return application


def _require_app_only(claims: Mapping[str, Any]) -> None:
    of_a_person = any(claims.get(name) for name in OF_PEOPLE)
    if of_a_person or str(claims.get("idtyp") or "app") != "app":
        raise TokenForbidden(
            "The access token belongs to a person. Only applications refresh: sign in with the client credentials.",
            code="entra_user_token",
        )


def _roles(claims: Mapping[str, Any]) -> list[str]:
    found = claims.get("roles")
    return [role for role in found if isinstance(role, str)] if isinstance(found, list) else []


def _malformed(detail: str) -> TokenInvalid:
    return TokenInvalid(
        "The access token has not the form of one of Entra ID.", code="entra_token_malformed", detail=detail
    )
