"""A real OAuth 2 server in the shape of Entra ID, on loopback behind TLS: authlib decides, this module dresses it up.

Client credentials by secret and by assertion (RFC 7523), authorization code with PKCE, discovery documents of both
versions, rolling keys, admin consent, and the errors of Entra ID with their AADSTS numbers.
"""

import contextlib
import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt as pyjwt
import trustme
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc7636 import CodeChallenge
from cryptography import x509
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError

from tests.entra.directory import GRAPH_PERMISSIONS, Application, Directory

METHODS = ["client_assertion_jwt", "client_secret_post"]


class EntraError(OAuth2Error):
    """An error with the number Entra ID gives it."""

    def __init__(self, error: str, number: int, sentence: str, *, status: int = 400) -> None:
        super().__init__(error=error, description=sentence, status_code=status)
        self.number = number


def no_such_application(client_id: str) -> EntraError:
    return EntraError(
        "unauthorized_client",
        700016,
        f"Application with identifier '{client_id}' was not found in the directory.",
    )


class Asked(OAuth2Request):
    """A request of the standard library's server, as authlib wants it."""

    def __init__(
        self, method: str, uri: str, headers: Any, query: dict[str, str], form: dict[str, str]
    ) -> None:
        super().__init__(method, uri, headers=headers)
        self._query, self._form = query, form
        self.payload = BasicOAuth2Payload({**query, **form})

    @property
    def args(self) -> dict[str, str]:
        return self._query

    @property
    def form(self) -> dict[str, str]:
        return self._form


class Assertion(JWTBearerClientAssertion):
    """Client assertions signed with a certificate of the application (PS256 or RS256, as msal signs)."""

    def __init__(self, audience: str) -> None:
        super().__init__(validate_jti=True)
        self._audience = audience
        self._seen: set[str] = set()

    def get_audiences(self) -> list[str]:
        return [self._audience]

    def validate_jti(self, claims: Any, jti: str) -> bool:
        return jti not in self._seen and not self._seen.add(jti)

    def extract_assertion(self, assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Unproven yet; the inherited way knows only the most common algorithms, and msal signs with PS256."""
        try:
            found = pyjwt.decode_complete(assertion, options={"verify_signature": False})
        except pyjwt.PyJWTError:
            raise EntraError("invalid_client", 50027, "Invalid JWT token.", status=401) from None
        return found["header"], found["payload"]

    def resolve_client_public_key(self, client: Application) -> Any:
        return jwk.KeySet(
            [
                jwk.RSAKey.import_key(x509.load_pem_x509_certificate(pem.encode()).public_key())
                for pem in client.certificates.values()
            ]
        )

    def process_assertion_claims(self, assertion: str, resolve_key: Any) -> Any:
        registry = jws.JWSRegistry(algorithms=["PS256", "RS256"])
        registry.max_header_length = 16_384  # the certificate travels in it
        for key in resolve_key.keys:
            try:
                token = jwt.decode(assertion, key, registry=registry)
            except JoseError:
                continue
            self.verify_claims(token.claims)
            return token.claims
        raise EntraError(
            "invalid_client",
            700027,
            "The certificate used to sign the client assertion is not registered.",
            status=401,
        )


def secret_in_form(query_client: Any, request: Asked) -> Application | None:
    secret, client_id = request.form.get("client_secret"), request.form.get("client_id", "")
    if not secret:
        return None
    client = query_client(client_id)
    known = next((one for one in client.secrets if one.text == secret), None)
    if known is None:
        raise EntraError(
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client_id}'.",
            status=401,
        )
    if known.ends_at <= time.time():
        raise EntraError(
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{client_id}' are expired.",
            status=401,
        )
    return client


class AppTokens(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class Code:
    """An authorization code waiting to be redeemed."""

    def __init__(self, request: Asked, user: dict[str, Any]) -> None:
        data = request.payload.data
        self.client_id = request.payload.client_id
        self.redirect_uri = request.payload.redirect_uri
        self.scope = request.payload.scope
        self.nonce = data.get("nonce", "")
        self.code_challenge = data.get("code_challenge")
        self.code_challenge_method = data.get("code_challenge_method")
        self.user = user

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class UserTokens(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Asked) -> None:
        self.server.codes[code] = Code(request, request.user)

    def query_authorization_code(self, code: str, client: Application) -> Code | None:
        found = self.server.codes.get(code)
        return found if found is not None and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        codes = self.server.codes
        for text in [text for text, code in codes.items() if code is authorization_code]:
            del codes[text]

    def authenticate_user(self, authorization_code: Code) -> Any:
        return authorization_code.user


class Tenant(AuthorizationServer):
    """authlib's server for one directory."""

    def __init__(self, directory: Directory, login: "LoginServer") -> None:
        super().__init__()
        self.directory, self.login = directory, login
        self.codes: dict[str, Code] = {}
        self.register_client_auth_method("client_secret_post", secret_in_form)
        self.register_client_auth_method("client_assertion_jwt", Assertion(self.token_address))
        self.register_grant(AppTokens)
        self.register_grant(UserTokens, [CodeChallenge(required=True)])
        self.register_token_generator("default", self._token)

    @property
    def token_address(self) -> str:
        return f"{self.login.base}/{self.directory.tenant_id}/oauth2/v2.0/token"

    def query_client(self, client_id: str) -> Application:
        found = self.directory.applications.get(client_id)
        if found is None:
            raise no_such_application(client_id)
        if found.disabled:
            raise EntraError("unauthorized_client", 7000112, f"Application '{client_id}' is disabled.")
        return found

    def save_token(self, token: Any, request: Any) -> None:
        """Access tokens carry everything themselves; people get an ID token besides, for the nonce they sent."""
        code = request.authorization_code
        if code is not None:
            now = int(time.time())
            token["id_token"] = self.directory.sign(
                {
                    "iss": f"{self.login.base}/{self.directory.tenant_id}/v2.0",
                    "aud": request.client.client_id,
                    "iat": now,
                    "nbf": now,
                    "exp": now + 3_600,
                    "nonce": code.nonce,
                    "sub": code.user["name"],
                    "preferred_username": code.user["name"],
                    "tid": self.directory.tenant_id,
                    "ver": "2.0",
                }
            )

    def send_signal(self, name: str, *args: Any, **named: Any) -> None:
        pass

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, dict[str, str]]:
        return status, body, dict(headers)

    def handle_error_response(self, request: Any, error: OAuth2Error) -> tuple[int, Any, dict[str, str]]:
        """Entra ID's shape: the OAuth error, and the number and sentence in the description."""
        location = dict(error(None)[2]).get("Location")
        if location:
            return 302, "", {"Location": location}
        number = getattr(error, "number", 7000218 if error.error == "invalid_client" else 900144)
        now = datetime.now(UTC)
        trace, correlation = uuid.uuid4(), uuid.uuid4()
        body = {
            "error": error.error,
            "error_description": f"AADSTS{number}: {error.description} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {now:%Y-%m-%d %H:%M:%SZ}",
            "error_codes": [number],
            "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
            "trace_id": str(trace),
            "correlation_id": str(correlation),
            "error_uri": f"https://login.example/error?code={number}",
        }
        return error.status_code, body, {}

    def _token(
        self, *, grant_type: str, client: Application, user: Any, scope: str, **rest: Any
    ) -> dict[str, Any]:
        if grant_type == "client_credentials":
            claims = self._app_claims(client, scope)
        else:
            claims = self._user_claims(client, user, scope)
        lifetime = self.login.token_seconds
        token: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self.directory.sign(claims),
        }
        if user is not None:
            token["scope"] = claims["scp"]
        return token

    def _app_claims(self, client: Application, scope: str) -> dict[str, Any]:
        resource = self._resource(scope.removesuffix("/.default"))
        if not scope.endswith("/.default"):
            raise EntraError("invalid_scope", 1002012, f"The provided value for scope {scope} is not valid.")
        return self.directory.claims(
            client,
            base=self.login.base,
            audience=resource.client_id,
            roles=self.directory.roles(client, resource),
        )

    def _resource(self, name: str) -> Application:
        found = self.directory.applications.get(name.removeprefix("api://"))
        if found is None or not found.principal_id:
            raise EntraError(
                "invalid_resource",
                500011,
                f"The resource principal named {name} was not found in the tenant.",
            )
        return found

    def _user_claims(self, client: Application, user: Any, scope: str) -> dict[str, Any]:
        wanted = [item for item in scope.split() if item.startswith(self.login.graph_base)]
        granted = [item.removeprefix(f"{self.login.graph_base}/") for item in wanted]
        claims = self.directory.claims(
            client, base=self.login.base, audience=self.login.graph_base, roles=[], version="2.0"
        )
        return {
            **claims,
            "oid": str(uuid.uuid5(uuid.NAMESPACE_DNS, user["name"])),
            "preferred_username": user["name"],
            "scp": " ".join(item for item in granted if item in GRAPH_PERMISSIONS),
            "may_manage": user["may_manage"],
        }


class LoginServer:
    """The directories by tenant id, and what the server is told to do wrong next."""

    def __init__(self) -> None:
        self.base = ""
        self.authority = trustme.CA()
        self.graph_base = "https://graph.example"
        self.ca_file = ""
        self.directories: dict[str, Directory] = {}
        self.tenants: dict[str, Tenant] = {}
        self.requests: list[tuple[str, str]] = []
        self.failures: list[tuple[str, int, dict[str, str]]] = []
        self.consent_answer: dict[str, str] = {"admin_consent": "True"}
        self.sign_in_error = ""
        self.token_seconds = 3_900

    def add_directory(self) -> Directory:
        made = Directory()
        self.directories[made.tenant_id] = made
        self.tenants[made.tenant_id] = Tenant(made, self)
        return made

    def fail(self, path_part: str, status: int, **headers: str) -> None:
        """The next request whose path holds ``path_part`` fails with this status."""
        self.failures.append((path_part, status, headers))

    def count(self, path_part: str) -> int:
        return sum(path_part in path for _, path in self.requests)

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        path = urlsplit(asked.uri).path
        self.requests.append((asked.method, path))
        for failure in self.failures:
            if failure[0] in path:
                self.failures.remove(failure)
                return failure[1], "", failure[2]
        tenant_id, _, rest = path.lstrip("/").partition("/")
        tenant = self.tenants.get(tenant_id)
        if tenant is None:
            sentence = f"AADSTS90002: Tenant '{tenant_id}' not found."
            return 400, {"error": "invalid_tenant", "error_description": sentence, "error_codes": [90002]}, {}
        return self._in_tenant(tenant, rest, asked)

    def _in_tenant(self, tenant: Tenant, rest: str, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        directory = tenant.directory
        home = f"{self.base}/{directory.tenant_id}"
        if rest in ("v2.0/.well-known/openid-configuration", ".well-known/openid-configuration"):
            v2 = rest.startswith("v2.0")
            return (
                200,
                {
                    "issuer": f"{home}/v2.0" if v2 else f"https://sts.windows.net/{directory.tenant_id}/",
                    "authorization_endpoint": f"{home}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{home}/oauth2/v2.0/token",
                    "jwks_uri": f"{home}/discovery/v2.0/keys" if v2 else f"{home}/discovery/keys",
                },
                {},
            )
        if rest in ("discovery/v2.0/keys", "discovery/keys"):
            return 200, directory.published(), {}
        if rest == "oauth2/v2.0/token" and asked.method == "POST":
            return tenant.create_token_response(asked)
        if rest == "oauth2/v2.0/authorize":
            return self._authorize(tenant, asked)
        if rest == "adminconsent":
            return self._consent(tenant, asked)
        return 404, {"error": "not_found", "error_description": rest}, {}

    def _authorize(self, tenant: Tenant, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        """The administrator is signed in already and agrees, unless told otherwise."""
        redirect_uri, state = asked.payload.redirect_uri, asked.payload.state
        if self.sign_in_error:
            query = urlencode(
                {
                    "error": self.sign_in_error,
                    "error_description": "AADSTS65004: User declined.",
                    "state": state,
                }
            )
            return 302, "", {"Location": f"{redirect_uri}?{query}"}
        try:
            grant = tenant.get_consent_grant(asked, end_user=tenant.directory.administrator)
        except OAuth2Error as error:
            return tenant.handle_error_response(asked, error)
        return tenant.create_authorization_response(
            asked, grant_user=tenant.directory.administrator, grant=grant
        )

    def _consent(self, tenant: Tenant, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        client = tenant.query_client(asked.args["client_id"])
        if not client.check_redirect_uri(asked.args["redirect_uri"]):
            return 400, {"error": "invalid_client", "error_description": "AADSTS50011: redirect URI"}, {}
        said = {"tenant": tenant.directory.tenant_id, "state": asked.args["state"], **self.consent_answer}
        if "error" not in said and said.get("admin_consent") == "True":
            for resource in tenant.directory.applications.values():
                for needed in client.required:
                    if needed["resourceAppId"] == resource.client_id:
                        for access in needed["resourceAccess"]:
                            client.granted.add((resource.principal_id, access["id"]))
        return 302, "", {"Location": f"{asked.args['redirect_uri']}?{urlencode(said)}"}


@contextlib.contextmanager
def login_server(folder: Path) -> Iterator[LoginServer]:
    """The server on a free port of this machine, its certificate vouched for by ``ca_file``."""
    login = LoginServer()
    with https_server(login.answer, folder, login.authority) as (base, ca_file):
        login.base, login.ca_file = base, ca_file
        yield login


@contextlib.contextmanager
def https_server(answer: Any, folder: Path, authority: trustme.CA) -> Iterator[tuple[str, str]]:
    """Serves ``answer(Asked) → (status, body, headers)`` behind TLS; yields address and CA file."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            is_form = "x-www-form-urlencoded" in self.headers.get("Content-Type", "")
            form = dict(parse_qsl(raw.decode())) if is_form else {}
            asked = Asked(self.command, f"{base}{self.path}", self.headers, query, form)
            asked.raw = raw  # type: ignore[attr-defined]
            status, body, headers = answer(asked)
            sent = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            if not isinstance(body, str):
                headers = {"Content-Type": "application/json", **headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def log_message(self, *_args: object) -> None:
            pass

    ca_file = folder / f"authority-{uuid.uuid4().hex}.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    base = f"https://localhost:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield base, str(ca_file)
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
