"""The login server's signing keys: kept for a day, asked for anew when a token names an unknown one.

Keys roll without notice (*Refresher reference, Accepting the runner's access token*): a key that disappeared is dropped
with the next reading, and unknown key ids lead to at most one reading a minute and directory, whoever sends them.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from refresher.entra import addresses, http
from refresher.entra.errors import KeysUnavailable, TokenInvalid

logger = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3_600
AGAIN_AFTER_SECONDS = 60
AFTER_FAILURE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Issuer:
    """What the discovery document of a directory says, for one version of tokens."""

    name: str
    keys: dict[str, Any]
    read_at: float


class SigningKeys:
    """The keys of every directory asked for so far; one per process, safe among threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issuers: dict[tuple[str, str], Issuer] = {}
        self._asked_again_at: dict[tuple[str, str], float] = {}
        self._failed_at: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def issuer(self, tenant_id: str, *, version: str) -> Issuer:
        """The issuer of a directory's tokens; raises ``KeysUnavailable`` if it was never to be had, or too long ago."""
        known = self._fresh(tenant_id, version)
        if known is not None:
            return known
        with self._lock:
            return self._fresh(tenant_id, version) or self._read(tenant_id, version)

    def key(self, tenant_id: str, *, version: str, key_id: str) -> Any:
        """The public key with this id. Raises ``TokenInvalid`` if the directory has none, ``KeysUnavailable``."""
        issuer = self.issuer(tenant_id, version=version)
        if key_id not in issuer.keys:
            with self._lock:
                asked = self._asked_again_at.get((tenant_id, version), float("-inf"))
                if self._clock() - asked >= AGAIN_AFTER_SECONDS:
                    self._asked_again_at[tenant_id, version] = self._clock()
                    issuer = self._read(tenant_id, version)
                else:
                    issuer = self._issuers.get((tenant_id, version), issuer)
        if key_id not in issuer.keys:
            raise TokenInvalid(
                "The access token is signed with a key its directory does not publish.",
                code="entra_key_unknown",
                detail=f"kid {key_id[:100]!r}",
            )
        return issuer.keys[key_id]

    def _fresh(self, tenant_id: str, version: str) -> Issuer | None:
        """What is known and not too old; without the lock, so that nobody with a good token waits for a reading."""
        known = self._issuers.get((tenant_id, version))
        return known if known is not None and self._clock() - known.read_at < KEPT_SECONDS else None

    def _read(self, tenant_id: str, version: str) -> Issuer:
        place = (tenant_id, version)
        if self._clock() - self._failed_at.get(place, float("-inf")) < AFTER_FAILURE_SECONDS:
            raise KeysUnavailable(
                "The login server could not be reached a moment ago. Try again in a moment."
            )
        try:
            found = _fetch(tenant_id, version=version, now=self._clock())
        except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
            self._failed_at[place] = self._clock()
            logger.warning("The keys of the directory %s cannot be read: %s", tenant_id, error)
            raise KeysUnavailable(
                "The keys of the login server cannot be read, so the access token cannot be checked. Try again later.",
                detail=f"{type(error).__name__}: {error}",
            ) from None
        self._issuers[place] = found
        return found


def _fetch(tenant_id: str, *, version: str, now: float) -> Issuer:
    """Discovery document and keys, both from addresses of our own settings' making or told by that document."""
    with http.client(
        ca_file=addresses.option("CA_FILE"), timeout_seconds=addresses.option("TIMEOUT_SECONDS")
    ) as client:
        document = _json(client, addresses.discovery(tenant_id, version=version))
        address = str(document["jwks_uri"])
        if not address.startswith("https://"):
            raise ValueError(f"the address of the keys is {address}, which is not https")
        published = _json(client, address)["keys"]
    keys = {
        str(entry["kid"]): jwt.PyJWK(entry, algorithm="RS256").key
        for entry in published
        if entry.get("kty") == "RSA" and entry.get("use", "sig") == "sig" and entry.get("kid")
    }
    return Issuer(name=str(document["issuer"]), keys=keys, read_at=now)


def _json(client: httpx.Client, address: str) -> dict[str, Any]:
    answer = client.get(address)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError(f"{address} did not answer with a JSON object")
    return found
