"""Who gets in, what is refused, and in which shape: identity and permissions are those of the screens."""

import json
import uuid

import pytest
from rest_framework.test import APIClient

from jobqueue.models import Entry, EntryChange
from jobqueue.states import Origin, Status
from tests import builders
from tests.api_v2.client import refused
from tests.jobqueue.driving import reload

pytestmark = pytest.mark.django_db


def answered(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    found, message = refused(json.loads(response.content))
    assert found == code
    return message


def restart_of(client, entry):
    return f"{client.base}/jobQueueEntries({entry.id})/Microsoft.NAV.restart"


# --- who is calling
@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi"])
def test_without_good_credentials_nobody_gets_in(company, header):
    caller = APIClient(**({"HTTP_AUTHORIZATION": header} if header else {}))
    for path in ("", "/companies", f"/companies({company.pk})/jobQueueEntries", "/$metadata"):
        response = caller.get(f"/api/v2.0{path}")
        answered(response, 401, "Authentication_InvalidCredentials")
        assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("group", "scopes", "looking", "restarting"),
    [
        ("Viewer", ["administer"], 200, 403),
        ("Operator", ["administer"], 200, 204),
        ("Operator", ["view"], 200, 403),
        ("Administrator", ["operate"], 200, 204),
        ("Administrator", ["refresh"], 403, 403),
    ],
)
def test_levels_and_scopes_are_those_of_the_screens(connect, group, scopes, looking, restarting):
    client = connect(group, scopes=scopes)
    entry = builders.make_entry()
    assert client.api.get(f"{client.base}/jobQueueEntries").status_code == looking
    response = client.api.post(restart_of(client, entry))
    assert response.status_code == restarting
    if restarting == 403:
        answered(response, 403, "Authorization_AccessDenied")
        assert reload(entry).status == Status.ON_HOLD


def test_entries_of_the_system_are_restarted_by_administrators_only(connect):
    entry = builders.make_entry(is_system=True)
    operator = connect("Operator")
    answered(operator.api.post(restart_of(operator, entry)), 403, "Authorization_AccessDenied")
    administrator = connect("Administrator")
    assert administrator.api.post(restart_of(administrator, entry)).status_code == 204


# --- companies
def test_a_foreign_company_does_not_exist(connect, company):
    other = builders.make_company("other")
    theirs = builders.make_entry(company=other)
    run = builders.make_log_entry(theirs)
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company(company.code, members=[limited])
    token_limited = connect(limited_to=company)
    for client in (connect(user=limited), token_limited):
        assert [found["name"] for found in client.at("/api/v2.0/companies")["value"]] == [company.code]
        for key in (other.pk, uuid.uuid4()):
            for path in (
                "",
                "/jobQueueEntries",
                "/jobQueueLogEntries/$count",
                f"/jobQueueEntries({theirs.id})",
            ):
                response = client.api.get(f"/api/v2.0/companies({key}){path}")
                answered(response, 404, "Internal_RecordNotFound")
        for path in (f"/jobQueueEntries({theirs.id})", f"/jobQueueLogEntries({run.id})"):
            assert client.refusal(path, status=404)[0] == "Internal_RecordNotFound"
        answered(client.api.post(restart_of(client, theirs)), 404, "Internal_RecordNotFound")
        assert client.entries() == client.runs() == []
    assert reload(theirs).status == Status.ON_HOLD


# --- addresses
@pytest.mark.parametrize("key", ["{}", "'{}'", "id={}", "id='{}'"])
def test_keys_with_and_without_quotes(client, company, key):
    entry = builders.make_entry()
    path = f"/api/v2.0/companies({key.format(company.pk)})/jobQueueEntries({key.format(entry.id)})"
    assert client.at(path)["id"] == str(entry.id)
    encoded = path.replace("(", "%28").replace(")", "%29").replace("'", "%27")
    assert client.at(encoded)["id"] == str(entry.id)


@pytest.mark.parametrize("key", ["", "5", "nonsense", "'", "{0}{0}", "id="])
def test_keys_that_are_none(client, company, key):
    key = key.format(company.pk)
    answered(client.api.get(f"/api/v2.0/companies({key})"), 400, "BadRequest")
    answered(client.api.get(f"{client.base}/jobQueueEntries({key})"), 400, "BadRequest")


def test_a_key_no_database_can_look_up(client):
    answered(client.api.get("/api/v2.0/companies(%00)"), 404, "Internal_RecordNotFound")


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/companies/jobQueueEntries",
        "/jobqueueentries",
        "/companies()x",
        "/$batch",
        "/%00",
    ],
)
def test_addresses_nothing_answers(client, path):
    answered(client.api.get(f"/api/v2.0{path}"), 404, "BadRequest_ResourceNotFound")
    answered(APIClient().get(f"/api/v2.0{path}"), 404, "BadRequest_ResourceNotFound")


@pytest.mark.parametrize(
    ("method", "path", "offered"),
    [
        ("post", "/jobQueueEntries", "GET, HEAD, OPTIONS"),
        ("patch", "/jobQueueEntries({entry})", "GET, HEAD, OPTIONS"),
        ("delete", "/jobQueueEntries({entry})", "GET, HEAD, OPTIONS"),
        ("put", "/jobQueueEntries({entry})", "GET, HEAD, OPTIONS"),
        ("get", "/jobQueueEntries({entry})/Microsoft.NAV.restart", "POST, OPTIONS"),
        ("post", "/jobQueueLogEntries", "GET, HEAD, OPTIONS"),
        ("delete", "/jobQueueLogEntries({entry})", "GET, HEAD, OPTIONS"),
        ("post", "", "GET, HEAD, OPTIONS"),
    ],
)
@pytest.mark.parametrize("group", ["Administrator", "Viewer"])
def test_only_reading_and_restarting_are_offered(connect, method, path, offered, group):
    client, entry = connect(group), builders.make_entry()
    response = getattr(client.api, method)(client.base + path.format(entry=entry.id), {"status": "Ready"})
    message = answered(response, 405, "BadRequest_MethodNotAllowed")
    assert response["Allow"] == offered
    assert offered in message
    assert Entry.objects.get().revision == entry.revision


def test_any_accept_header_gets_the_one_representation(client):
    for accept in (
        "application/json;odata.metadata=minimal",
        "application/xml",
        "*/*",
        "text/csv",
        "nonsense",
    ):
        response = client.api.get(f"{client.base}/jobQueueEntries", headers={"Accept": accept})
        assert response.status_code == 200
        assert response["Content-Type"].startswith("application/json; odata.metadata=minimal")


def test_head_and_options_are_answered(client):
    assert client.api.head(f"{client.base}/jobQueueEntries").status_code == 200
    assert client.api.options(f"{client.base}/jobQueueEntries").status_code == 200


# --- restart
@pytest.mark.parametrize(
    "status", [Status.READY, Status.ERROR, Status.ON_HOLD, Status.INACTIVITY, Status.WAITING]
)
def test_restart_makes_ready_and_the_caller_the_running_user(client, status):
    entry = builders.make_entry(status=status, error_message="It failed.", attempts=2)
    response = client.api.post(restart_of(client, entry))
    assert (response.status_code, response.content) == (204, b"")
    row = reload(entry)
    assert (row.status, row.user, row.error_message, row.attempts) == (Status.READY, client.api.user, "", 0)
    change = EntryChange.objects.get(entry_id=entry.id)
    assert (change.action, change.origin) == ("restart", Origin.API)


def test_the_name_of_the_action_is_read_in_any_capitals(client):
    entry = builders.make_entry()
    for name in ("Microsoft.NAV.Restart", "microsoft.nav.restart()", "Microsoft.NAV.restart/"):
        response = client.api.post(f"{client.base}/jobQueueEntries({entry.id})/{name}")
        assert response.status_code == 204


def test_restart_while_in_process_is_refused_with_the_way_out(client):
    entry = builders.make_entry(status=Status.IN_PROCESS)
    message = answered(client.api.post(restart_of(client, entry)), 400, "Application_DialogException")
    assert "In Process" in message
    assert reload(entry).revision == entry.revision


def test_restart_of_an_owned_entry_is_left_to_its_owner(client):
    entry = builders.make_entry(owner_kind="package", owner_reference="NIGHT")
    answered(client.api.post(restart_of(client, entry)), 400, "Application_DialogException")
    assert reload(entry).status == Status.ON_HOLD


def test_restart_of_an_object_the_caller_may_not_run_is_forbidden(connect):
    client = connect("Operator")
    entry = builders.make_entry(object_id=90019)
    answered(client.api.post(restart_of(client, entry)), 403, "Authorization_AccessDenied")


def test_restart_with_an_etag_of_another_state_is_refused(client):
    entry = builders.make_entry()
    etag = client.entries()[0]["@odata.etag"]
    path = restart_of(client, entry)
    response = client.api.post(path, headers={"If-Match": 'W/"bm90aGluZw=="'})
    answered(response, 412, "Request_EntityChanged")
    assert client.api.post(path, headers={"If-Match": etag}).status_code == 204
    answered(client.api.post(path, headers={"If-Match": etag}), 412, "Request_EntityChanged")
    assert client.api.post(path, headers={"If-Match": "*"}).status_code == 204


def test_an_unforeseen_failure_tells_nothing(client, monkeypatch):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("jobqueue.api_v2.views.entries_of", broken)
    response = client.api.get(f"{client.base}/jobQueueEntries")
    assert "secret" not in answered(response, 500, "Internal_ServerError")


def test_a_caller_over_the_limit_is_told_when_to_come_again(client, settings):
    settings.API_CALLS_PER_MINUTE = 0
    response = client.api.get(f"{client.base}/jobQueueEntries")
    answered(response, 429, "BadRequest_TooManyRequests")
    assert int(response["Retry-After"]) >= 1


def test_the_contract_is_not_part_of_the_openapi_document(client):
    document = client.api.get("/api/v1/openapi.json").content.decode()
    assert "v2.0" not in document
