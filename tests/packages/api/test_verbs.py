"""The verbs of packages and runs by the API, lines and recurrences, the log, and many packages at once."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from packages.models import Run
from packages.states import Outcome, PackageStatus, Trigger
from tests import builders
from tests.api.refusing import refused
from tests.packages.api.addresses import PACKAGES, RUNS, of
from tests.packages.building import (
    FRIDAY_NOON,
    active,
    add_line,
    last_run,
    make_package,
    nightly,
    reloaded,
    results_of,
    run,
    step,
    with_recipients,
)

pytestmark = pytest.mark.django_db


def now():
    return timezone.now() + timedelta(seconds=1)


# --- on and off
def test_set_active_and_on_hold(calling):
    package, client = nightly(), calling("Operator", scopes=["operate"])
    answer = client.post(of(package, "set-active/"))
    assert answer.status_code == 200, answer.content
    assert (answer.json()["status"], answer.json()["activated_by"]) == ("Active", client.user.username)
    assert {one["code"] for one in answer.json()["warnings"]} == {"nobody_listed", "same_job"}
    found = refused(client.post(of(package, "set-active/")), 409, "already_active")
    assert found["detail"] == f"“{package}” is already Active."
    held = client.post(of(package, "set-on-hold/"), {"reason": "Stocktaking"})
    assert (held.json()["status"], held.json()["hold_reason"]) == ("On Hold", "Stocktaking")
    changes = client.get(of(package, "status-changes/")).json()["results"]
    assert [(one["to_status"], one["origin"]) for one in changes] == [("On Hold", "api"), ("Active", "api")]


def test_everything_that_stands_against_it_is_told_at_once(calling):
    package = make_package()
    add_line(package, "Import", 10)
    add_line(package, "Again", 10)
    client = calling("Operator")
    found = refused(client.post(of(package, "set-active/")), 409, "cannot_start")
    by_line = {(one["field"], one["code"]) for one in found["errors"]}
    assert ("lines[run_order=10]", "run_order_twice") in by_line
    assert ("", "never_runs") in by_line
    problems = client.get(of(package, "problems/")).json()
    assert {(one["line"], one["code"]) for one in problems} == {(10, "run_order_twice"), (None, "never_runs")}
    assert all(one["line_id"] for one in problems if one["line"])
    assert reloaded(package).status == PackageStatus.ON_HOLD


def test_a_state_seen_before_is_not_set_active(calling):
    package, client = nightly(), calling("Scheduler")
    seen = client.get(of(package))["ETag"]
    client.patch(of(package), {"description": "changed"})
    for verb in ("set-active/", "set-on-hold/", "run-now/"):
        answer = client.post(of(package, verb), headers={"If-Match": seen})
        refused(answer, 412, "changed_meanwhile")


# --- runs
def test_run_now_resume_and_the_log(calling):
    package, client = nightly(failing=[30]), calling("Operator")
    answer = client.post(of(package, "run-now/"))
    assert answer.status_code == 202, answer.content
    assert (answer.json()["trigger"], answer.json()["is_open"]) == ("Manual", True)
    found = refused(client.post(of(package, "run-now/")), 409, "already_running")
    assert "already running" in found["detail"]
    run(now())
    body = client.get(answer["Location"]).json()
    assert (body["outcome"], body["lines_failed"]) == ("Error", 1)
    assert [line["result"] for line in body["lines"]] == ["Success", "Success", "Error", "Skipped"]
    assert len(body["lines"][0]["log_entries"]) == 1
    assert "parameters" not in body["lines"][0]
    again = client.post(f"{RUNS}{body['number']}/resume/")
    assert again.status_code == 202
    assert again.json()["resumed_from"] == body["number"]
    run(now())
    refused(client.post(f"{RUNS}{body['number']}/resume/"), 409, "already_resumed")
    assert client.post(of(package, "resume/")).status_code == 202


def test_from_a_line_and_only_a_line(calling):
    package, client = nightly(), calling("Operator")
    assert client.post(of(package, "run-now/"), {"from_line": 30}).status_code == 202
    run(now())
    assert results_of(last_run(package)) == ["Left Out", "Left Out", "Success", "Success"]
    assert client.post(of(package, "run-now/"), {"only_line": 20}).status_code == 202
    run(now())
    assert results_of(last_run(package)) == ["Left Out", "Success", "Left Out", "Left Out"]
    refused(client.post(of(package, "run-now/"), {"from_line": 10, "only_line": 20}), 409, "both_given")
    refused(client.post(of(package, "run-now/"), {"from_line": 15}), 404, "not_found")
    refused(client.post(of(package, "run-now/"), {"from_line": "ten"}), 400, "invalid")
    refused(client.post(of(package, "run-now/"), {"line": 10}), 400, "invalid")


def test_cancel_ends_the_open_run(calling):
    package, client = active(nightly()), calling("Operator")
    refused(client.post(of(package, "cancel/")), 409, "not_running")
    step()
    answer = client.post(of(package, "cancel/"), {"reason": "Wrong file"})
    assert answer.status_code == 202
    assert answer.json()["cancel_reason"] == "Wrong file"
    assert answer.json()["cancelled_by"] == client.user.username
    run()
    number = answer.json()["number"]
    refused(client.post(f"{RUNS}{number}/cancel/"), 409, "not_running")
    assert client.get(f"{RUNS}{number}/").json()["outcome"] in ("Error", "Stopped")


def test_the_log_comes_in_cursor_pages_and_narrows(calling):
    package, client = nightly(failing=[30]), calling("Viewer")
    for _ in range(3):
        calling("Operator").post(of(package, "run-now/"))
        run(now())
    seen, address = [], f"{RUNS}?page_size=2&package={package.uuid}"
    while address:
        page = client.get(address).json()
        seen += [row["number"] for row in page["results"]]
        address = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 3
    for query, count in (
        ("outcome=Error", 3),
        ("outcome=Success", 0),
        ("running=true", 0),
        ("search=night", 3),
    ):
        assert len(client.get(f"{RUNS}?{query}").json()["results"]) == count, query
    assert client.get(f"{RUNS}?package={uuid4()}").json()["results"] == []
    refused(client.get(f"{RUNS}99999999999999999999999/"), 404, "not_found")


def test_the_log_costs_the_same_for_five_and_for_fifty(calling):
    package, client = nightly(), calling("Viewer")

    def made(count: int) -> int:
        Run.objects.bulk_create(
            Run(
                company=package.company,
                package=package,
                package_uuid=package.uuid,
                package_name=package.name,
                trigger=Trigger.MANUAL,
                due_at=FRIDAY_NOON,
                on_error="stop",
                outcome=Outcome.SUCCESS,
                started_by=builders.make_user(),
            )
            for _ in range(count)
        )
        with CaptureQueriesContext(connection) as seen:
            client.get(RUNS)
        return len(seen)

    client.get(RUNS)
    assert made(5) == made(45)


def test_runs_of_another_company_do_not_exist(calling):
    theirs = make_package("Theirs", company=builders.make_company("other"))
    row = Run.objects.create(
        company=theirs.company, package=theirs, package_uuid=theirs.uuid, package_name="Theirs",
        trigger=Trigger.MANUAL, due_at=FRIDAY_NOON, on_error="stop", outcome=Outcome.ERROR,
    )  # fmt: skip
    refused(calling().get(f"{RUNS}{row.pk}/"), 404, "not_found")
    for verb in ("resume/", "cancel/"):
        refused(calling().post(f"{RUNS}{row.pk}/{verb}"), 404, "not_found")
    assert calling().get(RUNS).json()["results"] == []


@pytest.mark.parametrize("verb", ["set-active/", "set-on-hold/", "run-now/", "resume/", "cancel/"])
def test_viewers_operate_nothing(calling, verb):
    refused(calling("Viewer").post(of(nightly(), verb)), 403, "not_allowed")
    refused(calling("Operator").post(of(nightly(name="Other"), "copy/")), 403, "not_allowed")


# --- asking
def test_explain_preview_and_warnings(calling):
    package, client = with_recipients(active(nightly())), calling("Viewer")
    assert {one["code"] for one in client.get(of(package, "warnings/")).json()} == {"same_job"}
    coming = client.get(of(package, "preview/")).json()
    assert len(coming) == 20
    assert coming[0]["local"].endswith("22:00:00+01:00")
    assert len(client.get(of(package, "preview/?count=3")).json()) == 3
    refused(client.get(of(package, "preview/?count=0")), 400, "invalid")
    explained = client.get(of(package, "explain/")).json()
    assert explained["answers"][0] == {
        "question": "The schedule is on", "open": True, "reason": "The package is Active.", "opener": "nobody",
        "verb": "", "opens_at": None,
    }  # fmt: skip


def test_copy(calling):
    package, client = active(nightly()), calling("Scheduler")
    first = client.post(of(package, "copy/"))
    assert first.status_code == 201
    assert (first.json()["name"], first.json()["status"]) == ("Nightly (copy)", "On Hold")
    assert [line["run_order"] for line in first.json()["lines"]] == [10, 20, 30, 40]
    assert client.post(of(package, "copy/"), {"name": "Mine"}).json()["name"] == "Mine"
    refused(client.post(of(package, "copy/"), {"name": "Mine"}), 400, "invalid")


# --- lines and recurrences
def test_lines_are_added_changed_reordered_and_removed(calling):
    package, client = make_package(), calling("Administrator")
    lines = of(package, "lines/")
    new = client.post(
        lines,
        {
            "entry": {
                "object_type": "Codeunit",
                "object_id": 90001,
                "description": "Import",
                "max_attempts": 3,
            }
        },
    )
    assert new.status_code == 201, new.content
    assert (new.json()["run_order"], new.json()["entry"]["max_attempts"]) == (10, 3)
    source = builders.make_entry(description="Invoices")
    copied = client.post(lines, {"copy_of": str(source.id), "run_order": 20, "on_error": "Continue"})
    assert copied.status_code == 201, copied.content
    assert (copied.json()["entry"]["description"], copied.json()["on_error"]) == ("Invoices", "Continue")
    changed = client.patch(
        new["Location"], {"enabled": False, "entry": {"description": "Import orders", "priority": "High"}}
    )
    assert changed.status_code == 200, changed.content
    assert (changed.json()["enabled"], changed.json()["entry"]["description"]) == (False, "Import orders")
    assert changed.json()["entry"]["priority"] == "High"
    turned = client.post(f"{lines}reorder/", {"lines": [copied.json()["id"], new.json()["id"]]})
    assert [one["entry"]["description"] for one in turned.json()] == ["Invoices", "Import orders"]
    refused(client.post(f"{lines}reorder/", {"lines": [new.json()["id"]]}), 409, "changed_meanwhile")
    assert client.patch(copied["Location"], {"on_error": None}).json()["on_error"] is None
    assert client.delete(new["Location"]).status_code == 204
    refused(client.get(new["Location"]), 404, "not_found")
    assert len(client.get(lines).json()) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"run_order": 0, "entry": {"object_id": 90001}}, "run_order"),
        ({"entry": {"object_id": 12345678}}, "object_id"),
        ({"entry": {"object_id": 90001, "run_on_mondays": True}}, "entry.run_on_mondays"),
        ({"entry": {"object_id": 90001, "status": "Ready"}}, "entry.status"),
        ({"entry": {"object_id": 90001, "parameters": [1]}}, "entry.parameters"),
        ({"entry": {"object_id": 90001}, "copy_of": str(uuid4())}, "copy_of"),
        ({"entry": 7}, "entry"),
    ],
)
def test_a_wrong_line_adds_nothing(calling, body, field):
    package = make_package()
    found = refused(calling("Administrator").post(of(package, "lines/"), body), 400, "invalid")
    assert field in [one["field"] for one in found["errors"]]
    assert not package.lines.exists()


def test_entries_of_another_company_are_not_copied(calling):
    theirs = builders.make_entry(company=builders.make_company("other"))
    refused(calling().post(of(make_package(), "lines/"), {"copy_of": str(theirs.id)}), 404, "not_found")


def test_a_line_is_found_in_its_own_package_only(calling):
    line = nightly().lines.first()
    other = make_package("Other")
    refused(calling().get(of(other, f"lines/{line.uuid}/")), 404, "not_found")


def test_recurrences(calling):
    package, client = make_package(), calling("Scheduler")
    rows = of(package, "recurrences/")
    made = client.post(rows, {"weekdays": [1, 5], "starting_time": "06:30"})
    assert made.status_code == 201, made.content
    assert (made.json()["weekdays"], made.json()["starting_time"]) == ([1, 5], "06:30:00")
    changed = client.patch(made["Location"], {"next_run_date_formula": "CM"})
    assert (changed.json()["weekdays"], changed.json()["next_run_date_formula"]) == ([], "CM")
    found = refused(client.post(rows, {"weekdays": [1], "next_run_date_formula": "CM"}), 400, "invalid")
    assert found["errors"][0]["code"] == "formula_excludes_weekdays"
    refused(client.post(rows, {"weekdays": [8]}), 400, "invalid")
    refused(client.post(rows, {"run_on_mondays": True}), 400, "invalid")
    refused(client.post(rows, {}), 400, "invalid")
    assert client.delete(made["Location"]).status_code == 204
    assert client.get(rows).json() == []


# --- many at once
def test_many_packages_each_by_itself(calling):
    good, empty = nightly(), make_package("Empty")
    theirs = make_package("Theirs", company=builders.make_company("other"))
    client = calling("Operator")
    keys = [str(one.uuid) for one in (good, empty, theirs)]
    answer = client.post(f"{PACKAGES}set-active/", {"packages": [*keys, keys[0]]})
    assert answer.status_code == 200
    done, refusal, foreign = answer.json()["results"]
    assert done == {"id": keys[0], "done": True}
    assert (refusal["done"], refusal["code"]) == (False, "cannot_start")
    assert {one["code"] for one in refusal["errors"]} == {"no_enabled_line", "never_runs"}
    assert (foreign["done"], foreign["code"]) == (False, "not_found")
    held = client.post(f"{PACKAGES}set-on-hold/", {"packages": keys[:2], "reason": "Stocktaking"})
    assert [one["done"] for one in held.json()["results"]] == [True, False]
    assert reloaded(good).hold_reason == "Stocktaking"
    refused(client.post(f"{PACKAGES}set-active/", {"packages": []}), 400, "invalid")
    refused(client.post(f"{PACKAGES}set-active/", {"packages": ["x"]}), 400, "invalid")
    refused(calling("Viewer").post(f"{PACKAGES}set-active/", {"packages": keys}), 403, "not_allowed")
