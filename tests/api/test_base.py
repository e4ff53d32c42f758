"""What every resource inherits: authentication, levels, companies, pages, limits, and one shape of error."""

import json
import logging

import pytest
from django.test import Client
from rest_framework.test import APIClient

from jobqueue import api_tokens
from jobqueue.api import throttling
from jobqueue.models import Category
from tests import builders
from tests.api.sample_views import ERRORS

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.sample_views")]
CATEGORIES = "/api/v1/companies/main/categories/"


def refused(response, status: int, code: str) -> dict:
    """Asserts that the answer is a problem as RFC 9457 describes it, and returns it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:jobwarden:problem:{code}")
    assert body["title"]
    assert body["detail"].endswith(".")
    return body


# --- who is calling
def test_without_credentials_the_way_in_is_told(company):
    response = APIClient().get("/api/v1/me/")
    refused(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="Jobwarden"'


@pytest.mark.parametrize(
    "header", ["Bearer nonsense", "Bearer ", "Bearer jw_", "Bearer jw_00000000_x", "bearer " + "x" * 20_000]
)
def test_credentials_of_no_known_form_are_refused(company, header, caplog):
    with caplog.at_level(logging.WARNING, "jobqueue.api"):
        response = APIClient(HTTP_AUTHORIZATION=header).get("/api/v1/me/")
    refused(response, 401, "token_unknown")
    assert response["WWW-Authenticate"] == 'Bearer realm="Jobwarden", error="invalid_token"'
    assert [record.code for record in caplog.records if record.name == "jobqueue.api.authentication"]


def test_other_schemes_do_not_sign_in(company):
    refused(APIClient(HTTP_AUTHORIZATION="Basic YTpi").get("/api/v1/me/"), 401, "not_authenticated")


def test_a_token_calls_as_its_user(calling):
    client = calling("Operator", scopes=["operate"])
    answer = client.get("/api/v1/me/").json()
    assert answer["user"] == client.user.username
    assert (answer["credentials"], answer["reference"]) == ("token", client.token.prefix)
    assert answer["scopes"] == ["view", "operate"]
    assert [company["code"] for company in answer["companies"]] == ["main"]


def test_no_answer_holds_the_token_or_its_digest(calling):
    client = calling()
    body = client.get("/api/v1/me/").content.decode()
    assert client.text not in body
    assert client.token.digest not in body
    assert client.text.rpartition("_")[2] not in body


def test_a_session_calls_too_and_needs_the_csrf_token_to_write(company):
    client = Client(enforce_csrf_checks=True)
    client.force_login(builders.make_user(groups=["Administrator"]))
    assert client.get("/api/v1/me/").json()["credentials"] == "session"
    refused(client.post(CATEGORIES, {}, content_type="application/json"), 403, "permission_denied")
    assert not Category.objects.exists()


def test_answers_are_kept_by_no_cache(calling):
    client = calling()
    assert client.get("/api/v1/me/")["Cache-Control"] == "private, no-cache"
    for answer in (client.post(CATEGORIES, {"code": "A"}), client.get("/api/v1/nowhere/")):
        assert answer["Cache-Control"] == "private, no-store"


# --- levels and scopes
@pytest.mark.parametrize(
    ("group", "scopes", "status", "code"),
    [
        ("Administrator", ["administer"], 201, ""),
        ("Administrator", ["schedule"], 403, "scope_missing"),
        ("Administrator", ["view"], 403, "scope_missing"),
        ("Scheduler", ["administer"], 403, "not_allowed"),
        ("Viewer", ["administer"], 403, "not_allowed"),
    ],
)
def test_both_the_user_and_the_token_must_have_the_level(calling, group, scopes, status, code):
    client = calling(group, scopes=scopes)
    response = client.post(CATEGORIES, {"code": "BANK", "slots": 1})
    if code:
        refused(response, status, code)
    assert (response.status_code, Category.objects.exists()) == (status, status == 201)
    assert client.get(CATEGORIES).status_code == 200


def test_a_scope_of_another_app_stands_alone(calling, monkeypatch):
    monkeypatch.setattr(api_tokens, "_scopes", dict(api_tokens._scopes))
    api_tokens.register_scope("sample", "Do something special")
    refused(calling(scopes=["administer"]).post("/api/v1/special/"), 403, "scope_missing")
    special = calling(scopes=["sample"])
    answer = special.post("/api/v1/special/").json()
    assert answer == {"user": special.user.username, "origin": "api"}
    refused(special.get(CATEGORIES), 403, "scope_missing")
    assert special.get("/api/v1/me/").json()["scopes"] == ["sample"]
    assert special.delete("/api/v1/special/").json() == {"deleted": True}
    refused(calling("Scheduler", scopes=["sample"]).delete("/api/v1/special/"), 403, "not_allowed")


def test_looking_is_enough_for_head_and_options(calling):
    client = calling("Viewer", scopes=["view"])
    for path in (CATEGORIES, "/api/v1/me/"):
        assert client.head(path).status_code == 200
        assert client.options(path).status_code == 200


# --- companies
def test_a_foreign_company_does_not_exist(calling):
    other = builders.make_company("other")
    builders.make_category("THEIRS", company=other)
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company("main", members=[limited])
    client = calling(user=limited)
    known = refused(client.get("/api/v1/companies/other/categories/"), 404, "not_found")
    unknown = refused(client.get("/api/v1/companies/nowhere/categories/"), 404, "not_found")
    assert known["detail"].replace("other", "") == unknown["detail"].replace("nowhere", "")


def test_a_token_of_one_company_reaches_no_other(calling, company):
    builders.make_company("other")
    client = calling(limited_to=company)
    assert client.get(CATEGORIES).status_code == 200
    refused(client.get("/api/v1/companies/other/categories/"), 404, "not_found")
    assert [found["code"] for found in client.get("/api/v1/me/").json()["companies"]] == ["main"]


def test_rows_of_another_company_are_not_found(calling):
    theirs = builders.make_category("THEIRS", company=builders.make_company("other"))
    refused(calling().get(f"{CATEGORIES}{theirs.pk}/"), 404, "not_found")


def test_without_credentials_no_company_is_told_from_another(company):
    for code in ("main", "nowhere"):
        refused(APIClient().get(f"/api/v1/companies/{code}/categories/"), 401, "not_authenticated")


# --- refusals
STATUS = {
    "not_allowed": (403, "not_allowed"),
    "not_found": (404, "not_found"),
    "refused": (409, "refused"),
    "locked_field": (409, "locked_field"),
    "invalid": (400, "invalid"),
    "invalid_parameters": (400, "invalid_parameters"),
    "unknown_object": (400, "unknown_object"),
    "forbidden_user": (403, "forbidden_user"),
    "outbound_refused": (400, "outbound_refused"),
    "outbound_failed": (502, "outbound_failed"),
    "credential_unusable": (503, "credential_unusable"),
    "http404": (404, "not_found"),
    "denied": (403, "not_allowed"),
    "bug": (500, "internal_error"),
}


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_every_error_has_one_shape_and_its_own_code(calling, name):
    body = refused(calling().get(f"/api/v1/failing/{name}/"), *STATUS[name])
    assert body["instance"] == f"/api/v1/failing/{name}/"
    assert "secret detail" not in json.dumps(body)
    assert "matches the given query" not in body["detail"]


def test_findings_are_listed_by_field(calling):
    body = refused(calling().get("/api/v1/failing/invalid/"), 400, "invalid")
    assert body["errors"] == [{"field": "minutes", "code": "too_small", "message": "Minutes are too small."}]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"code": "BANK", "slots": 10}, "slots", "max_value"),
        ({"code": "BANK", "slots": "many"}, "slots", "invalid"),
        ({"code": "BANK", "slots": 1, "colour": "red"}, "colour", "unknown_field"),
        ({"code": "BANK", "slots": 1, "id": 7}, "id", "read_only_field"),
        ({"slots": 1}, "code", "required"),
        ([1], "", "invalid"),
    ],
)
def test_wrong_input_names_the_field_and_writes_nothing(calling, body, field, code):
    found = refused(calling().post(CATEGORIES, body, format="json"), 400, "invalid")
    assert (found["errors"][0]["field"], found["errors"][0]["code"]) == (field, code)
    assert not Category.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "extra", "status", "code"),
    [
        ("post", CATEGORIES, {"data": "{", "content_type": "application/json"}, 400, "malformed"),
        ("post", CATEGORIES, {"data": "a=1", "content_type": "text/plain"}, 415, "unsupported_media_type"),
        ("put", CATEGORIES, {}, 405, "method_not_allowed"),
        ("get", CATEGORIES, {"headers": {"Accept": "text/csv"}}, 406, "not_acceptable"),
        ("get", f"{CATEGORIES}?page=7", {}, 404, "page_out_of_range"),
        ("get", f"{CATEGORIES}?page=x", {}, 404, "page_out_of_range"),
        ("get", "/api/v1/companies/main/latest/?cursor=bz14", {}, 404, "cursor_unknown"),
        ("get", "/api/v1/nowhere/", {}, 404, "not_found"),
        ("get", "/api/", {}, 404, "not_found"),
    ],
)
def test_requests_that_cannot_be_answered(calling, method, path, extra, status, code):
    refused(getattr(calling(), method)(path, **extra), status, code)


def test_a_huge_body_is_refused(calling, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    body = json.dumps({"code": "x" * 2_000, "slots": 1})
    refused(calling().post(CATEGORIES, body, content_type="application/json"), 413, "too_large")


# --- pages and limits
def test_pages_by_number_and_by_cursor(calling):
    for number in range(7):
        builders.make_category(f"C{number}")
    client = calling()
    page = client.get(f"{CATEGORIES}?page_size=3&page=3").json()
    assert (page["count"], [row["code"] for row in page["results"]], page["next"]) == (7, ["C6"], None)
    seen, address = [], "/api/v1/companies/main/latest/?page_size=3"
    while address:
        page = client.get(address).json()
        seen += [row["code"] for row in page["results"]]
        address = page["next"]
    assert seen == [f"C{number}" for number in reversed(range(7))]


@pytest.fixture
def stopped_clock(monkeypatch):
    """Second 15 of a minute; returns how to move on."""
    moment = [1_000_035.0]
    monkeypatch.setattr(throttling, "clock", lambda: moment[0])

    def forward(seconds: float) -> None:
        moment[0] += seconds

    return forward


def test_a_caller_over_the_limit_waits_and_others_do_not(calling, settings, stopped_clock):
    settings.API_CALLS_PER_MINUTE = 2
    busy, other = calling(), calling()
    assert [busy.get("/api/v1/me/").status_code for _ in range(3)] == [200, 200, 429]
    response = busy.get("/api/v1/me/")
    refused(response, 429, "too_many_requests")
    assert int(response["Retry-After"]) == 46
    assert other.get("/api/v1/me/").status_code == 200
    stopped_clock(45)
    assert busy.get("/api/v1/me/").status_code == 200


def test_trying_credentials_without_end_is_answered_less_and_holds_up_nobody_else(
    calling, settings, stopped_clock
):
    settings.API_REFUSALS_PER_MINUTE = 3
    guessing, good = APIClient(HTTP_AUTHORIZATION="Bearer jw_guess"), calling()
    assert [guessing.get("/api/v1/me/").status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    assert good.get("/api/v1/me/").status_code == 200
    stopped_clock(60)
    assert guessing.get("/api/v1/me/").status_code == 401
