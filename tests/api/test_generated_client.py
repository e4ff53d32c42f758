"""A Python client generated from the OpenAPI document, as an integrator would, used against a server."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.cache import caches

from jobqueue import api_tokens
from jobqueue.models import Entry
from jobqueue.scheduler import database_now
from jobqueue.states import Status
from tests import builders
from tests.api.test_enqueue import run_everything
from tests.jobobjects import jobs

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PACKAGE = "generated_jobwarden_client"
CONFIGURATION = {"package_name_override": PACKAGE, "post_hooks": [], "http_timeout": 30}


def generated(document: dict[str, Any], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs the generator on the document; the client is a package in ``folder``."""
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "configuration.json").write_text(json.dumps(CONFIGURATION))
    return subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", "openapi.json", "--output-path", PACKAGE, "--config", "configuration.json"),
            "--fail-on-warning",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def token(db: None) -> str:
    caches["shared"].clear()
    builders.default_company()
    now = database_now()
    _, text = api_tokens.make_personal(
        builders.actor_of(builders.make_user(groups=["Scheduler"])),
        name="generated client",
        scopes=["schedule"],
        now=now,
        expires_at=now + timedelta(days=1),
    )
    return text


@pytest.fixture
def client(live_server: Any, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The generated package, made from the document the server itself gives."""
    import httpx

    answer = httpx.get(
        f"{live_server.url}/api/v1/openapi.json", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )
    assert answer.status_code == 200
    done = generated(answer.json(), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout.upper(), done.stdout
    monkeypatch.syspath_prepend(str(tmp_path))
    package = importlib.import_module(PACKAGE)
    yield package.AuthenticatedClient(base_url=live_server.url, token=token, raise_on_unexpected_status=True)
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def operation(tag: str, name: str) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")


def models() -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.models")


def test_an_integration_lists_creates_releases_explains_and_enqueues(client):
    me = operation("me", "me").sync(client=client)
    assert me.companies[0].code == "main"

    # Create: On Hold as a draft.
    body = models().EntryWriteRequest(
        object_id=jobs.SUCCESS, description="By a generated client", weekdays=[1, 2], minutes_between_runs=30
    )
    made = operation("entries", "entries_create").sync(company="main", client=client, body=body)
    assert isinstance(made, models().Entry), made
    assert (made.status.value, made.hold_kind.value, made.weekdays) == ("On Hold", "draft", [1, 2])

    # List, with a filter and pages.
    found = operation("entries", "entries_list").sync(
        company="main", client=client, status=[models().EntriesListStatusItem("On Hold")]
    )
    assert (found.count, [row.entry_no for row in found.results]) == (1, [made.entry_no])

    # A refusal is a value of its own type.
    wrong = models().EntryWriteRequest(object_id=jobs.SUCCESS, description="x", max_attempts=-1)
    refused = operation("entries", "entries_create").sync(company="main", client=client, body=wrong)
    assert isinstance(refused, models().Problem), refused
    assert (refused.status, refused.code, refused.errors[0].field) == (400, "invalid", "max_attempts")

    # Set Ready on what was seen, and why it does not run at once.
    name = str(made.entry_no)
    done = operation("entries", "entries_set_ready").sync(
        company="main", entry=name, client=client, if_match=f'"{made.revision}"'
    )
    assert (done.done, done.entry.status.value) == (True, "Ready")
    late = operation("entries", "entries_set_ready").sync(
        company="main", entry=name, client=client, if_match=f'"{made.revision}"'
    )
    assert (late.status, late.code) == (412, "changed_meanwhile")
    why = operation("entries", "entries_explain").sync(company="main", entry=name, client=client)
    assert why.sentence
    assert why.gates[0].name
    Entry.objects.all().delete()

    # Enqueue, repeated with the same key, and followed to its end.
    job = models().EntryWriteRequest(object_id=jobs.SUCCESS, description="Once")
    first = operation("enqueue", "enqueue").sync(
        company="main", client=client, body=job, idempotency_key="order-1"
    )
    again = operation("enqueue", "enqueue").sync(
        company="main", client=client, body=job, idempotency_key="order-1"
    )
    assert (first.finished, again.entry_id) == (False, first.entry_id)
    assert Entry.objects.get().status == Status.READY
    run_everything()
    ended = operation("enqueue", "enqueue_status").sync(
        company="main", entry_id=first.entry_id, client=client
    )
    assert (ended.finished, ended.status.value, ended.entry) == (True, "Success", None)
