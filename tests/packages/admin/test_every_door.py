"""Every address of the pages of packages, whoever knocks: no fault, no change on a look, nothing across companies."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core import serializers
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.models import CompanyMember, Entry
from notifications.models import NotificationLine, NotificationList
from packages.models import Package, PackageLine, Recurrence, Run, StatusChange
from tests import builders
from tests.admin.conftest import LEVELS, address
from tests.packages.building import active, nightly, run, step

pytestmark = pytest.mark.django_db

MODELS = (Package, PackageLine, Recurrence, Run, StatusChange, Entry, NotificationList, NotificationLine)
FORGED = {
    "action": "set-active",
    "_confirmed": "1",
    "reason": "x",
    "next": "//evil.example/",
    "name": "forged",
    "on_error": "stop",
    "time_zone": "UTC",
    "missed_run": "skip",
    "late_tolerance_minutes": "1",
    "max_duration_minutes": "1",
    "line-TOTAL": "1",
    "line-0-run_order": "1",
    "line-0-object_type": "5",
    "line-0-object_id": "90001",
    "_then": "set-active",
    "_existing": "",
}


def one_of_everything(*, count: int = 1) -> dict[str, Any]:
    """Packages in every state with a run behind them; the row behind each page."""
    for number in range(count):
        nightly(name=f"Held {number}")
        active(nightly(name=f"Failed {number}", failing=(20,)))
        active(nightly(name=f"Good {number}"))
    run()
    for package in Package.objects.filter(name__startswith="Good"):
        active(nightly(name=f"Going {package.name}"))
    step()
    return {"package": Package.objects.get(name="Held 0"), "run": Run.objects.order_by("pk").last()}


def addresses(rows: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for model, page in admin.site._registry.items():
        if model._meta.app_label != "packages":
            continue
        name = model._meta.model_name
        for pattern in page.urls:
            route = str(pattern.pattern).replace("<path:object_id>", str(rows[name].pk))
            assert "<" not in route
            yield name, f"packages/{name}/{route}"


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
        if "delete" in path or not rows[name].__class__._base_manager.filter(pk=rows[name].pk).exists():
            continue
        response = client.post(address(path), FORGED | {"_selected_action": str(rows[name].pk)})
        assert response.status_code in (200, 302, 403, 404, 422), path
        assert "evil.example" not in response.get("Location", ""), path


def test_rows_of_another_company_are_not_found_through_any_address(signed_in):
    mine = builders.make_company("mine")
    user = builders.make_user(groups=["Administrator"])
    CompanyMember.objects.create(company=mine, user=user)
    client = signed_in(user=user)
    rows = one_of_everything()
    before = everything()
    for name, path in addresses(rows):
        assert client.get(address(path)).status_code == 404, path
        if f"/{rows[name].pk}/" not in path:
            continue
        for send in (client.get, client.post):
            response = send(address(path, company=mine), FORGED)
            leads_to_404 = response.get("Location", "").endswith(f"/{rows[name].pk}/change/")
            assert response.status_code in (403, 404) or leads_to_404, path
    for verb in ("set-active", "set-on-hold", "run-now", "delete-package"):
        chosen = {"_selected_action": str(rows["package"].pk), "action": verb}
        client.post(address("packages/package/", company=mine), FORGED | chosen)
    assert everything() == before


@pytest.mark.parametrize("page", ["packages/package/", "packages/run/", "jobqueue/entry/", ""])
def test_lists_need_the_same_number_of_queries_for_more_rows(signed_in, page):
    client = signed_in(user=builders.make_superuser())
    one_of_everything()
    client.get(address(page))
    with CaptureQueriesContext(connection) as few:
        client.get(address(page))
    for number in range(8):
        active(nightly(name=f"More {number}"))
    step()
    with CaptureQueriesContext(connection) as many:
        client.get(address(page))
    assert len(many) <= len(few) + 1, [query["sql"][:120] for query in many][-12:]


def test_markup_in_what_people_write_is_shown_as_text(signed_in):
    attack = "<img src=x onerror=alert(1)>"
    package = nightly(name=attack, description=attack, lines=((attack, 10),), failing=(10,))
    active(package)
    run()
    found = Run.objects.get()
    client = signed_in("Administrator")
    client.post(address(f"packages/package/{package.pk}/set-on-hold/"), {"reason": attack})
    for page in (
        "",
        "packages/package/",
        f"packages/package/{package.pk}/change/",
        f"packages/package/{package.pk}/set-job-queues/",
        f"packages/package/{package.pk}/run-now/",
        "packages/run/",
        f"packages/run/?package={package.uuid}",
        f"packages/run/{found.pk}/change/",
        "jobqueue/entry/",
        f"jobqueue/entry/{package.lines.get().entry_id}/change/",
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
