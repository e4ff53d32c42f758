"""The pages of Entra ID, walked as a browser would: out to the login server, back with its answer; failures first."""

import re
import ssl
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from auditlog.models import LogEntry as AuditEntry
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobqueue import secrets
from jobqueue.scheduler import database_now
from refresher.entra import credentials
from refresher.entra.applications import register, runner_named
from refresher.entra.models import EntraApplication, EntraTenant
from refresher.entra.pages import leaving
from refresher.models import Runner
from tests import builders
from tests.admin.conftest import said
from tests.builders import NOW, actor_of

pytestmark = pytest.mark.django_db
PLACE = "/c/main/admin/refresher/entraapplication/"
TENANTS = "/c/main/admin/refresher/entratenant/"


@pytest.fixture
def browser(administrator):
    client = Client()
    client.force_login(administrator.user)
    return client


@pytest.fixture
def prepared(tenant, resource, graph, administrator):
    """Everything so that signing in to Graph works: a secret of our own application, its redirect URI."""
    resource.redirect_uris = ["http://testserver/entra/return/"]
    tenant.secret_encrypted = secrets.seal(resource.add_secret().text)
    tenant.save()
    return tenant


def way_out(response) -> str:
    """The address the page offers as the way to the login server."""
    assert response.status_code == 200, said(response)
    assert "no-store" in response["Cache-Control"]
    return unescape(
        re.search(r'href="(https://localhost[^"]+)" rel="noreferrer"', response.content.decode())[1]
    )


def answer_of(login, address: str) -> str:
    """Goes there and returns the path the browser is sent back to."""
    with httpx.Client(verify=login_context(login), trust_env=False) as http:
        response = http.get(address)
    assert response.status_code == 302, response.text
    location = response.headers["Location"]
    assert location.startswith("http://testserver/entra/return/?")
    return location.removeprefix("http://testserver")


def login_context(login):
    return ssl.create_default_context(cafile=login.ca_file)


def created(browser, prepared, login, name="night", kind="secret"):
    page = browser.post(f"{PLACE}create/", {"name": name, "tenant": prepared.pk, "kind": kind})
    return browser.get(answer_of(login, way_out(page)))


# --- who
@pytest.mark.parametrize("group", ["Viewer", "Scheduler", "limited"])
def test_the_pages_are_for_administrators_of_every_company(application, group):
    user = builders.make_user(groups=["Administrator" if group == "limited" else group])
    if group == "limited":
        builders.make_company("main", members=[user])
    client = Client()
    client.force_login(user)
    for path in (
        PLACE,
        TENANTS,
        f"{PLACE}{application.pk}/change/",
        f"{PLACE}create/",
        f"{PLACE}{application.pk}/rotate/",
    ):
        assert client.get(path).status_code == 403, path
        assert client.post(path).status_code == 403, path
    assert PLACE not in client.get("/c/main/admin/").content.decode()


# --- consent
@pytest.fixture
def consenting(browser, application, client, login):
    """Begins Grant Consent and returns the way out."""
    client.redirect_uris = ["http://testserver/entra/return/"]

    def begin() -> str:
        return way_out(browser.post(f"{PLACE}{application.pk}/grant-consent/"))

    return begin


def granted(application) -> bool:
    application.refresh_from_db()
    return application.consent_granted_at is not None


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"error": "permission_denied", "error_description": "AADSTS65004: declined"}, "declined"),
        ({"admin_consent": "True", "error": "consent_required"}, "declined"),
        ({"error": "server_error", "error_description": "AADSTS90033: busy"}, "busy"),
        ({"admin_consent": "False"}, "did not say"),
        ({}, "did not say"),
    ],
)
def test_what_is_no_consent_is_none(browser, application, consenting, login, answer, sentence):
    login.consent_answer = answer
    response = browser.get(answer_of(login, consenting()))
    assert sentence in said(response)
    assert response["Location"] == f"{PLACE}{application.pk}/change/"
    assert not granted(application)


def test_a_state_counts_once_and_only_the_one_that_was_issued(browser, application, consenting, login):
    back = answer_of(login, consenting())
    state = parse_qs(urlsplit(back).query)["state"][0]
    for forged in ("/entra/return/?admin_consent=True", "/entra/return/?admin_consent=True&state=x" * 1):
        assert "belongs to nothing you began" in said(browser.get(forged))
        assert not granted(application)
    assert browser.get(back).status_code == 302
    assert granted(application)
    EntraApplication.objects.update(consent_granted_at=None)
    assert "was used already" in said(browser.get(f"/entra/return/?admin_consent=True&state={state}"))
    assert not granted(application)


def test_a_state_counts_in_its_own_session_and_for_ten_minutes(
    browser, application, consenting, login, monkeypatch
):
    back = answer_of(login, consenting())
    other = Client()
    other.force_login(builders.make_user(groups=["Administrator"]))
    assert "belongs to nothing you began" in said(other.get(back))
    assert Client().get(back).status_code == 403
    late = leaving.round_trip.time.time() + 601
    monkeypatch.setattr(leaving.round_trip.time, "time", lambda: late)
    assert "too late" in said(browser.get(back))
    assert not granted(application)


def test_the_tenant_in_the_answer_authorises_nothing(browser, application, consenting, login):
    login.consent_answer = {"admin_consent": "TRUE", "tenant": "00000000-0000-0000-0000-000000000000"}
    before = EntraTenant.objects.values().get()
    assert "Consent is granted" in said(browser.get(answer_of(login, consenting())))
    assert granted(application)
    assert EntraTenant.objects.values().get() == before


def test_who_lost_the_right_meanwhile_changes_nothing(browser, application, consenting, login, administrator):
    back = answer_of(login, consenting())
    administrator.user.groups.clear()
    assert "may not" in said(browser.get(back))
    assert not granted(application)


def test_the_way_out_names_exactly_our_return_address(browser, application, consenting):
    query = parse_qs(urlsplit(consenting()).query)
    assert query["redirect_uri"] == ["http://testserver/entra/return/"]
    assert query["client_id"] == [str(application.client_id)]
    assert len(query["state"][0]) >= 32


def test_asking_changes_nothing(browser, application):
    before = browser.session.items()
    page = browser.get(f"{PLACE}{application.pk}/grant-consent/").content.decode()
    assert "Grant consent to" in page
    assert browser.session.items() == before


# --- create and rotate
def test_without_a_secret_of_our_own_application_the_page_says_so(browser, tenant, graph):
    page = browser.post(f"{PLACE}create/", {"name": "night", "tenant": tenant.pk, "kind": "secret"})
    assert page.status_code == 422
    assert "has no client secret here" in page.content.decode()


def test_a_persons_name_is_refused_before_anybody_leaves(browser, prepared, login):
    builders.make_user("amy")
    page = browser.post(f"{PLACE}create/", {"name": "amy", "tenant": prepared.pk, "kind": "secret"})
    assert "a person&#x27;s user" in page.content.decode()
    assert login.requests == []


def test_declining_to_sign_in_makes_nothing(browser, prepared, login):
    login.sign_in_error = "access_denied"
    assert "cancelled or refused" in said(created(browser, prepared, login))
    assert not EntraApplication.objects.exists()


def test_a_code_that_was_changed_makes_nothing(browser, prepared, login, directory):
    page = browser.post(f"{PLACE}create/", {"name": "night", "tenant": prepared.pk, "kind": "secret"})
    back = re.sub(r"code=[^&]+", "code=forged", answer_of(login, way_out(page)))
    assert browser.get(back).status_code == 302
    assert not Runner.objects.exists()
    assert len(directory.applications) == 1


def test_an_account_without_the_right_in_the_directory_makes_nothing(browser, prepared, login, directory):
    directory.administrator["may_manage"] = False
    assert "Application Administrator" in said(created(browser, prepared, login))
    assert not EntraApplication.objects.exists()


def test_the_whole_walk_creates_a_runner_that_signs_in(browser, prepared, login, directory):
    response = created(browser, prepared, login)
    application = EntraApplication.objects.get()
    assert response["Location"] == f"{PLACE}{application.pk}/change/"
    assert "“night” was created, with consent" in said(response)
    tested = browser.post(f"{PLACE}{application.pk}/test-sign-in/")
    assert "holds the role JobQueue.Refresh" in said(tested)
    page = browser.get(f"{PLACE}{application.pk}/change/").content.decode()
    secret = directory.applications[str(application.client_id)].secrets[0].text
    assert secret not in page
    assert "holds the role JobQueue.Refresh" in page
    session = str(dict(browser.session.items()))
    assert secret not in session
    assert "code_verifier" not in session


def test_missing_consent_is_said_as_a_warning(browser, prepared, login, graph):
    graph.fail("POST /servicePrincipals/", 403, code="Authorization_RequestDenied")
    response = created(browser, prepared, login)
    assert "consent is still missing" in said(response)
    application = EntraApplication.objects.get()
    tested = browser.post(f"{PLACE}{application.pk}/test-sign-in/")
    assert "Grant consent" in said(tested)
    application.refresh_from_db()
    assert (application.test_succeeded, application.test_code) == (False, "entra_role_missing")


def test_rotating_walks_the_same_way(browser, prepared, login, directory):
    created(browser, prepared, login, kind="certificate")
    application = EntraApplication.objects.get()
    old = application.credential_key_id
    page = browser.post(f"{PLACE}{application.pk}/rotate/")
    assert "has a new credential" in said(browser.get(answer_of(login, way_out(page))))
    application.refresh_from_db()
    assert application.credential_key_id != old
    assert "holds the role" in said(browser.post(f"{PLACE}{application.pk}/test-sign-in/"))


# --- cards
def test_the_test_says_what_is_wrong_and_what_to_do(browser, application, client, login):
    client.secrets.clear()
    sentence = said(browser.post(f"{PLACE}{application.pk}/test-sign-in/"))
    assert "AADSTS7000215" in sentence
    assert "Create a new secret" in sentence
    assert "AADSTS7000215" in browser.get(f"{PLACE}{application.pk}/change/").content.decode()
    assert "Fails" in browser.get(PLACE).content.decode()


def test_a_secret_goes_in_and_never_comes_out(browser, application, client):
    secret = client.add_secret().text
    sent = browser.post(
        f"{PLACE}{application.pk}/enter-secret/", {"secret": secret, "expires_at": "2090-01-01T00:00"}
    )
    assert "is stored" in said(sent)
    assert secret not in said(sent)
    assert credentials.login_of(EntraApplication.objects.get()).secret == secret
    for path in (PLACE, f"{PLACE}{application.pk}/change/", f"{PLACE}{application.pk}/enter-secret/"):
        assert secret not in browser.get(path).content.decode()


@pytest.mark.parametrize(
    ("path", "values", "sentence"),
    [
        ("enter-secret", {"secret": "3f9a1c2b-0000-4000-8000-000000000000"}, "the id of a client secret"),
        ("enter-secret", {"secret": "x", "expires_at": "2001-01-01T00:00"}, "expired on 2001-01-01"),
        ("enter-certificate", {"certificate": "nonsense"}, "There is no certificate"),
    ],
)
def test_what_is_no_credential_is_refused(browser, application, path, values, sentence):
    before = EntraApplication.objects.values().get()
    page = browser.post(f"{PLACE}{application.pk}/{path}/", values).content.decode()
    assert sentence in page
    assert EntraApplication.objects.values().get() == before


def test_an_application_made_by_hand_is_registered_with_its_runner(browser, tenant, client):
    values = {
        "runner_name": "by-hand",
        "tenant": str(tenant.pk),
        "display_name": "Night runner",
        "client_id": client.client_id,
        "secret": client.add_secret().text,
    }
    assert browser.post(f"{PLACE}add/", values).status_code == 302
    application = EntraApplication.objects.get()
    assert application.runner.name == "by-hand"
    assert "holds the role" in said(browser.post(f"{PLACE}{application.pk}/test-sign-in/"))
    page = browser.post(f"{PLACE}add/", {**values, "runner_name": "other"}).content.decode()
    assert "belongs to the runner user “by-hand” already" in page
    assert EntraApplication.objects.count() == 1
    assert not Runner.objects.filter(user__username="other").exists()
    renamed = {**values, "display_name": "Night runner 2", "secret": ""}
    assert browser.post(f"{PLACE}add/", renamed).status_code == 302  # the same runner's: brought up to date
    assert EntraApplication.objects.get().display_name == "Night runner 2"
    assert EntraApplication.objects.get().has_credential


def test_a_secret_that_is_none_leaves_no_half_of_a_registration_behind(browser, tenant, client):
    values = {
        "runner_name": "by-hand",
        "tenant": str(tenant.pk),
        "display_name": "Night runner",
        "client_id": client.client_id,
        "secret": "3f9a1c2b-0000-4000-8000-000000000000",
    }
    page = browser.post(f"{PLACE}add/", values)
    assert "the id of a client secret" in page.content.decode()
    assert not EntraApplication.objects.exists()
    assert not get_user_model().objects.filter(username="by-hand").exists()


def test_what_administrators_change_is_in_the_audit_log_and_no_secret_is(
    browser, application, tenant, client
):
    secret = client.add_secret().text
    browser.post(f"{PLACE}{application.pk}/enter-secret/", {"secret": secret})
    browser.post(f"{PLACE}{application.pk}/disable/")
    browser.post(
        f"{TENANTS}{tenant.pk}/change/",
        {
            "name": "Renamed",
            "tenant_id": str(tenant.tenant_id),
            "client_id": str(tenant.client_id),
            "is_enabled": "on",
            "secret": "own-secret",
        },
    )
    rows = list(AuditEntry.objects.values_list("changes", "object_repr"))
    fields = {name for changes, _ in rows for name in changes or {}}
    assert {"is_enabled", "credential_changed_at", "name"} <= fields
    assert "secret_encrypted" not in fields
    assert secret not in str(rows)
    assert "own-secret" not in str(rows)


def test_the_card_does_not_take_the_application_of_another_runner(browser, tenant, application):
    other = register(
        runner_named("other", actor=actor_of(application.created_by), now=NOW),
        tenant=tenant,
        display_name="Other",
        client_id=uuid4(),
        actor=actor_of(application.created_by),
        now=NOW,
    )
    values = {"display_name": "Night runner", "client_id": str(application.client_id)}
    page = browser.post(f"{PLACE}{other.pk}/change/", values)
    assert "belongs to the runner user" in page.content.decode()
    other.refresh_from_db()
    assert (other.display_name, other.client_id != application.client_id) == ("Other", True)
    assert (
        browser.post(f"{PLACE}{other.pk}/change/", {**values, "client_id": str(other.client_id)}).status_code
        == 302
    )
    other.refresh_from_db()
    assert other.display_name == "Night runner"


def test_a_directory_that_was_removed_meanwhile_makes_nothing(browser, prepared, login):
    page = browser.post(f"{PLACE}create/", {"name": "night", "tenant": prepared.pk, "kind": "secret"})
    answer = answer_of(login, way_out(page))
    prepared.delete()
    assert "was removed meanwhile" in said(browser.get(answer))
    assert not Runner.objects.exists()


def test_enabling_disabling_and_removing(browser, application):
    assert "is disabled" in said(browser.post(f"{PLACE}{application.pk}/disable/"))
    assert not EntraApplication.objects.get().is_enabled
    assert "is enabled" in said(browser.post(f"{PLACE}{application.pk}/enable/"))
    assert "Remove" in browser.get(f"{PLACE}{application.pk}/remove/").content.decode()
    assert "still exists" in said(browser.post(f"{PLACE}{application.pk}/remove/"))
    assert not EntraApplication.objects.exists()
    assert Runner.objects.exists()


def test_a_tenant_keeps_its_secret_unless_a_new_one_is_entered(browser, tenant, resource):
    values = {
        "name": "Contoso",
        "tenant_id": str(tenant.tenant_id),
        "client_id": str(tenant.client_id),
        "is_enabled": "on",
    }
    path = f"{TENANTS}{tenant.pk}/change/"
    browser.post(path, {**values, "secret": "hunter2-value"})
    browser.post(path, {**values, "name": "Contoso Ltd"})
    stored = EntraTenant.objects.get()
    assert stored.name == "Contoso Ltd"
    assert b"hunter2" not in bytes(stored.secret_encrypted)
    assert bytes(stored.secret_encrypted)
    for page in (path, TENANTS):
        html = browser.get(page).content.decode()
        assert "hunter2" not in html
    assert "http://testserver/entra/return/" in browser.get(path).content.decode()


def test_the_light_tells_how_long_a_credential_is_good(browser, application, administrator):
    now = database_now()
    for moment, word in (
        (now - timedelta(days=1), "Expired"),
        (now + timedelta(days=10, hours=1), "10 days left"),
        (now + timedelta(days=90), "Good"),
        (None, "Stored"),
    ):
        EntraApplication.objects.update(credential_expires_at=moment)
        assert word in browser.get(PLACE).content.decode()
    EntraApplication.objects.update(secret_encrypted=b"")
    assert "Missing" in browser.get(PLACE).content.decode()


def test_the_list_needs_the_same_queries_for_more_rows(
    browser, application, tenant, administrator, django_assert_max_num_queries
):
    browser.get(PLACE)
    with CaptureQueriesContext(connection) as few:
        browser.get(PLACE)
    for number in range(4):
        runner = runner_named(f"more-{number}", actor=administrator, now=NOW)
        register(
            runner,
            tenant=tenant,
            display_name=f"More {number}",
            client_id=builders.make_company().id,
            actor=administrator,
            now=NOW,
        )
    with CaptureQueriesContext(connection) as many:
        browser.get(PLACE)
    assert len(many) == len(few)
