"""A stand-in for Microsoft Graph that is strict about what it is sent: token, method, path, headers and bodies."""

import contextlib
import json
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import trustme

from tests.entra.directory import Application, Directory, Secret, guid
from tests.entra.login_server import Asked, https_server

GUID = "[0-9a-f-]{36}"


class Wrong(Exception):
    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


class GraphServer:
    """Changes the directory as Graph would; ``calls`` keeps what succeeded, ``failures`` what shall fail next."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.base = ""
        self.calls: list[str] = []
        self.failures: list[tuple[str, int, str, str, dict[str, str]]] = []
        self.unknown_for = 0  # how many times new objects are not found yet

    def fail(
        self, call: str, status: int, *, code: str = "Error", message: str = "No.", **headers: str
    ) -> None:
        """The next call that begins so (``POST /applications``) fails."""
        self.failures.append(
            (call, status, code, message, {key.replace("_", "-"): value for key, value in headers.items()})
        )

    def answer(self, asked: Asked) -> tuple[int, Any, dict[str, str]]:
        path = urlsplit(asked.uri).path.removeprefix("/v1.0")
        call = f"{asked.method} {path}"
        try:
            self._authorise(asked)
            for failure in self.failures:
                if call.startswith(failure[0]):
                    self.failures.remove(failure)
                    raise Wrong(failure[1], failure[2], failure[3], **failure[4])
            status, body = self._route(asked, path)
        except Wrong as wrong:
            error = {
                "error": {"code": wrong.code, "message": str(wrong), "innerError": {"request-id": guid()}}
            }
            return wrong.status, error, wrong.headers
        self.calls.append(call)
        return status, body, {}

    # --- who
    def _authorise(self, asked: Asked) -> None:
        scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
        try:
            key_id = jwt.get_unverified_header(token)["kid"]
            claims = jwt.decode(
                token,
                self.directory.keys[key_id].public_key(),
                algorithms=["RS256"],
                audience=self.base,
            )
        except (jwt.PyJWTError, KeyError):
            raise Wrong(401, "InvalidAuthenticationToken", "Access token is empty or invalid.") from None
        granted = claims.get("scp", "").split()
        wanted = "AppRoleAssignment" if asked.uri.endswith("appRoleAssignments") else "Application"
        if scheme != "Bearer" or f"{wanted}.ReadWrite.All" not in granted or not claims["may_manage"]:
            raise Wrong(
                403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
            )

    # --- what
    def _route(self, asked: Asked, path: str) -> tuple[int, Any]:
        routes = {
            "GET /applications": self._find_applications,
            "POST /applications": self._create_application,
            f"GET /applications/({GUID})": self._one_application,
            f"PATCH /applications/({GUID})": self._change_application,
            f"POST /applications/({GUID})/addPassword": self._add_password,
            f"POST /applications/({GUID})/removePassword": self._remove_password,
            "GET /servicePrincipals": self._find_principals,
            "POST /servicePrincipals": self._create_principal,
            f"POST /servicePrincipals/({GUID})/appRoleAssignments": self._assign,
        }
        for pattern, function in routes.items():
            found = re.fullmatch(pattern, f"{asked.method} {path}")
            if found:
                return function(asked, *found.groups())
        raise Wrong(400, "BadRequest", f"Resource not found for the segment '{path}'.")

    @staticmethod
    def _body(asked: Asked, *, fields: set[str]) -> dict[str, Any]:
        if not asked.headers.get("Content-Type", "").startswith("application/json"):
            raise Wrong(415, "UnsupportedMediaType", "The media type is not supported.")
        found = json.loads(asked.raw)  # type: ignore[attr-defined]
        if set(found) != fields:
            raise Wrong(400, "BadRequest", f"Expected {sorted(fields)}, got {sorted(found)}.")
        return found

    def _application(self, object_id: str) -> Application:
        found = next(
            (one for one in self.directory.applications.values() if one.object_id == object_id), None
        )
        if found is None or self._not_yet():
            message = f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not."
            raise Wrong(404, "Request_ResourceNotFound", message)
        return found

    def _not_yet(self) -> bool:
        self.unknown_for -= 1
        return self.unknown_for >= 0

    def _find_applications(self, asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("ConsistencyLevel") != "eventual" or asked.args.get("$count") != "true":
            raise Wrong(400, "Request_UnsupportedQuery", "Advanced queries need ConsistencyLevel and $count.")
        wanted = re.fullmatch(r"displayName eq '((?:[^']|'')*)'", asked.args["$filter"])
        if wanted is None:
            raise Wrong(400, "BadRequest", "Invalid filter clause.")
        name = wanted[1].replace("''", "'")
        found = [one for one in self.directory.applications.values() if one.display_name == name]
        return 200, {"value": [{"id": one.object_id, "appId": one.client_id} for one in found]}

    def _create_application(self, asked: Asked) -> tuple[int, Any]:
        body = self._body(asked, fields={"displayName", "signInAudience", "web", "requiredResourceAccess"})
        if body["signInAudience"] != "AzureADMyOrg":
            raise Wrong(400, "Request_BadRequest", "Only this organisation is expected.")
        made = self.directory.add(
            body["displayName"],
            with_principal=False,
            redirect_uris=body["web"]["redirectUris"],
            required=body["requiredResourceAccess"],
        )
        return 201, {"id": made.object_id, "appId": made.client_id, "displayName": made.display_name}

    def _one_application(self, asked: Asked, object_id: str) -> tuple[int, Any]:
        found = self._application(object_id)
        assert asked.args.get("$select") == "keyCredentials"
        return 200, {
            "keyCredentials": [
                {"keyId": key_id, "type": "AsymmetricX509Cert", "usage": "Verify", "key": pem}
                for key_id, pem in found.certificates.items()
            ]
        }

    def _change_application(self, asked: Asked, object_id: str) -> tuple[int, Any]:
        found = self._application(object_id)
        certificates = {}
        for one in self._body(asked, fields={"keyCredentials"})["keyCredentials"]:
            if (one["type"], one["usage"]) != ("AsymmetricX509Cert", "Verify") or not one["key"]:
                raise Wrong(400, "Request_BadRequest", "Invalid key credential.")
            certificates[one["keyId"]] = one["key"] if "BEGIN" in one["key"] else _pem(one["key"])
        found.certificates = certificates
        return 204, ""

    def _add_password(self, asked: Asked, object_id: str) -> tuple[int, Any]:
        found = self._application(object_id)
        wanted = self._body(asked, fields={"passwordCredential"})["passwordCredential"]
        ends = datetime.fromisoformat(wanted["endDateTime"])
        made = Secret(f"~{guid()}{guid()}", ends.timestamp(), name=wanted["displayName"])
        found.secrets.append(made)
        return 200, {
            "keyId": made.key_id,
            "secretText": made.text,
            "displayName": made.name,
            "endDateTime": wanted["endDateTime"],
        }

    def _remove_password(self, asked: Asked, object_id: str) -> tuple[int, Any]:
        found = self._application(object_id)
        key_id = self._body(asked, fields={"keyId"})["keyId"]
        if key_id not in [one.key_id for one in found.secrets]:
            raise Wrong(400, "Request_BadRequest", "No password credential found with keyId.")
        found.secrets = [one for one in found.secrets if one.key_id != key_id]
        return 204, ""

    def _find_principals(self, asked: Asked) -> tuple[int, Any]:
        wanted = re.fullmatch(rf"appId eq '({GUID})'", asked.args["$filter"])
        assert wanted is not None
        found = self.directory.applications.get(wanted[1])
        if found is None or not found.principal_id:
            return 200, {"value": []}
        roles = [
            {"id": id, "value": value, "isEnabled": True, "allowedMemberTypes": ["Application"]}
            for value, id in found.app_roles.items()
        ]
        return 200, {"value": [{"id": found.principal_id, "appRoles": roles}]}

    def _create_principal(self, asked: Asked) -> tuple[int, Any]:
        client_id = self._body(asked, fields={"appId"})["appId"]
        found = self.directory.applications.get(client_id)
        if found is None or self._not_yet():
            message = f"The appId '{client_id}' of the service principal does not reference a valid application object."
            raise Wrong(400, "Request_ResourceNotFound", message)
        if found.principal_id:
            raise Wrong(
                409, "Request_MultipleObjectsWithSameKeyValue", "The service principal is already in use."
            )
        found.principal_id = str(uuid.uuid4())
        return 201, {"id": found.principal_id, "appId": client_id}

    def _assign(self, asked: Asked, principal_id: str) -> tuple[int, Any]:
        body = self._body(asked, fields={"principalId", "resourceId", "appRoleId"})
        client = self.directory.by_principal(principal_id)
        resource = self.directory.by_principal(body["resourceId"])
        if client is None or resource is None or body["principalId"] != principal_id or self._not_yet():
            raise Wrong(404, "Request_ResourceNotFound", f"Resource '{principal_id}' does not exist.")
        if body["appRoleId"] not in resource.app_roles.values():
            raise Wrong(400, "Request_BadRequest", "Permission being assigned was not found on application.")
        if (body["resourceId"], body["appRoleId"]) in client.granted:
            raise Wrong(400, "Request_BadRequest", "Permission being assigned already exists on the object")
        client.granted.add((body["resourceId"], body["appRoleId"]))
        return 201, {"id": guid(), **body}


def _pem(der: str) -> str:
    lines = "\n".join(der[start : start + 64] for start in range(0, len(der), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


@contextlib.contextmanager
def graph_server(directory: Directory, folder: Path, authority: trustme.CA) -> Iterator[GraphServer]:
    """The stand-in on a free port, vouched for by the same authority as the login server."""
    graph = GraphServer(directory)
    with https_server(graph.answer, folder, authority) as (base, _):
        graph.base = base
        yield graph
