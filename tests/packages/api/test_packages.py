"""Packages by the API: read, create, change, delete; locks, lost updates, and what is no input."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.models import Entry
from notifications.models import NotificationList
from packages.models import Package
from tests import builders
from tests.api.refusing import refused
from tests.packages.api.addresses import PACKAGES, of
from tests.packages.building import active, make_package, nightly, reloaded, run, step

pytestmark = pytest.mark.django_db


def test_a_package_is_made_changed_and_deleted(calling):
    client = calling("Scheduler", scopes=["schedule"])
    made = client.post(
        PACKAGES, {"name": "Nightly", "on_error": "Finish Run, then Stop", "time_zone": "Europe/Amsterdam"}
    )
    assert made.status_code == 201
    body = made.json()
    assert (body["status"], body["on_error"], body["lines"]) == ("On Hold", "Finish Run, then Stop", [])
    assert client.get(made["Location"]).json()["id"] == body["id"]
    changed = client.patch(made["Location"], {"description": "At night", "missed_run": "skip"})
    assert changed.status_code == 200
    assert (changed.json()["description"], changed.json()["missed_run"]) == ("At night", "Skip")
    assert client.delete(made["Location"]).status_code == 204
    refused(client.get(made["Location"]), 404, "not_found")


def test_one_answer_shows_lines_entries_and_recurrences(calling):
    package = nightly()
    line = package.lines.get(run_order=10)
    Entry.objects.filter(pk=line.entry_id).update(parameters={"password": "secret", "rows": 5})
    body = calling("Viewer").get(of(package)).json()
    assert [(line["run_order"], line["entry"]["description"]) for line in body["lines"]] == [
        (10, "Import"),
        (20, "Calculate"),
        (30, "Post"),
        (40, "Report"),
    ]
    assert body["lines"][0]["entry"]["parameters"]["rows"] == 5
    assert "secret" not in str(body)
    assert body["recurrences"][0]["weekdays"] == [1, 2, 3, 4, 5, 6, 7]
    assert "22:00" in body["recurrences"][0]["words"]


def test_the_open_run_is_shown(calling):
    package = active(nightly())
    client = calling("Viewer")
    assert client.get(f"{PACKAGES}?running=true").json()["count"] == 0
    step()
    row = client.get(f"{PACKAGES}?running=true").json()["results"][0]
    assert (row["running"], row["status"]) == (True, "Active")
    assert row["running_line"].startswith("1 of 4: Import")
    run()
    row = client.get(PACKAGES).json()["results"][0]
    assert (row["running"], row["run"], row["last_outcome"]) == (False, None, "Success")
    assert row["next_run_local"] == "2026-11-21T22:00:00+01:00"
    assert str(package.uuid) == row["id"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=Active", ["Nightly"]),
        ("status=On Hold&status=Active", ["Monthly", "Nightly"]),
        ("on_error=Continue", ["Monthly"]),
        ("search=month", ["Monthly"]),
        ("ordering=-name", ["Nightly", "Monthly"]),
        ("last_outcome=Error", []),
    ],
)
def test_the_list_is_narrowed_as_in_the_admin(calling, query, names):
    active(nightly())
    make_package("Monthly", on_error="continue")
    rows = calling("Viewer").get(f"{PACKAGES}?{query}").json()["results"]
    assert [row["name"] for row in rows] == names


def test_a_list_costs_the_same_for_five_and_for_fifty(calling):
    client = calling("Viewer")

    def queries() -> int:
        client.get(PACKAGES)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get(PACKAGES).status_code == 200
        return len(seen)

    for number in range(5):
        step_package(number)
    few = queries()
    for number in range(5, 50):
        step_package(number)
    assert queries() == few


def step_package(number: int) -> None:
    package = make_package(f"P{number}")
    shared, _ = NotificationList.objects.get_or_create(company=package.company, name="On call")
    package.notification_lists.add(shared)


# --- locked, changed meanwhile
CHANGES = (
    ("patch", "", {"description": "x"}),
    ("delete", "", None),
    ("post", "lines/", {"entry": {"object_id": 90001}}),
    ("post", "recurrences/", {"weekdays": [1]}),
)


@pytest.mark.parametrize(("method", "rest", "body"), CHANGES)
def test_nothing_of_an_active_package_can_be_changed(calling, method, rest, body):
    package = active(nightly())
    found = refused(getattr(calling("Scheduler"), method)(of(package, rest), body), 409, "package_locked")
    assert f"“{package}” is Active" in found["detail"]
    assert "On Hold" in found["detail"]


@pytest.mark.parametrize(("method", "rest", "body"), CHANGES)
def test_a_change_on_an_older_state_is_refused(calling, method, rest, body):
    package, client = nightly(), calling("Scheduler")
    seen = client.get(of(package))["ETag"]
    client.patch(of(package), {"description": "by somebody else"})
    revision = reloaded(package).revision
    old = {"headers": {"If-Match": seen}}
    refused(getattr(client, method)(of(package, rest), body, **old), 412, "changed_meanwhile")
    assert reloaded(package).revision == revision
    fresh = {"headers": {"If-Match": client.get(of(package))["ETag"]}}
    assert getattr(client, method)(of(package, rest), body, **fresh).status_code < 300


def test_an_etag_of_nothing_is_refused(calling):
    header = {"headers": {"If-Match": "seven"}}
    refused(calling("Scheduler").patch(of(nightly()), {"description": "x"}, **header), 400, "if_match")


def test_an_unchanged_package_is_not_sent_again(calling):
    package, client = active(nightly()), calling("Viewer")
    tag = client.get(of(package))["ETag"]
    known = {"headers": {"If-None-Match": tag}}
    assert client.get(of(package), **known).status_code == 304
    step()
    assert client.get(of(package), **known).status_code == 200


# --- no input
@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"name": ""}, "name", "blank"),
        ({}, "name", "required"),
        ({"name": "N", "status": "Active"}, "status", "read_only_field"),
        ({"name": "N", "colour": "red"}, "colour", "unknown_field"),
        ({"name": "N", "on_error": "Shrug"}, "on_error", "invalid_choice"),
        ({"name": "N", "on_error": ["Stop"]}, "on_error", "invalid_choice"),
        ({"name": "N", "time_zone": "Mars/Base"}, "time_zone", "unknown_time_zone"),
        ({"name": "N", "late_tolerance_minutes": -1}, "late_tolerance_minutes", "min_value"),
        ({"name": "N", "run_as_user": "nobody-known"}, "run_as_user", "unknown_user"),
        ({"name": "x" * 101}, "name", "max_length"),
        ([1], "", "invalid"),
    ],
)
def test_wrong_input_names_the_field_and_makes_nothing(calling, body, field, code):
    found = refused(calling("Administrator").post(PACKAGES, body), 400, "invalid")
    assert (found["errors"][0]["field"], found["errors"][0]["code"]) == (field, code)
    assert not Package.objects.exists()


def test_a_name_is_taken_once(calling):
    make_package("Nightly")
    found = refused(calling("Scheduler").post(PACKAGES, {"name": "NIGHTLY"}), 400, "invalid")
    assert found["errors"][0]["field"] == "name"


def test_shared_lists_are_those_of_the_company(calling, company):
    client, package = calling("Scheduler"), nightly()
    ours = NotificationList.objects.create(company=company, name="On call")
    theirs = NotificationList.objects.create(company=builders.make_company("other"), name="Theirs")
    answer = client.patch(of(package), {"notification_lists": [ours.pk]})
    assert answer.json()["notification_lists"] == [ours.pk]
    refused(client.patch(of(package), {"notification_lists": [theirs.pk]}), 400, "invalid")
    assert [one.pk for one in package.notification_lists.all()] == [ours.pk]


# --- who may
@pytest.mark.parametrize("group", ["Viewer", "Operator"])
@pytest.mark.parametrize(("method", "rest", "body"), CHANGES)
def test_who_may_not_change_in_the_admin_may_not_here(calling, group, method, rest, body):
    package = nightly()
    refused(getattr(calling(group), method)(of(package, rest), body), 403, "not_allowed")
    assert reloaded(package).revision == package.revision


def test_the_scope_of_the_token_limits_its_user(calling):
    client = calling("Administrator", scopes=["view"])
    assert client.get(PACKAGES).status_code == 200
    refused(client.post(PACKAGES, {"name": "N"}), 403, "scope_missing")


def test_rights_are_those_of_packages_not_of_entries(calling):
    user = builders.make_user(permissions=["packages.view_package"])
    assert calling(user=user).get(PACKAGES).status_code == 200
    refused(
        calling(user=builders.make_user(permissions=["jobqueue.view_entry"])).get(PACKAGES),
        403,
        "not_allowed",
    )


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("get", ""), ("patch", ""), ("delete", ""), ("post", "set-active/"), ("post", "set-on-hold/"),
        ("post", "run-now/"), ("post", "resume/"), ("post", "cancel/"), ("post", "copy/"), ("get", "problems/"),
        ("get", "warnings/"), ("get", "explain/"), ("get", "preview/"), ("get", "status-changes/"), ("get", "lines/"),
        ("post", "lines/reorder/"), ("get", "recurrences/"),
    ],
)  # fmt: skip
def test_packages_of_another_company_do_not_exist(calling, method, rest):
    theirs = make_package("Theirs", company=builders.make_company("other"))
    body = {"lines": []} if rest.endswith("reorder/") else {}
    refused(getattr(calling(), method)(of(theirs, rest), body), 404, "not_found")
    refused(getattr(calling(), method)(f"{PACKAGES}{uuid4()}/{rest}", body), 404, "not_found")


def test_unknown_query_parameters_are_refused(calling):
    refused(calling().get(f"{PACKAGES}?colour=red"), 400, "invalid")
    refused(calling().get(f"{PACKAGES}?status=Busy"), 400, "invalid")
