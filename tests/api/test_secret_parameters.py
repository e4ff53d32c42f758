"""Values of parameters whose names say that they are secret: written, kept, run with, and never shown."""

import pytest

from jobqueue.models import Entry
from tests import builders
from tests.jobobjects import jobs
from tests.packages import building
from tests.refresher import situations

pytestmark = pytest.mark.django_db
MAIN = "/api/v1/companies/main/"
STORED = {"password": "hunter2", "rows": 5}
SHOWN = {"password": "•••", "rows": 5}


def stored_in(row):
    row.parameters = STORED
    row.save(update_fields=["parameters"])
    return row


def test_no_answer_about_an_entry_its_runs_or_its_monitored_job_shows_them(calling):
    client = calling()
    entry = stored_in(builders.make_recurring_entry())
    run = builders.make_log_entry(entry)
    job = stored_in(situations.monitored(entry))
    for address in (
        "entries/",
        f"entries/{entry.pk}/",
        "holds/",
        f"enqueue/{entry.id}/",
        "log-entries/",
        f"log-entries/{run.pk}/",
        "monitored-jobs/",
        f"monitored-jobs/{job.pk}/",
    ):
        body = client.get(f"{MAIN}{address}").content.decode()
        assert "•••" in body, address
        assert "hunter2" not in body, address
    for verb in ("copy", "set-on-hold"):
        assert "hunter2" not in client.post(f"{MAIN}entries/{entry.pk}/{verb}/").content.decode()


def test_what_is_shown_may_be_sent_back_and_changes_nothing(calling):
    client, entry = calling(), stored_in(builders.make_entry(object_id=jobs.SIGN_IN))
    shown = client.get(f"{MAIN}entries/{entry.pk}/").json()["parameters"]
    assert shown == SHOWN
    body = {"description": "x", "parameters": {**shown, "rows": 6}}
    assert client.patch(f"{MAIN}entries/{entry.pk}/", body, format="json").status_code == 200
    assert Entry.objects.get(pk=entry.pk).parameters == {**STORED, "rows": 6}
    once = client.post(f"{MAIN}entries/{entry.pk}/run-once/", {"parameters": shown}, format="json").json()
    assert Entry.objects.get(pk=once["entry"]["entry_no"]).parameters == STORED


def test_another_object_is_not_handed_the_secret(calling):
    client, entry = calling(), stored_in(builders.make_entry(object_id=jobs.SIGN_IN))
    body = {"object_id": jobs.FAILURE, "parameters": {"password": "•••"}}
    response = client.patch(f"{MAIN}entries/{entry.pk}/", body, format="json")
    assert response.json()["errors"][0]["code"] == "no_secret_stored"


def test_the_same_holds_for_the_line_of_a_package(calling):
    client = calling()
    package = building.make_package()
    line = building.add_line(package, "Import", 10, object_id=jobs.SIGN_IN)
    stored_in(line.entry)
    address = f"{MAIN}packages/{package.uuid}/lines/{line.uuid}/"
    shown = client.get(address).json()["entry"]["parameters"]
    assert shown == SHOWN
    body = {"entry": {"parameters": {**shown, "rows": 6}}}
    assert client.patch(address, body, format="json").status_code == 200
    assert Entry.objects.get(pk=line.entry_id).parameters == {**STORED, "rows": 6}


@pytest.mark.parametrize("address", ["entries/", "enqueue/"])
def test_dots_for_a_secret_nobody_stored_are_refused(calling, address):
    body = {"object_id": jobs.SIGN_IN, "parameters": {"password": "•••"}}
    response = calling().post(f"{MAIN}{address}", body, format="json")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, "no_secret_stored")
    assert response.json()["errors"][0]["field"] == "parameters.password"
    assert not Entry.objects.exists()
