"""Microsoft Graph, as far as runner applications need it: registration, service principal, credential, role.

Every step may be repeated: what exists is found instead of made twice. A busy Graph (429, 503) is asked again after the
time it names, and what was just made is waited for while the directory spreads the news; both together for a bounded
time, since a person is waiting.
"""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from refresher.entra import addresses, http
from refresher.entra.errors import GraphFailed

PATIENCE_SECONDS = 20.0
BUSY = (429, 503, 504)


@dataclass(frozen=True, slots=True)
class Registered:
    """An application registration: its object id and client id."""

    object_id: UUID
    client_id: UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal and the application roles it offers, by value."""

    object_id: UUID
    roles: dict[str, UUID]


@dataclass(frozen=True, slots=True)
class Password:
    """A new client secret; ``text`` is told once."""

    key_id: UUID
    text: str
    expires_at: datetime


class Graph:
    """Graph as one administrator, by their access token; ``sleep`` waits for so many seconds."""

    def __init__(self, access_token: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = http.client(
            ca_file=addresses.option("CA_FILE"), timeout_seconds=addresses.option("TIMEOUT_SECONDS")
        )
        self._headers = {"Authorization": f"Bearer {access_token}"}
        self._base = f"{addresses.option('GRAPH_ADDRESS')}/v1.0"
        self._sleep = sleep
        self._patience = PATIENCE_SECONDS

    def __enter__(self) -> "Graph":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    # --- applications
    def applications_named(self, display_name: str) -> list[Registered]:
        """The registrations with exactly this name."""
        quoted = display_name.replace("'", "''")
        found = self._call(
            "GET",
            "/applications",
            params={"$filter": f"displayName eq '{quoted}'", "$count": "true", "$select": "id,appId"},
            headers={"ConsistencyLevel": "eventual"},
        )
        return [Registered(UUID(one["id"]), UUID(one["appId"])) for one in found["value"]]

    def create_application(
        self, display_name: str, *, redirect_uri: str, resource_client_id: UUID, role_id: UUID
    ) -> Registered:
        """A registration in its own directory only, which asks for the application role."""
        made = self._call(
            "POST",
            "/applications",
            body={
                "displayName": display_name,
                "signInAudience": "AzureADMyOrg",
                "web": {"redirectUris": [redirect_uri]},
                "requiredResourceAccess": [
                    {
                        "resourceAppId": str(resource_client_id),
                        "resourceAccess": [{"id": str(role_id), "type": "Role"}],
                    }
                ],
            },
        )
        return Registered(UUID(made["id"]), UUID(made["appId"]))

    # --- service principals
    def principal(self, client_id: UUID) -> Principal | None:
        """The service principal of an application in this directory; None if it has none."""
        found = self._call(
            "GET",
            "/servicePrincipals",
            params={"$filter": f"appId eq '{client_id}'", "$select": "id,appRoles"},
        )["value"]
        if not found:
            return None
        roles = {
            role["value"]: UUID(role["id"])
            for role in found[0].get("appRoles", [])
            if role.get("value") and role.get("isEnabled") and "Application" in role["allowedMemberTypes"]
        }
        return Principal(UUID(found[0]["id"]), roles)

    def ensure_principal(self, client_id: UUID) -> UUID:
        """The object id of the application's service principal, made if there is none."""
        known = self.principal(client_id)
        if known is not None:
            return known.object_id
        try:
            made = self._call("POST", "/servicePrincipals", body={"appId": str(client_id)}, spreading=True)
        except GraphFailed as failure:
            # Somebody was faster, or an earlier try made it and the answer was lost.
            known = self.principal(client_id) if failure.status == 409 else None
            if known is None:
                raise
            return known.object_id
        return UUID(made["id"])

    def assign_role(self, *, principal_id: UUID, resource_id: UUID, role_id: UUID) -> None:
        """Grants the role, which is what consent to it means; having it already is as good."""
        path = f"/servicePrincipals/{principal_id}/appRoleAssignments"
        body = {"principalId": str(principal_id), "resourceId": str(resource_id), "appRoleId": str(role_id)}
        try:
            self._call("POST", path, body=body, spreading=True)
        except GraphFailed as failure:
            if failure.status not in (400, 409) or "already exists" not in failure.reason:
                raise

    # --- credentials
    def add_password(self, object_id: UUID, *, name: str, expires_at: datetime) -> Password:
        made = self._call(
            "POST",
            f"/applications/{object_id}/addPassword",
            body={"passwordCredential": {"displayName": name, "endDateTime": _moment(expires_at)}},
            spreading=True,
        )
        return Password(UUID(made["keyId"]), made["secretText"], datetime.fromisoformat(made["endDateTime"]))

    def remove_password(self, object_id: UUID, *, key_id: UUID) -> None:
        """Ends a client secret; one that is gone already is as good."""
        path = f"/applications/{object_id}/removePassword"
        try:
            self._call("POST", path, body={"keyId": str(key_id)})
        except GraphFailed as failure:
            if failure.status not in (400, 404):
                raise

    def set_certificate(
        self, object_id: UUID, *, key_id: UUID, name: str, der: bytes, replaces: UUID | None = None
    ) -> None:
        """Adds a certificate to those the application has; ``replaces`` is left out."""
        path = f"/applications/{object_id}"
        present = self._call("GET", path, params={"$select": "keyCredentials"}, spreading=True)
        kept = [one for one in present.get("keyCredentials", []) if one.get("keyId") != str(replaces or "")]
        new = {
            "keyId": str(key_id),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            "displayName": name,
            "key": base64.b64encode(der).decode(),
        }
        self._call("PATCH", path, body={"keyCredentials": [*kept, new]})

    # --- one request
    def _call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        spreading: bool = False,
    ) -> dict[str, Any]:
        """One request, repeated while Graph is busy, or does not know yet what it made (``spreading``)."""
        pause = 1.0
        while True:
            answer = self._send(method, path, body=body, params=params, headers=headers)
            if answer.is_success:
                return _content(answer)
            again = answer.status_code in BUSY or (spreading and _not_known_yet(answer))
            wait = _retry_after(answer, pause)
            if not again or wait > self._patience:
                raise _failure(answer)
            self._patience -= wait
            self._sleep(wait)
            pause = min(pause * 2, 8.0)

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None,
        params: dict[str, str] | None,
        headers: dict[str, str] | None,
    ) -> httpx.Response:
        try:
            return self._client.request(
                method,
                f"{self._base}{path}",
                json=body,
                params=params,
                headers={**self._headers, **(headers or {})},
            )
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise GraphFailed(
                f"Microsoft Graph cannot be reached: {reason.rstrip('.')}. Check the network and ENTRA_GRAPH_ADDRESS.",
                code="graph_unreachable",
            ) from None


def _content(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == 204 or not answer.content:
        return {}
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise GraphFailed(
            "Microsoft Graph did not answer with JSON. Check ENTRA_GRAPH_ADDRESS.", status=answer.status_code
        )
    return found


def _not_known_yet(answer: httpx.Response) -> bool:
    """Directory objects are found a few seconds after they were made."""
    if answer.status_code == 404:
        return True
    code, said = _error(answer)
    return answer.status_code == 400 and ("does not exist" in said or code == "Request_ResourceNotFound")


def _retry_after(answer: httpx.Response, fallback: float) -> float:
    try:
        return max(0.1, float(answer.headers.get("Retry-After", "")))
    except ValueError:
        return fallback


def _error(answer: httpx.Response) -> tuple[str, str]:
    try:
        found = answer.json()["error"]
        return str(found.get("code", "")), " ".join(str(found.get("message", "")).split())
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _failure(answer: httpx.Response) -> GraphFailed:
    code, said = _error(answer)
    status = answer.status_code
    told = f" Microsoft Graph says: {said[:300].rstrip('.')}." if said else ""
    if status in (401, 403):
        sentence = (
            "You may not manage applications in this directory. Sign in as somebody with the role Application "
            "Administrator or Cloud Application Administrator."
        )
        return GraphFailed(f"{sentence}{told}", code="graph_not_allowed", status=status, reason=said)
    if status in BUSY:
        sentence = "Microsoft Graph is busy. Try again in a few minutes; what was made is found again."
        return GraphFailed(sentence, code="graph_busy", status=status, reason=said)
    return GraphFailed(
        f"Microsoft Graph refused a step (status {status}).{told} Try again; what was made is found again.",
        status=status,
        reason=f"{code} {said}",
    )


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="seconds").replace("+00:00", "Z")
