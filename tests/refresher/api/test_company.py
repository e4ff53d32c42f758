"""Set-up, monitored jobs, Refresh Now, simulation and log of a company by the API."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.models import Entry
from refresher.models import MonitoredJob
from tests import builders
from tests.api.refusing import refused
from tests.jobqueue.driving import run_due_tasks
from tests.refresher.situations import login_mode, ready_job

pytestmark = pytest.mark.django_db
BASE = "/api/v1/companies/main/"
JOBS = f"{BASE}monitored-jobs/"


def test_the_set_up_is_read_by_all_and_changed_by_administrators(calling):
    client = calling()
    changed = client.patch(f"{BASE}refresh-setup/", {"enabled": True, "create_missing_custom_jobs": True})
    assert changed.status_code == 200, changed.content
    assert changed.json()["create_missing_custom_jobs"] is True
    assert client.patch(f"{BASE}refresh-setup/", {"use_external": True}).json()["use_external"] is True
    assert calling("Viewer").get(f"{BASE}refresh-setup/").json()["use_external"] is True
    assert client.patch(f"{BASE}refresh-setup/", {"use_external": False}).json()["use_external"] is False
    refused(calling("Scheduler").patch(f"{BASE}refresh-setup/", {"enabled": False}), 403, "not_allowed")
    for body in ({"default_time_zone": "Mars/Base"}, {"enabled": "perhaps"}, {"colour": "red"}):
        refused(client.patch(f"{BASE}refresh-setup/", body), 400, "invalid")


def test_entries_are_monitored_shown_with_their_drift_changed_and_let_go(calling):
    client, entry = calling(), builders.make_recurring_entry()
    once = builders.make_entry()
    keys = [str(entry.id), str(once.id), str(uuid4())]
    made = client.post(JOBS, {"entries": keys}).json()
    assert [one["code"] for one in made] == [None, "invalid", "not_found"]
    one = f"{JOBS}{made[0]['job']}/"
    Entry.objects.filter(pk=entry.pk).update(max_attempts=7)
    body = client.get(one).json()
    assert body["entry"] == str(entry.id)
    assert [words[0] for words in body["drift"].values()] == ["7"]
    assert client.post(f"{one}accept/").json()["drift"] == {}
    changed = client.patch(one, {"description": "Kept alive", "auto_reschedule": True})
    assert changed.status_code == 200, changed.content
    assert (changed.json()["description"], changed.json()["auto_reschedule"]) == ("Kept alive", True)
    refused(client.patch(one, {"heartbeat_url": "no address"}), 400, "invalid")
    refused(client.patch(one, {"last_error": "none"}), 400, "invalid")
    refused(calling("Operator").patch(one, {"description": "x"}), 403, "not_allowed")
    assert client.delete(one).status_code == 204
    assert Entry.objects.filter(pk=entry.pk).exists()
    assert not MonitoredJob.objects.exists()


def test_refresh_now_simulate_and_log(calling):
    login_mode()
    ready_job()
    client = calling("Operator")
    [simulated] = client.post(f"{BASE}refresh-simulate/").json()
    assert len(simulated["outcomes"]) == 1
    assert client.get(f"{BASE}refresh-log/").json()["results"] == []
    asked = client.post(f"{BASE}refresh-now/")
    assert asked.status_code == 202, asked.content
    [log] = client.get(f"{BASE}refresh-log/").json()["results"]
    assert (log["id"], log["trigger"], log["user"]) == (
        asked.json()["queued"][0]["id"],
        "refresh_now",
        client.user.username,
    )
    run_due_tasks()
    body = client.get(f"{BASE}refresh-log/{log['id']}/").json()
    assert (body["state"], body["jobs"], len(body["lines"])) == ("done", 1, 1)
    refused(calling("Viewer").post(f"{BASE}refresh-now/"), 403, "not_allowed")


def test_nothing_is_refreshed_where_it_is_off(calling):
    login_mode(enabled=False)
    ready_job()
    found = calling().post(f"{BASE}refresh-now/")
    assert found.status_code == 409, found.content


def test_monitored_jobs_of_another_company_do_not_exist(calling):
    theirs = builders.make_recurring_entry(company=builders.make_company("other"))
    job = calling().post(JOBS.replace("/main/", "/other/"), {"entries": [str(theirs.id)]}).json()[0]["job"]
    for method, rest in (("get", ""), ("delete", ""), ("post", "accept/")):
        refused(getattr(calling(), method)(f"{JOBS}{job}/{rest}"), 404, "not_found")
    assert calling().get(JOBS).json()["count"] == 0
    refused(calling().get(f"{JOBS}{10**30}/"), 404, "not_found")


def test_the_list_costs_the_same_for_five_and_for_fifty(calling):
    client = calling("Viewer")

    def queries(count: int) -> int:
        while MonitoredJob.objects.count() < count:
            ready_job()
        with CaptureQueriesContext(connection) as seen:
            assert client.get(JOBS).status_code == 200
        return len(seen)

    client.get(JOBS)
    assert queries(5) == queries(50)
