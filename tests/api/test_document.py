"""The OpenAPI document: complete, honest, and shown on a page that loads nothing from other hosts."""

import json
import re

import pytest
from django.core.management import call_command
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from tests import builders
from tests.api.refusing import refused

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
