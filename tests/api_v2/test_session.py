"""An integration's day from its first call to the log, on nothing but the contract."""

from datetime import timedelta

import pytest

from jobqueue.models import Entry
from tests.jobqueue import driving

pytestmark = pytest.mark.django_db(transaction=True)


def test_find_the_company_create_restart_and_watch_the_log(connect, company, settings):
    settings.API_V2_WRITES = True
    client = connect("Scheduler")
    found = client.at(f"/api/v2.0/companies?$filter=name eq '{company.code}'")["value"]
    base = f"/api/v2.0/companies({found[0]['id']})"
    job = {"objectTypeToRun": "Codeunit", "objectIdToRun": 90001, "description": "Month end"}
    made = client.api.post(f"{base}/jobQueueEntries", job).json()
    assert made["status"] == "On_x0020_Hold"

    again = client.at(f"{base}/jobQueueEntries({made['id']})")
    assert again["@odata.etag"] == made["@odata.etag"]
    assert client.api.post(f"{base}/jobQueueEntries({made['id']})/Microsoft.NAV.restart").status_code == 204
    ready = client.at(f"{base}/jobQueueEntries({made['id']})?$select=status,scheduled,userId")
    assert (ready["status"], ready["scheduled"]) == ("Ready", True)
    assert ready["userId"] == client.api.user.username

    _run_what_is_due(made["id"])
    gone = client.api.get(f"{base}/jobQueueEntries({made['id']})")
    assert gone.status_code == 404
    assert "may have finished" in gone.json()["error"]["message"]
    runs = client.at(f"{base}/jobQueueLogEntries?$filter=jobQueueEntryId eq {made['id']}")["value"]
    assert [(run["status"], run["description"]) for run in runs] == [("Success", "Month end")]
    assert runs[0]["endDateTime"] >= runs[0]["startDateTime"] > "2000"


def test_a_failed_entry_is_found_read_and_restarted(connect):
    entry = driving.ready_entry(object_id=90002, description="Bank import")
    driving.run()
    client = connect("Operator")
    (failed,) = client.entries(filter="status eq 'Error'", expand="jobQueueLogEntries($top=1)")
    run = failed["jobQueueLogEntries"][0]
    assert failed["errorMessage"] == run["errorMessage"] != ""
    stack = client.api.get(run["errorCallStack@odata.mediaReadLink"]).content.decode()
    assert "Traceback" in stack or "jobs.py" in stack
    restart = f"{client.base}/jobQueueEntries({failed['id']})/Microsoft.NAV.restart"
    assert client.api.post(restart, headers={"If-Match": failed["@odata.etag"]}).status_code == 204
    row = client.get(f"/jobQueueEntries({entry.id})")
    assert (row["status"], row["errorMessage"]) == ("Ready", "")


def _run_what_is_due(entry_id):
    start = Entry.objects.get(id=entry_id).earliest_start_at
    driving.run(start + timedelta(seconds=1))
