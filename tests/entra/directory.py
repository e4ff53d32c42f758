"""The directory behind the login server and the Graph stand-in: applications, credentials, roles, signing keys."""

import itertools
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwk

REFRESH_ROLE = "JobQueue.Refresh"
GRAPH_PERMISSIONS = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")


# Making a key takes long: a few are made once, and no directory meets its own again soon.
_spare_keys = itertools.cycle(
    [rsa.generate_private_key(public_exponent=65_537, key_size=2_048) for _ in range(6)]
)


def guid() -> str:
    return str(uuid.uuid4())


@dataclass
class Secret:
    text: str
    ends_at: float
    key_id: str = field(default_factory=guid)
    name: str = ""


@dataclass
class Application:
    """A registration with its service principal, as far as signing in needs it; authlib asks it as its client."""

    display_name: str
    client_id: str = field(default_factory=guid)
    object_id: str = field(default_factory=guid)
    principal_id: str = ""
    secrets: list[Secret] = field(default_factory=list)
    certificates: dict[str, str] = field(default_factory=dict)  # key id → PEM
    redirect_uris: list[str] = field(default_factory=list)
    app_roles: dict[str, str] = field(default_factory=dict)  # value → id
    required: list[dict[str, Any]] = field(default_factory=list)
    granted: set[tuple[str, str]] = field(default_factory=set)  # (resource principal, role id)
    disabled: bool = False

    def add_secret(self, *, seconds: float = 3_600, name: str = "") -> Secret:
        made = Secret(f"~{secrets.token_urlsafe(24)}", time.time() + seconds, name=name)
        self.secrets.append(made)
        return made

    # --- what authlib asks a client
    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uris[0] if self.redirect_uris else ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.redirect_uris

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_post", "client_assertion_jwt")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("client_credentials", "authorization_code")


class Directory:
    """One tenant."""

    def __init__(self) -> None:
        self.tenant_id = guid()
        self.applications: dict[str, Application] = {}
        self.administrator = {"name": "admin@contoso.example", "may_manage": True}
        self._numbers = itertools.count(1)
        self.keys: dict[str, Any] = {}
        self.issued: list[dict[str, Any]] = []
        self.roll_keys()

    # --- applications
    def add(self, display_name: str, *, with_principal: bool = True, **values: Any) -> Application:
        made = Application(display_name, **values)
        if with_principal:
            made.principal_id = guid()
        self.applications[made.client_id] = made
        return made

    def add_resource(self) -> Application:
        """Jobwarden's own application, with its application role."""
        return self.add("Jobwarden", app_roles={REFRESH_ROLE: guid()})

    def by_principal(self, principal_id: str) -> Application | None:
        return next((one for one in self.applications.values() if one.principal_id == principal_id), None)

    def grant(self, client: Application, resource: Application, role: str = REFRESH_ROLE) -> None:
        client.granted.add((resource.principal_id, resource.app_roles[role]))

    def roles(self, client: Application, resource: Application) -> list[str]:
        return [
            value for value, id in resource.app_roles.items() if (resource.principal_id, id) in client.granted
        ]

    # --- keys
    def roll_keys(self, *, keep: int = 1) -> str:
        """A new signing key; of the former ones the newest ``keep`` stay published."""
        key_id = f"key-{next(self._numbers)}"
        self.keys = dict(list(self.keys.items())[len(self.keys) - keep :] if keep else [])
        self.keys[key_id] = next(_spare_keys)
        return key_id

    @property
    def newest_key(self) -> str:
        return list(self.keys)[-1]

    def published(self) -> dict[str, Any]:
        found = []
        for key_id, key in self.keys.items():
            entry = jwk.RSAKey.import_key(key.public_key()).as_dict(private=False)
            found.append({**entry, "kid": key_id, "use": "sig", "x5t": key_id})
        return {"keys": found}

    # --- tokens
    def claims(
        self, client: Application, *, base: str, audience: str, roles: list[str], version: str = "2.0"
    ) -> dict[str, Any]:
        """The claims of an app-only access token as Entra ID shapes it."""
        now = int(time.time())
        shared = {
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": now + 3_900,
            "aio": "k2RgYFgg",
            "oid": client.principal_id,
            "rh": "1.AX0A",
            "sub": client.principal_id,
            "tid": self.tenant_id,
            "uti": secrets.token_urlsafe(12),
        }
        if roles:
            shared["roles"] = roles
        if version == "2.0":
            own = {
                "iss": f"{base}/{self.tenant_id}/v2.0",
                "azp": client.client_id,
                "azpacr": "1",
                "ver": "2.0",
            }
        else:
            own = {
                "iss": f"https://sts.windows.net/{self.tenant_id}/",
                "appid": client.client_id,
                "appidacr": "1",
                "ver": "1.0",
            }
        return {**shared, **own}

    def sign(self, claims: dict[str, Any], *, key_id: str = "", headers: dict[str, Any] | None = None) -> str:
        key_id = key_id or self.newest_key
        self.issued.append(claims)
        return jwt.encode(
            claims, self.keys[key_id], algorithm="RS256", headers={"kid": key_id, **(headers or {})}
        )
