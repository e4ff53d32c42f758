"""Entries by the API: definitions, verbs one by one and for many, conditions, and who may not."""

import pytest

from jobqueue.models import Entry, EntryChange, LogEntry
from jobqueue.states import LogStatus, Status
from tests import builders
from tests.api.refusing import refused
from tests.jobobjects import jobs
from tests.jobqueue.driving import run

pytestmark = pytest.mark.django_db
ENTRIES = "/api/v1/companies/main/entries/"


def created(client, **values):
    answer = client.post(ENTRIES, {"object_id": jobs.SUCCESS, **values})
    assert answer.status_code == 201, answer.content
    return answer


# --- definitions
def test_an_entry_is_created_on_hold_with_what_the_company_and_the_object_say(calling):
    client = calling("Scheduler", scopes=["schedule"])
    answer = created(client, weekdays=[1, 5], minutes_between_runs=30, starting_time="08:00", priority="high")
    entry = answer.json()
    assert (entry["status"], entry["hold_kind"], entry["user"]) == ("On Hold", "draft", client.user.username)
    assert (entry["weekdays"], entry["recurring"], entry["starting_time"]) == ([1, 5], True, "08:00:00")
    assert (entry["priority"], entry["object_caption"], entry["scheduled"]) == ("High", "Succeed", False)
    assert entry["recurrence_anchor"] == "completion"
    assert answer["Location"].endswith(f"{ENTRIES}{entry['entry_no']}/")
    assert client.get(answer["Location"]).json() == entry
    assert client.get(f"{ENTRIES}{entry['id']}/").json() == entry


def test_the_history_names_the_door_the_user_and_the_token(calling):
    client = calling()
    entry = created(client).json()
    change = EntryChange.objects.get(entry_id=entry["id"])
    assert (change.origin, change.user, change.action) == ("api", client.user, "create")
    assert change.credentials == f"test ({client.token.prefix}…)"


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"status": "Ready"}, "status", "read_only_field"),
        ({"revision": 3}, "revision", "read_only_field"),
        ({"user": "anna"}, "user", "read_only_field"),
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"owner_kind": "package"}, "owner_kind", "read_only_field"),
        ({"object_id": None}, "object_id", "null"),
        ({"object_id": "many"}, "object_id", "invalid"),
        ({"object_id": 77}, "object_id", "unknown_object"),
        ({"object_type": "Query"}, "object_type", "invalid_choice"),
        ({"parameters": [1]}, "parameters", "not_a_dict"),
        ({"starting_time": "25:00"}, "starting_time", "invalid"),
        ({"starting_time": 8}, "starting_time", "invalid"),
        ({"earliest_start_at": "soon"}, "earliest_start_at", "invalid"),
        ({"weekdays": [8]}, "weekdays.0", "max_value"),
        ({"max_attempts": 11}, "max_attempts", "max_value"),
        ({"description": "x" * 251}, "description", "max_length"),
        ({"time_zone": "Mars/Base"}, "time_zone", "unknown_time_zone"),
    ],
)
def test_wrong_definitions_name_the_field_and_write_nothing(calling, values, field, code):
    body = refused(calling().post(ENTRIES, {"object_id": jobs.SUCCESS, **values}), 400, "invalid")
    assert (body["errors"][0]["field"], body["errors"][0]["code"]) == (field, code)
    assert not Entry.objects.exists()


def test_moments_without_an_offset_are_read_on_the_entrys_clock(calling):
    entry = created(
        calling(), time_zone="Europe/Copenhagen", earliest_start_at="2026-12-01T08:00:00", expires_at=None
    ).json()
    assert entry["earliest_start_at"] == "2026-12-01T07:00:00Z"


def test_a_definition_changes_only_while_it_is_on_hold(calling):
    client = calling()
    entry = created(client).json()
    address = f"{ENTRIES}{entry['entry_no']}/"
    assert client.patch(address, {"description": "New"}).json()["description"] == "New"
    assert client.post(f"{address}set-ready/").json()["entry"]["status"] == "Ready"
    refused(client.patch(address, {"description": "Newer"}), 409, "locked_field")
    assert client.put(address, {"description": "Newer"}).status_code == 405


# --- conditions
def test_a_lost_update_is_refused(calling):
    client = calling()
    answer = created(client)
    address, first = answer["Location"], answer["ETag"]
    changed = client.patch(address, {"description": "New"}, headers={"If-Match": first})
    assert (changed.status_code, changed["ETag"] == first) == (200, False)
    for call in (
        client.patch(address, {"description": "Other"}, headers={"If-Match": first}),
        client.delete(address, headers={"If-Match": first}),
        client.post(f"{address}set-ready/", headers={"If-Match": first}),
    ):
        refused(call, 412, "changed_meanwhile")
    assert (Entry.objects.get().description, Entry.objects.get().status) == ("New", Status.ON_HOLD)
    refused(client.delete(address, headers={"If-Match": "7"}), 400, "if_match")
    assert client.patch(address, {"description": "Any"}, headers={"If-Match": "*"}).status_code == 200
    assert client.delete(address, headers={"If-Match": client.get(address)["ETag"]}).status_code == 204


def test_an_entry_is_watched_cheaply(calling, django_assert_num_queries):
    client = calling()
    answer = created(client)
    address = answer["Location"]
    assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    client.post(f"{address}set-ready/")
    assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 200


# --- verbs
def test_verbs_answer_with_a_sentence_and_the_entry(calling):
    client = calling()
    address = created(client)["Location"]
    ready = client.post(f"{address}set-ready/").json()
    assert (ready["done"], ready["entry"]["status"], ready["entry"]["scheduled"]) == (True, "Ready", True)
    assert client.post(f"{address}set-ready/").json()["done"] is False
    held = client.post(
        f"{address}set-on-hold/", {"reason": "Holiday", "until": "2030-01-01T08:00:00Z"}
    ).json()
    assert (held["entry"]["status"], held["entry"]["hold_reason"]) == ("On Hold", "Holiday")
    assert (held["entry"]["held_until"], held["entry"]["hold_kind"]) == ("2030-01-01T08:00:00Z", "manual")
    assert client.post(f"{address}restart/").json()["entry"]["status"] == "Ready"
    copy = client.post(f"{address}copy/")
    assert (copy.status_code, copy.json()["entry"]["status"]) == (201, "On Hold")
    once = client.post(f"{address}run-once/", {"parameter_string": "x"})
    assert (once.status_code, once.json()["entry"]["parameter_string"]) == (201, "x")
    refused(client.post(f"{address}cancel/"), 409, "not_running")
    refused(client.post(f"{address}set-ready/", {"status": "Ready"}), 400, "invalid")
    refused(client.post(f"{address}set-on-hold/", {"until": "2020-01-01T08:00:00Z"}), 400, "invalid")


def test_run_now_twice_says_who_asked_before(calling):
    client = calling()
    address = created(client)["Location"]
    first, second = client.post(f"{address}run-now/").json(), client.post(f"{address}run-now/").json()
    assert (first["done"], second["done"]) == (True, False)
    assert f"was already asked for by {client.user.username}" in second["message"]


def test_many_at_once_each_with_its_own_result(calling):
    client = calling()
    one, two = created(client).json(), created(client).json()
    foreign = builders.make_entry(company=builders.make_company("other"))
    keys = [str(one["entry_no"]), two["id"], str(foreign.pk), "nothing"]
    answer = client.post(f"{ENTRIES}bulk/set-ready/", {"entries": keys}).json()
    assert (answer["done"], answer["refused"]) == (2, 2)
    assert [(found["entry"], found["status"], found["code"]) for found in answer["results"]] == [
        (keys[0], 200, ""),
        (keys[1], 200, ""),
        (keys[2], 404, "not_found"),
        (keys[3], 404, "not_found"),
    ]
    held = client.post(f"{ENTRIES}bulk/set-on-hold/", {"entries": keys[:2], "reason": "All"}).json()
    assert held["done"] == 2
    deleted = client.post(f"{ENTRIES}bulk/delete/", {"entries": keys}).json()
    assert (deleted["done"], Entry.objects.count(), foreign.status) == (2, 1, Status.ON_HOLD)
    refused(client.post(f"{ENTRIES}bulk/set-ready/", {"entries": []}), 400, "invalid")
    refused(client.post(f"{ENTRIES}bulk/set-ready/", {"entries": ["1"] * 201}), 400, "invalid")


# --- who may not
@pytest.mark.parametrize(
    ("group", "scopes", "allowed"),
    [
        ("Viewer", ["administer"], {"get"}),
        ("Administrator", ["view"], {"get"}),
        ("Operator", ["administer"], {"get", "set-ready"}),
        ("Administrator", ["operate"], {"get", "set-ready"}),
        ("Scheduler", ["schedule"], {"get", "set-ready", "copy", "create", "patch", "delete", "bulk/delete"}),
    ],
)
def test_levels_and_scopes(calling, group, scopes, allowed):
    client = calling(group, scopes=scopes)
    entry = builders.make_entry()
    address = f"{ENTRIES}{entry.pk}/"
    calls = {
        "get": lambda: client.get(address),
        "set-ready": lambda: client.post(f"{address}set-ready/"),
        "copy": lambda: client.post(f"{address}copy/"),
        "create": lambda: client.post(ENTRIES, {"object_id": jobs.SUCCESS}),
        "bulk/delete": lambda: client.post(f"{ENTRIES}bulk/delete/", {"entries": ["999999"]}),
        "patch": lambda: client.patch(address, {"priority_within_category": "High"}),
        "delete": lambda: client.delete(address),
    }
    assert {name for name, call in calls.items() if call().status_code < 300} == allowed


def test_a_token_without_the_level_of_an_administrator_leaves_system_entries_alone(calling):
    entry = builders.make_entry(is_system=True)
    client = calling(scopes=["schedule"])
    for answer in (
        client.post(f"{ENTRIES}{entry.pk}/set-on-hold/"),
        client.patch(f"{ENTRIES}{entry.pk}/", {"description": "Mine"}),
        client.delete(f"{ENTRIES}{entry.pk}/"),
    ):
        refused(answer, 403, "scope_missing")
    many = client.post(f"{ENTRIES}bulk/delete/", {"entries": [str(entry.pk)]}).json()
    assert many["results"][0]["code"] == "scope_missing"
    assert Entry.objects.filter(pk=entry.pk, description=entry.description).exists()


def test_the_right_to_run_the_object_is_asked_for(calling):
    entry = builders.make_entry(object_id=jobs.PROTECTED)
    client = calling("Scheduler")
    refused(client.post(f"{ENTRIES}{entry.pk}/set-ready/"), 403, "forbidden_user")
    refused(client.post(f"{ENTRIES}{entry.pk}/run-now/"), 403, "forbidden_user")


def test_foreign_entries_do_not_exist(calling):
    foreign = builders.make_entry(company=builders.make_company("other"))
    client = calling(limited_to=builders.default_company())
    for key in (foreign.pk, foreign.id, 999_999, "x", 2**70):
        for call in (
            client.get(f"{ENTRIES}{key}/"),
            client.patch(f"{ENTRIES}{key}/", {}),
            client.delete(f"{ENTRIES}{key}/"),
            client.post(f"{ENTRIES}{key}/set-ready/"),
            client.get(f"{ENTRIES}{key}/explain/"),
            client.get(f"{ENTRIES}{key}/preview/"),
        ):
            refused(call, 404, "not_found")


def test_deleting_and_owners(calling):
    client = calling()
    running = builders.make_entry(status=Status.IN_PROCESS)
    owned = builders.make_entry(owner_kind="package", owner_reference="7")
    refused(client.delete(f"{ENTRIES}{running.pk}/"), 409, "in_process")
    refused(client.delete(f"{ENTRIES}{owned.pk}/"), 409, "owned")
    gone = builders.make_entry()
    assert client.delete(f"{ENTRIES}{gone.pk}/").status_code == 204
    refused(client.delete(f"{ENTRIES}{gone.pk}/"), 404, "not_found")


# --- lists and looking ahead
def test_lists_are_filtered_as_on_the_screens(calling):
    anna = builders.make_user("anna", groups=["Scheduler"])
    bank = builders.make_entry(category_code="BANK", user=anna, description="Bank files")
    error = builders.make_entry(status=Status.ERROR, error_message="No paper", recurring=True)
    late = builders.make_entry(status=Status.READY, earliest_start_at=builders.NOW, object_id=jobs.FAILURE)
    running = builders.make_entry(status=Status.IN_PROCESS, owner_kind="package", owner_reference="7")
    builders.make_entry(company=builders.make_company("other"), category_code="BANK")
    client = calling()
    for query, expected in {
        "": [bank, error, late, running],
        "status=Error": [error],
        "status=Error&status=Ready": [error, late],
        "category=bank": [bank],
        "category=-": [error, late, running],
        "user=anna": [bank],
        "recurring=true": [error],
        "late=true": [late],
        "running=true": [running],
        "held=draft": [bank],
        "owned=true": [running],
        "owned=false": [bank, error, late],
        "owner_kind=package&owner_reference=7": [running],
        f"object_id={jobs.FAILURE}": [late],
        "object_type=Report": [],
        "search=paper": [error],
        "search=bank+files": [bank],
        "starts_before=2026-03-03T00:00:00Z": [late],
        "ordering=-entry_no": [running, late, error, bank],
    }.items():
        found = [row["entry_no"] for row in client.get(f"{ENTRIES}?{query}").json()["results"]]
        assert found == [entry.pk for entry in expected], query
    for wrong in (
        "status=Nope",
        "object_id=x",
        f"object_id={2**70}",
        "late=perhaps",
        "ordering=x",
        "color=1",
    ):
        refused(client.get(f"{ENTRIES}?{wrong}"), 400, "invalid")


def test_explain_and_preview(calling):
    client = calling()
    address = created(client, weekdays=[1, 2, 3, 4, 5, 6, 7], minutes_between_runs=60)["Location"]
    explained = client.get(f"{address}explain/").json()
    assert "On Hold" in explained["sentence"]
    closed = [gate for gate in explained["gates"] if gate["open"] is False]
    assert closed[0]["verb"] == "set-ready"
    runs = client.get(f"{address}preview/?count=3").json()["runs"]
    assert (len(runs), runs[0]["will_run"]) == (3, True)
    for wrong in ("count=0", "count=x", "count=9999", "counts=1"):
        refused(client.get(f"{address}preview/?{wrong}"), 400, "invalid")


def test_what_was_asked_for_runs(calling):
    client = calling()
    entry = created(client).json()
    client.post(f"{ENTRIES}{entry['entry_no']}/set-ready/")
    run(now=Entry.objects.get().earliest_start_at)
    assert LogEntry.objects.get(entry_id=entry["id"]).status == LogStatus.SUCCESS
    refused(client.get(f"{ENTRIES}{entry['entry_no']}/"), 404, "not_found")
