"""A login server, a directory with Jobwarden's application and a runner's, and the rows the product keeps of them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches

from refresher.entra import bearer, credentials
from refresher.entra.applications import register, runner_named
from refresher.entra.keys import SigningKeys
from refresher.entra.models import EntraApplication, EntraTenant
from tests import builders
from tests.entra.directory import Application, Directory
from tests.entra.graph_server import GraphServer, graph_server
from tests.entra.login_server import LoginServer, login_server


@pytest.fixture
def login(tmp_path: Any, settings: Any, monkeypatch: Any) -> Iterator[LoginServer]:
    """The login server; the product is set to use it, and nothing of the process environment gets in between."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    caches["shared"].clear()
    with login_server(tmp_path) as server:
        settings.ENTRA = {
            **settings.ENTRA,
            "LOGIN_AUTHORITY": server.base,
            "CA_FILE": server.ca_file,
            "TIMEOUT_SECONDS": 5,
        }
        monkeypatch.setattr(bearer, "signing_keys", SigningKeys())
        yield server


@pytest.fixture
def directory(login: LoginServer) -> Directory:
    return login.add_directory()


@pytest.fixture
def resource(directory: Directory) -> Application:
    return directory.add_resource()


@pytest.fixture
def tenant(db: None, directory: Directory, resource: Application) -> EntraTenant:
    return EntraTenant.objects.create(
        name="Contoso", tenant_id=UUID(directory.tenant_id), client_id=UUID(resource.client_id)
    )


@pytest.fixture
def graph(login: LoginServer, directory: Directory, tmp_path: Any, settings: Any) -> Iterator[GraphServer]:
    """Microsoft Graph over the same directory; the product is set to use it."""
    with graph_server(directory, tmp_path, login.authority) as server:
        login.graph_base = server.base
        settings.ENTRA = {**settings.ENTRA, "GRAPH_ADDRESS": server.base}
        yield server


@pytest.fixture
def administrator(db: None) -> Any:
    builders.default_company()
    return builders.actor_of(builders.make_user("chief", groups=["Administrator"]))


@pytest.fixture
def client(directory: Directory, resource: Application) -> Application:
    """The runner's application in the directory, with consent."""
    made = directory.add("Night runner")
    directory.grant(made, resource)
    return made


@pytest.fixture
def application(tenant: EntraTenant, client: Application, administrator: Any) -> EntraApplication:
    """The product's record of it, with a secret."""
    runner = runner_named("night-runner", actor=administrator, now=builders.NOW)
    made = register(
        runner,
        tenant=tenant,
        display_name="Night runner",
        client_id=UUID(client.client_id),
        service_principal_id=UUID(client.principal_id),
        actor=administrator,
        now=builders.NOW,
    )
    credentials.enter_secret(made, client.add_secret().text, actor=administrator, now=builders.NOW)
    return made


@pytest.fixture
def runner_user(application: EntraApplication) -> Any:
    return get_user_model().objects.get(username="night-runner")
