"""Every address of the refresher's pages, whoever knocks: no fault, no change on a look, nothing across companies."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core import serializers
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.models import CompanyMember, Entry
from jobqueue.states import Status
from refresher.models import (
    ManagedByApp,
    MonitoredJob,
    RefreshLog,
    RefreshLogLine,
    RefreshSetup,
    Runner,
)
from tests import builders
from tests.admin.conftest import LEVELS, address
from tests.refresher.situations import external_mode, make_runner, ready_job, refresh

pytestmark = pytest.mark.django_db

OURS = ("monitoredjob", "refreshlog", "refreshsetup", "runner")
MODELS = (RefreshSetup, MonitoredJob, ManagedByApp, Runner, RefreshLog, RefreshLogLine, Entry)
OWN_ROUTES = ("add", "change", "delete", "history")
FORGED = {
    "action": "repair",
    "_confirmed": "1",
    "next": "//evil.example/",
    "entry": "1",
    "user": "1",
    "runner": "",
    "enabled": "on",
    "default_time_zone": "UTC",
    "object_type": "5",
    "object_id": "90001",
    "description": "forged",
    "time_zone": "UTC",
    "run_on_mondays": "on",
    "minutes_between_runs": "60",
}


def one_of_everything(*, count: int = 1) -> dict[str, Any]:
    """Monitored jobs in every condition, a pass behind them, runners in every state; the row behind each page."""
    setup = external_mode()
    broken = make_runner(failed_attempts=15, last_error="The secret has expired.")
    for number in range(count):
        ready_job(description=f"Good {number}")
        drifted, _ = ready_job(description=f"Drifted {number}")
        Entry.objects.filter(pk=drifted.pk).update(max_attempts=7)
        gone, _ = ready_job(description=f"Gone {number}")
        Entry.objects.filter(pk=gone.pk).delete()
        ready_job(description=f"Protected {number}", is_protected=True)
        ready_job(description=f"Unserved {number}", runner=broken)
        stopped, _ = ready_job(description=f"Stopped {number}")
        Entry.objects.filter(pk=stopped.pk).update(status=Status.ERROR)
        builders.make_entry(description=f"Not monitored {number}", recurring=True, run_on_mondays=True)
    refresh()
    return {
        "monitoredjob": MonitoredJob.objects.get(description="Drifted 0"),
        "refreshlog": RefreshLog.objects.latest("pk"),
        "refreshsetup": setup,
        "runner": broken,
    }


def addresses(rows: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for model, page in admin.site._registry.items():
        name = model._meta.model_name
        if model._meta.app_label != "refresher" or name not in OURS:
            continue
        for pattern in page.urls:
            route = str(pattern.pattern).replace("<path:object_id>", str(rows[name].pk))
            entry = Entry.objects.order_by("pk").values_list("pk", flat=True).last()
            route = route.replace("<int:entry_no>", str(entry))
            assert "<" not in route
            yield name, f"refresher/{name}/{route}"


def everything() -> list[str]:
    return [
        line
        for model in MODELS
        for line in serializers.serialize("jsonl", model._base_manager.order_by("pk")).splitlines()
    ]


@pytest.mark.parametrize("group", [*LEVELS, "nobody"])
def test_a_look_changes_nothing_and_is_no_fault(signed_in, group):
    client = signed_in(user=builders.make_user(groups=[group] if group in LEVELS else []))
    rows = one_of_everything()
    before = everything()
    expected = (200, 302, 403, 404) if group in LEVELS else (302, 403, 404)
    for _, path in addresses(rows):
        response = client.get(address(path))
        assert response.status_code in expected, path
    assert everything() == before


@pytest.mark.parametrize("group", ["Viewer", "nobody"])
def test_a_forged_form_changes_nothing_without_the_level(signed_in, group):
    client = signed_in(user=builders.make_user(groups=[group] if group in LEVELS else []))
    rows = one_of_everything()
    before = everything()
    for name, path in addresses(rows):
        response = client.post(address(path), FORGED | {"_selected_action": str(rows[name].pk)})
        assert response.status_code in (200, 302, 403, 404), path
        assert "evil.example" not in response.get("Location", ""), path
    assert everything() == before


@pytest.mark.parametrize("group", LEVELS[1:])
def test_a_forged_form_of_somebody_with_rights_is_never_a_fault(signed_in, group):
    client = signed_in(group)
    rows = one_of_everything()
    for name, path in addresses(rows):
        response = client.post(address(path), FORGED | {"_selected_action": str(rows[name].pk)})
        assert response.status_code in (200, 302, 403, 404, 422), path
        assert "evil.example" not in response.get("Location", ""), path


def test_rows_of_another_company_are_not_found_through_any_address(signed_in):
    mine = builders.make_company("mine")
    user = builders.make_user(groups=["Administrator"])
    CompanyMember.objects.create(company=mine, user=user)
    client = signed_in(user=user)
    rows = one_of_everything()
    before = [line for line in everything() if '"refresher.refreshsetup"' not in line]
    for name, path in addresses(rows):
        assert client.get(address(path)).status_code == 404, path
        if not re.search(r"/[0-9]+/", path):
            continue
        for send in (client.get, client.post):
            response = send(address(path, company=mine), FORGED)
            leads_to_404 = response.get("Location", "").endswith(f"/{rows[name].pk}/change/")
            assert response.status_code in (403, 404) or leads_to_404, path
    for verb in ("repair", "accept", "assign-runner", "stop-monitoring"):
        chosen = {"_selected_action": str(rows["monitoredjob"].pk), "action": verb, "_confirmed": "1"}
        client.post(address("refresher/monitoredjob/", company=mine), FORGED | chosen)
    assert [line for line in everything() if '"refresher.refreshsetup"' not in line] == before


@pytest.mark.parametrize(
    "page",
    ["refresher/monitoredjob/", "refresher/refreshlog/", "refresher/runner/", "jobqueue/entry/", ""],
)
def test_lists_need_the_same_number_of_queries_for_more_rows(signed_in, page):
    client = signed_in(user=builders.make_superuser())
    one_of_everything()
    client.get(address(page))
    with CaptureQueriesContext(connection) as few:
        client.get(address(page))
    for number in range(8):
        runner = make_runner(failed_attempts=number)
        entry, _ = ready_job(description=f"More {number}", runner=runner)
        Entry.objects.filter(pk=entry.pk).update(max_attempts=9)
    refresh()
    with CaptureQueriesContext(connection) as many:
        assert client.get(address(page)).status_code == 200
    assert len(many) <= len(few) + 1, [query["sql"][:120] for query in many][-12:]


def test_markup_in_what_people_write_is_shown_as_text(signed_in):
    attack = "<img src=x onerror=alert(1)>"
    runner = make_runner(failed_attempts=15, last_error=attack)
    setup = external_mode()
    entry, job = ready_job(description=attack, runner=runner)
    Entry.objects.filter(pk=entry.pk).update(description=attack + "!", parameter_string=attack)
    MonitoredJob.objects.filter(pk=job.pk).update(
        last_error=attack, last_reason=attack, last_refresh_status="error", registered_by=attack
    )
    refresh()
    RefreshLog.objects.update(message=attack)
    client = signed_in("Administrator")
    for page in (
        "",
        "refresher/monitoredjob/",
        f"refresher/monitoredjob/{job.pk}/change/",
        "refresher/monitoredjob/simulate/",
        "refresher/monitoredjob/recreate/",
        "refresher/monitoredjob/distribute/",
        f"refresher/refreshsetup/{setup.pk}/change/",
        "refresher/refreshlog/",
        f"refresher/refreshlog/{RefreshLog.objects.latest('pk').pk}/change/",
        "refresher/runner/",
        f"refresher/runner/{runner.pk}/change/",
        "jobqueue/entry/",
        f"jobqueue/entry/{entry.pk}/change/",
    ):
        response = client.get(address(page))
        assert response.status_code == 200, page
        assert "<img src=x" not in response.content.decode(), page


def test_no_page_carries_inline_scripts_or_addresses_of_other_hosts(signed_in):
    client = signed_in("Administrator")
    rows = one_of_everything()
    for _, path in addresses(rows):
        html = client.get(address(path)).content.decode(errors="replace")
        assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", html), path
        assert not re.search(r"\son(click|load|change|submit)=", html), path
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html), path
