"""API tokens and the way through the login server, in a browser that obeys the security policy of our pages."""

from uuid import UUID

import pytest
from playwright.sync_api import expect

from jobqueue import secrets
from jobqueue.models import ApiToken
from refresher.entra import bearer
from refresher.entra.keys import SigningKeys
from refresher.entra.models import EntraApplication, EntraTenant
from tests import builders
from tests.entra.graph_server import graph_server
from tests.entra.login_server import login_server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(live_server, browser, client, settings, transactional_db):
    """A page of a signed-in administrator; certificates of the test's own authority are no obstacle."""
    builders.default_company()
    client.force_login(builders.make_superuser("ann"))
    context = browser.new_context(ignore_https_errors=True)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(8_000)
    page.base = f"{live_server.url}/c/main/admin/"
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    yield page
    context.close()


@pytest.fixture
def directory(live_server, settings, tmp_path, monkeypatch, transactional_db):
    """A directory that knows Jobwarden, and the product that knows the directory."""
    monkeypatch.setattr(bearer, "signing_keys", SigningKeys())
    with login_server(tmp_path) as login:
        directory = login.add_directory()
        own = directory.add_resource()
        own.redirect_uris = [f"{live_server.url}/entra/return/"]
        with graph_server(directory, tmp_path, login.authority) as graph:
            login.graph_base = graph.base
            settings.ENTRA = {
                **settings.ENTRA,
                "LOGIN_AUTHORITY": login.base,
                "GRAPH_ADDRESS": graph.base,
                "CA_FILE": login.ca_file,
            }
            EntraTenant.objects.create(
                name="Contoso",
                tenant_id=UUID(directory.tenant_id),
                client_id=UUID(own.client_id),
                secret_encrypted=secrets.seal(own.add_secret().text),
            )
            yield directory


def test_a_token_is_made_and_copied(admin):
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    admin.goto(f"{admin.base}jobqueue/apitoken/add/")
    admin.get_by_label("Name").fill("Nightly export")
    admin.get_by_role("button", name="Save").click()
    shown = admin.locator("#token-text").inner_text()
    assert shown.startswith(ApiToken.objects.get().prefix)
    admin.get_by_role("button", name="Copy").click()
    expect(admin.get_by_role("button", name="Copied")).to_be_visible()
    assert admin.evaluate("navigator.clipboard.readText()") == shown
    admin.get_by_role("link", name="I have copied it").click()
    expect(admin.get_by_text("Nightly export")).to_be_visible()
    assert shown not in admin.content()
    assert admin.complaints == []


def test_a_runner_is_created_through_the_login_server_and_signs_in(admin, directory):
    admin.goto(f"{admin.base}refresher/entraapplication/")
    admin.get_by_role("link", name="Create External JQ Refresher User").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("User name").fill("night")
    dialog.get_by_role("button", name="Continue").click()
    admin.get_by_role("link", name="Continue").click()
    expect(admin.get_by_text("“night” was created, with consent")).to_be_visible()
    admin.get_by_role("button", name="Test Sign-in").click()
    expect(admin.get_by_text("holds the role JobQueue.Refresh").first).to_be_visible()
    application = EntraApplication.objects.get()
    EntraApplication.objects.update(consent_granted_at=None)
    admin.get_by_role("link", name="Grant Consent").click()
    admin.get_by_role("dialog").get_by_role("button", name="Continue").click()
    directory.applications[str(application.client_id)].granted.clear()
    admin.get_by_role("link", name="Continue").click()
    expect(admin.get_by_text("Consent is granted to “night”")).to_be_visible()
    application.refresh_from_db()
    assert application.consent_granted_at is not None
    assert directory.applications[str(application.client_id)].granted
    assert admin.complaints == []
