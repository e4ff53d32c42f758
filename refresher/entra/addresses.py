"""Addresses of the login server and Graph, from the settings ``ENTRA`` and never from what a caller sends."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings


def option(name: str) -> Any:
    """One of the settings ``ENTRA``."""
    return settings.ENTRA[name]


def authority(tenant_id: UUID | str) -> str:
    """``https://login…/<tenant>``, as msal wants it."""
    return f"{option('LOGIN_AUTHORITY')}/{tenant_id}"


def discovery(tenant_id: UUID | str, *, version: str) -> str:
    """The OpenID discovery document for tokens of version ``1.0`` or ``2.0``."""
    middle = "/v2.0" if version == "2.0" else ""
    return f"{authority(tenant_id)}{middle}/.well-known/openid-configuration"


def admin_consent(tenant_id: UUID | str, *, client_id: UUID | str, redirect_uri: str, state: str) -> str:
    """Where an administrator of the directory grants consent to an application."""
    query = urlencode({"client_id": str(client_id), "redirect_uri": redirect_uri, "state": state})
    return f"{authority(tenant_id)}/adminconsent?{query}"


def graph_scope(permission: str) -> str:
    return f"{option('GRAPH_ADDRESS')}/{permission}"
