"""Members, scheduled tasks, the report inbox, adopting, and what the audit log tells of all that is set up."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry as Change

from jobqueue.models import CompanyMember, Entry, EntryChange, ReportDocument, ScheduledTask
from jobqueue.scheduler import copy_guard, create_task, database_now, task_exists
from jobqueue.states import Status
from tests import builders
from tests.api.refusing import refused
from tests.api.test_lists import _document
from tests.jobqueue.test_adopting import copied  # noqa: F401  (a fixture)

pytestmark = pytest.mark.django_db
MAIN = "/api/v1/companies/main/"
MEMBERS = f"{MAIN}members/"
TASKS = f"{MAIN}scheduled-tasks/"
CHANGES = "/api/v1/setup-changes/"


# --- members
def test_users_are_limited_to_a_company_and_set_free_again(calling, company):
    client = calling()
    anna = builders.make_user("anna", groups=["Viewer"])
    builders.make_company("other")
    theirs = calling(user=anna, scopes=["view"])
    assert client.post(MEMBERS, {"user": "anna"}).status_code == 201
    assert client.post(MEMBERS, {"user": "anna"}).status_code == 201
    assert [row["user"] for row in client.get(MEMBERS).json()["results"]] == ["anna"]
    refused(theirs.get("/api/v1/companies/other/entries/"), 404, "not_found")
    assert client.delete(f"{MEMBERS}anna/").status_code == 204
    assert theirs.get("/api/v1/companies/other/entries/").status_code == 200
    refused(client.delete(f"{MEMBERS}anna/"), 404, "not_found")
    refused(client.post(MEMBERS, {"user": "nobody"}), 400, "invalid")


def test_nobody_lifts_a_limit_of_their_own(calling, company):
    limited = builders.make_user("anna", groups=["Administrator"])
    builders.make_company("main", members=[limited])
    client = calling(user=limited)
    for answer in (
        client.get(MEMBERS),
        client.post(MEMBERS, {"user": "anna"}),
        client.delete(f"{MEMBERS}anna/"),
    ):
        refused(answer, 403, "not_allowed")
    narrow = calling(limited_to=company)
    refused(narrow.delete(f"{MEMBERS}anna/"), 403, "scope_missing")
    assert CompanyMember.objects.count() == 1


# --- scheduled tasks
def test_cancelling_a_task_puts_its_entry_on_hold(calling, company):
    entry = builders.make_entry(status=Status.READY)
    task = create_task(
        "jobqueue.dispatch", company=company, record=entry.id, not_before=database_now() + timedelta(days=9)
    )
    Entry.objects.update(system_task_id=task)
    refused(calling("Scheduler").post(f"{TASKS}{task}/cancel/"), 403, "not_allowed")
    client = calling()
    said = client.post(f"{TASKS}{task}/cancel/")
    assert "is On Hold" in said.json()["message"]
    assert not task_exists(task)
    assert Entry.objects.get().status == Status.ON_HOLD
    change = EntryChange.objects.get()
    assert (change.origin, change.user) == ("api", client.user)
    refused(client.post(f"{TASKS}{task}/cancel/"), 404, "not_found")


def test_a_task_that_runs_is_not_cancelled(calling, company):
    task = create_task("jobqueue.dispatch", company=company)
    ScheduledTask.objects.update(state=ScheduledTask.State.RUNNING)
    refused(calling().post(f"{TASKS}{task}/cancel/"), 409, "task_running")
    assert task_exists(task)


def test_setting_a_task_ready_wakes_a_waiting_entry(calling, company):
    entry = builders.make_entry(status=Status.WAITING)
    task = create_task("jobqueue.dispatch", company=company, record=entry.id, is_ready=False)
    Entry.objects.update(system_task_id=task)
    one = f"{TASKS}{task}/"
    client = calling()
    refused(client.post(f"{one}set-ready/", headers={"If-Match": '"x"'}), 412, "changed_meanwhile")
    seen = client.get(one)["ETag"]
    assert client.post(f"{one}set-ready/", headers={"If-Match": seen}).status_code == 200
    assert ScheduledTask.objects.get().is_ready
    assert Entry.objects.get().status == Status.READY


def test_tasks_of_the_installation_are_not_for_tokens_of_one_company(calling, company):
    task = create_task("jobqueue.dispatch", not_before=database_now() + timedelta(days=9))
    refused(calling(limited_to=company).post(f"{TASKS}{task}/cancel/"), 403, "scope_missing")
    assert calling().post(f"{TASKS}{task}/cancel/").status_code == 200
    other = create_task("jobqueue.dispatch", company=builders.make_company("other"))
    refused(calling().post(f"{TASKS}{other}/cancel/"), 404, "not_found")


# --- report inbox
def test_documents_are_marked_as_read_and_unread_by_their_own_user(calling, company):
    client = calling("Viewer", scopes=["view"])
    _document(company, client.user)
    one = f"{MAIN}report-documents/{ReportDocument.objects.get().pk}/"
    assert client.post(f"{one}mark-read/").json()["is_read"] is True
    assert client.post(f"{one}mark-unread/").json()["is_read"] is False
    refused(calling().post(f"{one}mark-read/"), 404, "not_found")


# --- adopting
@pytest.mark.usefixtures("copied")
def test_a_copied_database_is_adopted_by_administrators_of_all_companies(calling, company):
    entry = builders.make_recurring_entry(status=Status.READY)
    assert calling("Viewer", scopes=["view"]).get(f"{MAIN}status/").json()["held"] is True
    refused(calling("Scheduler").post("/api/v1/adopt/", {"entries": "hold"}), 403, "not_allowed")
    refused(calling(limited_to=company).post("/api/v1/adopt/", {"entries": "hold"}), 403, "scope_missing")
    refused(calling().post("/api/v1/adopt/", {}), 400, "invalid")
    refused(calling().post("/api/v1/adopt/", {"entries": "delete"}), 400, "invalid")
    assert copy_guard.look().held
    answer = calling().post("/api/v1/adopt/", {"entries": "hold"})
    assert answer.json()["held"] == 1
    assert not copy_guard.look().held
    entry.refresh_from_db()
    assert entry.status == Status.ON_HOLD
    refused(calling().post("/api/v1/adopt/", {"entries": "hold"}), 409, "not_held")


# --- audit
def test_every_change_of_the_set_up_is_told_with_who_and_which_token(calling, company):
    client = calling()
    client.post(f"{MAIN}categories/", {"code": "BANK", "slots": 1})
    client.patch(f"{MAIN}categories/BANK/", {"slots": 2})
    client.delete(f"{MAIN}categories/BANK/")
    found = client.get(f"{CHANGES}?user={client.user.username}&search=BANK").json()["results"]
    assert [row["action"] for row in found] == ["deleted", "changed", "created"]
    for row in found:
        assert (row["kind"], row["user"], row["origin"]) == ("category", client.user.username, "api")
        assert client.token.prefix in row["credentials"]
    assert found[1]["changes"] == {"slots": ["1", "2"]}
    one = client.get(f"{CHANGES}{found[1]['id']}/")
    assert one.json() == found[1]
    assert len(client.get(f"{CHANGES}?action=changed&search=BANK").json()["results"]) == 1
    refused(calling(limited_to=company).get(CHANGES), 403, "scope_missing")


def test_the_admin_is_a_door_of_its_own(client, company):
    boss = builders.make_user(groups=["Administrator"])
    client.force_login(boss)
    client.post("/c/main/admin/jobqueue/category/add/", {"code": "BANK", "description": "B", "slots": 1})
    change = Change.objects.filter(object_repr__contains="BANK").get()
    assert (change.actor, change.additional_data["origin"]) == (boss, "admin")


def test_the_address_of_a_client_is_not_what_it_claims(client, company):
    client.force_login(builders.make_user(groups=["Administrator"]))
    client.post(
        "/c/main/admin/jobqueue/category/add/",
        {"code": "BANK", "description": "B", "slots": 1},
        headers={"X-Forwarded-For": "203.0.113.9"},
    )
    assert Change.objects.filter(object_repr__contains="BANK").get().remote_addr == "127.0.0.1"


def test_tokens_and_credentials_leave_their_trace_but_no_secret(calling, company):
    client = calling(scopes=["administer", "tokens"])
    client.post(f"{MAIN}credentials/", {"name": "bank", "secret": "open sesame"})
    client.post(f"/api/v1/api-tokens/{client.token.pk}/revoke/")
    traces = {(row.content_type.model, row.action) for row in Change.objects.all()}
    assert ("credential", Change.Action.CREATE) in traces
    assert ("apitoken", Change.Action.UPDATE) in traces
    for row in Change.objects.all():
        assert "sesame" not in str(row.changes)
        assert client.token.digest not in str(row.changes)
        assert "password" not in row.changes
