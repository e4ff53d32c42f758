"""Access tokens by the client-credentials grant, with msal. Needs no Django: the worker outside signs in with it too.

What msal does by itself: a token is kept in memory and used again until five minutes before its end; an answer 400 is
given again from memory for 60 s, an answer 429 for as long as it said. Both belong to one :class:`Credentials` object,
so a new one asks anew.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msal
import requests

from refresher.entra import aadsts, http
from refresher.entra.errors import SignInFailed


@dataclass(frozen=True, slots=True)
class Login:
    """Where and as what to sign in. Either ``secret``, or ``private_key`` and ``certificate`` (PEM).

    ``authority`` is an https address with the tenant as its path; ``resource`` is the application ID URI of Jobwarden's
    own application. ``ca_file`` names certificates to trust instead of the well-known ones.
    """

    authority: str
    client_id: str
    resource: str = ""
    secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    certificate: str = ""
    ca_file: str = ""
    timeout_seconds: float = 15
    proxy: str = ""

    @property
    def scope(self) -> str:
        return f"{self.resource.rstrip('/')}/.default"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """``expires_in_seconds`` counts from when it was handed out here."""

    text: str = field(repr=False)
    expires_in_seconds: int


class Credentials:
    """One application identity that can sign in; keep it, and its tokens are used again.

    Making one asks the login server for its addresses. Raises ``SignInFailed``.
    """

    def __init__(self, login: Login) -> None:
        self.login = login
        self._application = confidential(login)

    def token(self) -> AccessToken:
        """A valid access token for ``login.resource``; raises ``SignInFailed`` with the reason in words."""
        with failures_in_words():
            answer = self._application.acquire_token_for_client(scopes=[self.login.scope])
        return AccessToken(accepted(answer)["access_token"], int(answer["expires_in"]))


def confidential(login: Login) -> msal.ConfidentialClientApplication:
    """msal's client for the login; raises ``SignInFailed``."""
    with failures_in_words():
        return msal.ConfidentialClientApplication(
            login.client_id,
            authority=login.authority,
            client_credential=_credential(login),
            http_client=http.session(
                ca_file=login.ca_file, timeout_seconds=login.timeout_seconds, proxy=login.proxy
            ),
            instance_discovery=False,
        )


def accepted(answer: dict[str, Any] | None) -> dict[str, Any]:
    """The answer of the login server if it holds an access token, else ``SignInFailed``."""
    found = answer or {}
    if "access_token" in found:
        return found
    error, said = str(found.get("error", "")), str(found.get("error_description", ""))
    number = aadsts.number_in(said, found.get("error_codes"))
    explained = aadsts.explain(error, number=number, description=said)
    raise SignInFailed(
        f"{explained.sentence}{f' (AADSTS{number})' if number else ''} {explained.next_step}",
        code=f"entra_{re.sub(r'[^a-z_]', '', error)}" if error else None,
        error=error,
        aadsts=number,
        transient=explained.transient,
        retry_after_seconds=_seconds(found.get("retry_after")),
    )


@contextmanager
def failures_in_words() -> Iterator[None]:
    """Turns what msal and its connection raise into ``SignInFailed``."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise SignInFailed(
            f"The certificate of the login server is not trusted: {_reason(error)}. "
            "Set ENTRA_CA_FILE if a private authority vouches for it.",
            code="entra_certificate_untrusted",
        ) from None
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        header = error.response.headers.get("Retry-After") if error.response is not None else None
        raise SignInFailed(
            f"The login server failed with status {status}. Try again later.",
            code="entra_unavailable",
            transient=status in (408, 429) or status >= 500,
            retry_after_seconds=_seconds(header),
        ) from None
    except (msal.exceptions.MsalServiceError, requests.exceptions.JSONDecodeError) as error:
        raise SignInFailed(
            f"The login server failed: {_first_line(str(error))}. Try again later.",
            code="entra_unavailable",
            transient=True,
        ) from None
    except requests.exceptions.RequestException as error:
        raise SignInFailed(
            f"The login server cannot be reached: {_reason(error)}. Check the network and ENTRA_LOGIN_AUTHORITY.",
            code="entra_unreachable",
            transient=True,
        ) from None
    except json.JSONDecodeError:
        raise SignInFailed(
            "The login server did not answer in the form of OAuth. Try again later, and check ENTRA_LOGIN_AUTHORITY.",
            code="entra_unavailable",
            transient=True,
        ) from None
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        # msal answers a tenant it does not know, or an address that is none, with a ValueError.
        raise _unusable(error) from None


def _unusable(error: Exception) -> SignInFailed:
    # What the server said is in the error msal replaces by its own advice.
    said = " ".join(f"{error.__context__ or ''} {error}".split())
    number = aadsts.number_in(said)
    if number or "invalid_tenant" in said:
        explained = aadsts.explain("invalid_tenant", number=number or 90002, description=said)
        return SignInFailed(
            f"{explained.sentence} (AADSTS{number or 90002}) {explained.next_step}",
            code="entra_invalid_tenant",
            error="invalid_tenant",
            aadsts=number or 90002,
        )
    if "authority" in said.lower() or "https url" in said:
        return SignInFailed(
            "The login server does not know this directory, or its address is no https address. Check the tenant id "
            "and ENTRA_LOGIN_AUTHORITY.",
            code="entra_invalid_authority",
        )
    return SignInFailed(
        f"The credential cannot be used: {_first_line(str(error))}. Enter it again.",
        code="entra_credential_unusable",
    )


def _credential(login: Login) -> Any:
    if login.private_key:
        return {"private_key": login.private_key, "public_certificate": login.certificate}
    if login.secret:
        return login.secret
    raise SignInFailed(
        f"The application {login.client_id} has no credential yet. Enter a client secret or a certificate.",
        code="entra_credential_missing",
    )


def _seconds(value: Any) -> float | None:
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return None


def _reason(error: Exception) -> str:
    cause: Any = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)
    return _first_line(str(cause))


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0][:200].rstrip(".")
