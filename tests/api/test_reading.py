"""What is only read: the log with its live lines, documents, error messages, job objects, status, doctor."""

import uuid

import pytest
from django.db import connection

from jobqueue.models import Entry, ErrorMessage, ErrorMessageRegister, LogLine, ReportDocument
from jobqueue.states import Level, LogStatus, Status
from tests import builders
from tests.api.refusing import refused
from tests.api.test_lists import _cluster, _document
from tests.jobobjects import jobs

pytestmark = pytest.mark.django_db
MAIN = "/api/v1/companies/main/"
LOG = f"{MAIN}log-entries/"
NOW = builders.NOW


# --- the log
def test_the_log_is_filtered_and_paged_by_cursor(calling):
    entry = builders.make_entry(category_code="BANK", description="Bank files")
    rows = [builders.make_log_entry(entry, due_at=NOW.replace(minute=minute)) for minute in range(5)]
    error = builders.make_log_entry(status=LogStatus.ERROR, error_message="No paper", object_id=jobs.FAILURE)
    client = calling()
    seen, address = [], f"{LOG}?page_size=2&category=bank"
    while address:
        page = client.get(address).json()
        seen += [row["entry_no"] for row in page["results"]]
        address = page["next"]
    assert seen == [row.pk for row in reversed(rows)]
    for query, expected in {
        "status=Error": [error],
        f"entry={error.entry_id}": [error],
        f"object_id={jobs.FAILURE}": [error],
        "search=paper": [error],
        "category=-": [error],
        "final=false": [],
        f"user={error.user.username}": [error],
        "ended_before=2026-03-02T08:00:00Z": [],
    }.items():
        found = [row["entry_no"] for row in client.get(f"{LOG}?{query}").json()["results"]]
        assert found == [row.pk for row in expected], query


def test_live_lines_are_polled_cheaply(calling, django_assert_max_num_queries):
    row = builders.make_log_entry(status=LogStatus.IN_PROCESS, progress_done=1, progress_total=3)
    client = calling()
    address = f"{LOG}{row.pk}/lines/"
    first = LogLine.objects.create(log_entry=row, at=NOW, level=Level.WARNING, text="Step 1 is done.")
    answer = client.get(address)
    body = answer.json()
    assert (body["status"], body["progress_done"], body["has_more"]) == ("In Process", 1, False)
    assert [(line["level"], line["text"]) for line in body["lines"]] == [("Warning", "Step 1 is done.")]
    assert body["next_after"] == first.pk
    etag = {"If-None-Match": answer["ETag"]}
    clock = connection.vendor == "postgresql"  # it is asked for the time; SQLite's is the host's
    with django_assert_max_num_queries(9 + clock):
        assert client.get(address, headers=etag).status_code == 304
    LogLine.objects.create(log_entry=row, at=NOW, text="Step 2 is done.")
    assert client.get(address, headers=etag).status_code == 200
    further = client.get(f"{address}?after={first.pk}").json()
    assert [line["text"] for line in further["lines"]] == ["Step 2 is done."]
    assert client.get(f"{address}?limit=1").json()["has_more"] is True
    for wrong in ("after=-1", "limit=0", "limit=501", "after=x"):
        refused(client.get(f"{address}?{wrong}"), 400, "invalid")


def test_a_lost_run_is_set_to_error_once(calling):
    row = builders.make_log_entry(status=LogStatus.IN_PROCESS)
    refused(calling("Viewer").post(f"{LOG}{row.pk}/mark-as-error/"), 403, "not_allowed")
    client = calling("Operator")
    answer = client.post(f"{LOG}{row.id}/mark-as-error/").json()
    assert (answer["status"], answer["ended_by"]) == ("Error", client.user.username)
    refused(client.post(f"{LOG}{row.pk}/mark-as-error/"), 409, "not_in_process")


def test_old_log_entries_are_deleted_by_administrators(calling):
    builders.make_log_entry()
    running = builders.make_log_entry(status=LogStatus.IN_PROCESS)
    refused(calling("Scheduler").post(f"{LOG}delete/", {"older_than_days": None}), 403, "not_allowed")
    client = calling()
    refused(client.post(f"{LOG}delete/", {}), 400, "invalid")
    assert client.post(f"{LOG}delete/", {"older_than_days": None}).json() == {"deleted": 1, "has_more": False}
    assert [row["entry_no"] for row in client.get(LOG).json()["results"]] == [running.pk]


def test_foreign_log_entries_do_not_exist(calling):
    foreign = builders.make_log_entry(builders.make_entry(company=builders.make_company("other")))
    client = calling()
    for key in (foreign.pk, foreign.id, "x", 2**70):
        refused(client.get(f"{LOG}{key}/"), 404, "not_found")
        refused(client.get(f"{LOG}{key}/lines/"), 404, "not_found")
        refused(client.post(f"{LOG}{key}/mark-as-error/"), 404, "not_found")


# --- documents and messages
def test_documents_are_their_users_alone(calling):
    client, other = calling("Viewer"), calling()
    _document(builders.default_company(), client.user)
    document = ReportDocument.objects.get()
    address = f"{MAIN}report-documents/{document.pk}/"
    for path in (address, f"{address}content/"):
        refused(other.get(path), 404, "not_found")
    refused(other.delete(address), 404, "not_found")
    answer = client.get(f"{address}content/", headers={"Accept": "text/csv"})
    assert (answer.content, answer["Content-Type"]) == (b"a", "text/csv")
    assert "attachment" in answer["Content-Disposition"]
    assert client.get(address).json()["is_read"] is True
    assert client.delete(address).status_code == 204
    refused(client.delete(address), 404, "not_found")


def test_a_document_of_one_company_is_not_had_in_another(calling):
    client = calling()
    _document(builders.make_company("other"), client.user)
    refused(
        client.get(f"{MAIN}report-documents/{ReportDocument.objects.get().pk}/content/"), 404, "not_found"
    )
    assert ReportDocument.objects.get().is_read is False


def test_error_messages_are_shown_one_by_one(calling):
    register = ErrorMessageRegister.objects.create(
        company=builders.default_company(), created_at=NOW, message="Two lines are wrong."
    )
    for number in (1, 2):
        ErrorMessage.objects.create(register=register, message=f"Line {number}", created_at=NOW)
    found = calling("Viewer").get(f"{MAIN}error-messages/{register.pk}/").json()
    assert [message["message"] for message in found["messages"]] == ["Line 1", "Line 2"]
    assert (found["messages"][0]["level"], found["user"]) == ("Error", None)
    refused(calling().get(f"{MAIN}error-messages/{uuid.uuid4()}/"), 404, "not_found")


# --- job objects
def test_job_objects_bring_their_parameters_as_a_json_schema(calling):
    client = calling("Viewer")
    found = client.get(f"/api/v1/job-objects/codeunit/{jobs.TYPED}/").json()
    schema = found["parameters_schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["customer"], False)
    assert schema["properties"]["customer"] == {
        "type": "string",
        "title": "Customer",
        "description": "Code of the customer.",
    }
    assert schema["properties"]["amount"]["default"] == "0"
    assert found["may_run"] is True
    assert client.get(f"/api/v1/job-objects/codeunit/{jobs.PROTECTED}/").json()["may_run"] is False
    everything = client.get("/api/v1/job-objects/").json()
    assert everything["count"] == len(everything["results"]) > 20
    refused(client.get("/api/v1/job-objects/codeunit/77/"), 404, "not_found")
    refused(client.get("/api/v1/job-objects/query/1/"), 404, "not_found")


# --- how things stand
def test_the_queue_at_a_glance(calling):
    builders.make_entry(status=Status.READY, earliest_start_at=NOW)
    builders.make_entry(status=Status.ERROR)
    _cluster()
    client = calling("Viewer")
    answer = client.get(f"{MAIN}status/")
    body = answer.json()
    assert (body["entries"]["Ready"], body["entries"]["Error"], body["late"]) == (1, 1, 1)
    assert (body["clusters"], body["workers"], body["next_run"]) == (1, 2, None)
    assert client.get(f"{MAIN}status/", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_only_administrators_see_the_doctor(calling):
    refused(calling("Scheduler").get("/api/v1/doctor/"), 403, "not_allowed")
    refused(calling(scopes=["schedule"]).get("/api/v1/doctor/"), 403, "scope_missing")
    found = calling().get("/api/v1/doctor/").json()
    assert found["state"] in ("ok", "warning", "failure")
    assert {"name", "state", "sentence", "fix"} == set(found["checks"][0])


def test_what_concerns_all_entries(calling):
    failed = builders.make_entry(status=Status.ERROR)
    builders.make_log_entry(failed, status=LogStatus.ERROR)
    client = calling("Scheduler")
    assert client.post(f"{MAIN}entries/remove-failed/", {"only_own": True}).json() == {"count": 0}
    assert client.post(f"{MAIN}entries/remove-failed/").json() == {"count": 1}
    assert not Entry.objects.exists()
    refused(client.post(f"{MAIN}entries/check-stale/"), 403, "not_allowed")
    assert calling().post(f"{MAIN}entries/check-stale/").json() == {"count": 0}


# --- companies
def test_companies_are_created_and_changed_by_administrators_of_all(calling):
    client = calling()
    made = client.post("/api/v1/companies/", {"code": "north", "name": "North", "time_zone": "Europe/Oslo"})
    assert (made.status_code, made.json()["is_default"]) == (201, False)
    changed = client.patch("/api/v1/companies/north/", {"is_default": True, "name": "The north"}).json()
    assert (changed["name"], changed["is_default"]) == ("The north", True)
    assert client.get("/api/v1/companies/main/").json()["is_default"] is False
    for values, field in (
        ({"code": "NORTH", "name": "Again"}, "code"),
        ({"code": "a b", "name": "Blank"}, "code"),
        ({"code": "x", "name": "Zone", "time_zone": "Mars"}, "time_zone"),
        ({"code": "x"}, "name"),
    ):
        body = refused(client.post("/api/v1/companies/", values), 400, "invalid")
        assert body["errors"][0]["field"] == field
    body = refused(client.patch("/api/v1/companies/north/", {"is_default": False}), 400, "invalid")
    assert body["errors"][0]["code"] == "one_default"
    refused(client.patch("/api/v1/companies/north/", {"code": "south"}), 400, "invalid")
    assert client.delete("/api/v1/companies/north/").status_code == 405


def test_a_token_of_one_company_sees_and_changes_that_one_alone(calling):
    builders.make_company("other")
    client = calling(limited_to=builders.default_company())
    assert [row["code"] for row in client.get("/api/v1/companies/").json()["results"]] == ["main"]
    refused(client.get("/api/v1/companies/other/"), 404, "not_found")
    refused(client.patch("/api/v1/companies/other/", {"name": "Mine"}), 404, "not_found")
    refused(client.post("/api/v1/companies/", {"code": "x", "name": "X"}), 403, "scope_missing")
    refused(client.patch("/api/v1/companies/main/", {"is_default": True}), 403, "scope_missing")
    assert client.patch("/api/v1/companies/main/", {"name": "Main one"}).status_code == 200
