"""The OpenAPI document: complete, honest, and shown on a page that loads nothing from other hosts."""

import json
import re

import jsonschema
import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from notifications.channels.targets import payload_of
from tests import builders
from tests.api.operations import schemas
from tests.api.refusing import refused
from tests.notifications.admin.test_mail_log import make_message

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator(api_version="v1").get_schema(request=None, public=True)


def operations(document):
    return [
        (method, path, operation)
        for path, found in document["paths"].items()
        for method, operation in found.items()
        if method in METHODS
    ]


def test_the_document_is_made_without_warnings(tmp_path):
    call_command(
        "spectacular",
        "--validate",
        "--fail-on-warn",
        "--api-version",
        "v1",
        "--file",
        str(tmp_path / "openapi.yaml"),
    )


def test_every_operation_has_a_name_that_stays_a_summary_and_its_refusals(document):
    assert document["openapi"].startswith("3.1")
    found = operations(document)
    names = [operation["operationId"] for _, _, operation in found]
    assert len(names) == len(set(names)) > 60
    for method, path, operation in found:
        assert operation["summary"], path
        assert re.fullmatch(r"[a-z][a-z0-9_]*", operation["operationId"]), operation["operationId"]
        wanted = {"400", "401", "403", "404", "406", "429"} | ({"409", "415"} if method != "get" else set())
        assert wanted <= set(operation["responses"]), (method, path)


@pytest.mark.parametrize(
    "name",
    [
        "entries_list",
        "entries_set_ready",
        "entries_bulk_set_on_hold",
        "enqueue",
        "log_entries_lines",
        "doctor",
    ],
)
def test_operation_ids_integrations_rely_on_are_there(document, name):
    assert name in [operation["operationId"] for _, _, operation in operations(document)]


def test_every_body_has_an_example_that_fits_it(document):
    shown = 0
    for method, path, operation in operations(document):
        bodies = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for where, body in bodies.items():
            media = body.get("content", {}).get("application/json")
            if media is None:
                continue
            assert media["examples"], (method, path, where)
            schema = {**media["schema"], "components": document["components"]}
            for example in media["examples"].values():
                found = [
                    error.message for error in Draft202012Validator(schema).iter_errors(example["value"])
                ]
                assert not found, (method, path, where, found[:3])
                shown += 1
    assert shown > 200


def test_null_is_written_as_openapi_3_1_writes_it(document):
    assert '"nullable"' not in json.dumps(document)


def test_no_body_lets_a_status_be_written(document):
    for _, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        for media in content.values():
            name = media["schema"].get("$ref", "").rpartition("/")[2]
            fields = document["components"]["schemas"].get(name, {}).get("properties", {})
            assert "status" not in fields, path


def test_it_is_written_in_the_words_of_its_own_version(document):
    for found in schemas(document):
        assert "nullable" not in found, found
    following = document["components"]["schemas"]["PaginatedLogEntryList"]["properties"]["next"]
    assert following["type"] == ["string", "null"]


def test_only_what_is_read_comes_in_pages(document):
    for method, path, operation in operations(document):
        if method == "get":
            continue
        parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert not parameters & {"page", "page_size", "cursor", "search", "ordering"}, path
        assert "Paginated" not in json.dumps(operation["responses"]), path


def test_every_refusal_has_its_shape_and_every_answer_to_get_its_etag(document):
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            assert (
                status < "400" or "$ref" in response or "application/problem+json" in response["content"]
            ), path
        if method == "get" and "application/json" in operation["responses"]["200"]["content"]:
            assert "If-None-Match" in {parameter["name"] for parameter in operation["parameters"]}, path
            assert "ETag" in operation["responses"]["200"]["headers"], path
    enqueue = next(found for _, _, found in operations(document) if found["operationId"] == "enqueue")
    assert {"Location", "Retry-After"} <= set(enqueue["responses"]["202"]["headers"])
    assert "Idempotency-Replayed" in enqueue["responses"]["200"]["headers"]


def test_every_parameter_is_explained(document):
    for _, path, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description") or parameter["in"] == "query", (path, parameter["name"])


def test_it_says_what_holds_everywhere(document):
    for word in ("Bearer", "If-None-Match", "429", "page_size", "token_expired", "set-ready"):
        assert word in document["info"]["description"]


@pytest.mark.django_db
def test_what_webhooks_are_sent_is_what_it_says(document):
    posted = document["webhooks"]["event"]["post"]
    assert [one["name"] for one in posted["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    media = posted["requestBody"]["content"]["application/json"]
    jsonschema.validate(media["examples"]["failed"]["value"], media["schema"])
    message = make_message("failed")
    sent = json.loads(json.dumps(payload_of(message)))
    jsonschema.validate(sent, media["schema"])
    assert set(sent["data"]) == set(media["schema"]["properties"]["data"]["properties"])
    message.scenario, message.is_test = "", True
    assert payload_of(message)["type"] == "test"


@pytest.mark.django_db
def test_the_document_is_for_whoever_has_credentials(calling):
    client = calling("Viewer", scopes=["view"])
    answer = client.get("/api/v1/openapi.json")
    assert answer.json()["info"]["title"] == "Jobwarden"
    assert client.get("/api/v1/openapi.json", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    refused(Client().get("/api/v1/openapi.json"), 401, "not_authenticated")


@pytest.mark.django_db
def test_the_page_asks_to_sign_in_and_loads_nothing_from_elsewhere(client):
    asked = client.get("/api/v1/docs")
    assert (asked.status_code, asked["Location"]) == (302, "/admin/login/?next=/api/v1/docs")
    client.force_login(builders.make_user(groups=["Viewer"]))
    for address in ("/api/v1/docs", "/api/v1/docs?script="):
        page = client.get(address)
        assert page.status_code == 200
        policy = page["Content-Security-Policy"]
        assert "script-src 'self';" in f"{policy};"
        assert "http" not in policy
        addresses = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
        assert all(not found.startswith(("http", "//")) for found in addresses)
    assert b"<script>" not in client.get("/api/v1/docs").content
