"""The document against the product: generated calls find no failure of the server and no undocumented answer."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import application
from jobqueue.api import waiting
from jobqueue.states import LogStatus
from tests import builders
from tests.api.test_lists import LISTS
from tests.jobobjects import jobs

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("API_EXAMPLES", "2"))
SEED = os.environ.get(
    "API_SEED", ""
)  # other calls than those of the suite; the same ones for the same number

SCHEMA = schemathesis.openapi.from_dict(
    SchemaGenerator(api_version="v1").get_schema(request=None, public=True)
)
SCHEMA.app = application
OPERATIONS = {found.ok().definition.raw["operationId"]: found.ok() for found in SCHEMA.get_all_operations()}


@pytest.fixture
def known(calling: Any) -> dict[str, Any]:
    """Something of everything, so that not every address is a 404."""
    company, client = builders.default_company(), calling()
    for make in LISTS.values():
        make(company, client.user)
    entry = builders.make_entry(object_id=jobs.SUCCESS, user=client.user)
    row = builders.make_log_entry(entry, status=LogStatus.IN_PROCESS)
    return {
        "Authorization": f"Bearer {client.text}",
        "company": company.code,
        "entry": str(entry.pk),
        "entry_id": str(entry.id),
        "log_entry": str(row.pk),
        "code": builders.make_category("BANK").code,
    }


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_generated_calls_are_answered_as_the_document_says(name, known, settings_of_the_test):
    operation = OPERATIONS[name]

    @(seed(int(SEED)) if SEED else lambda test: test)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=not SEED,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), real=st.integers(0, 3))
    def calls(case: Any, real: int) -> None:
        path = dict(case.path_parameters or {})
        if real:
            path |= {key: known[key] for key in path if key in known}
        elif "company" in path:
            path["company"] = known["company"]
        case.path_parameters = path
        response = case.call(headers={"Authorization": known["Authorization"]})
        case.validate_response(response, checks=CHECKS)

    calls()


@pytest.fixture
def settings_of_the_test(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.API_CALLS_PER_MINUTE = 1_000_000
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setattr(waiting, "until_ended", lambda entry_id, seconds: False)
    # As Django's own test client: the test's transaction lives on this thread's connection.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
