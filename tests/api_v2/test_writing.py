"""Where ``API_V2_WRITES`` is on, entries are created, changed and deleted: by the same verbs and rules as elsewhere."""

import json

import pytest
from django.db.models import F

from jobqueue.api_v2 import writing
from jobqueue.models import Entry
from jobqueue.states import Anchor, Status
from tests import builders
from tests.api_v2.client import refused
from tests.jobqueue.driving import reload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def writes(settings):
    settings.API_V2_WRITES = True


def refusal(response, status):
    assert response.status_code == status, response.content
    return refused(json.loads(response.content))


def at(client, entry):
    return f"{client.base}/jobQueueEntries({entry.id})"


def create(client, **values):
    return client.api.post(f"{client.base}/jobQueueEntries", values, format="json")


WHOLE = {
    "objectTypeToRun": "Codeunit",
    "objectIdToRun": 90001,
    "description": "From the ERP",
    "parameterString": "a=b",
    "earliestStartDateTime": "2027-03-02T08:00:00Z",
    "expirationDateTime": "2028-03-02T08:00:00Z",
    "maxNumberAttemptsToRun": 3,
    "rerunDelay": 60,
    "runOnMonday": True,
    "runOnFridays": True,
    "numberOfMinutesBetweenRuns": 30,
    "startingTime": "08:00:00",
    "endingTime": "17:00:00",
    "jobQueueCategoryCode": "BANK",
    "notifyOnSuccess": True,
    "userLanguageId": 1030,
    "jobTimeOut": "PT1H",
    "priorityWithinCategory": "High",
}


def test_an_entry_is_created_on_hold_by_the_caller(connect):
    builders.make_category("BANK")
    client = connect("Scheduler")
    response = create(client, **WHOLE, **{"@odata.etag": "x", "status@odata.type": "#String"})
    body = response.json()
    assert response.status_code == 201, body
    assert {name: body[name] for name in WHOLE} == WHOLE
    assert (body["status"], body["recurringJob"]) == ("On_x0020_Hold", True)
    assert response["Location"].endswith(f"/jobQueueEntries({body['id']})")
    assert response["ETag"] == body["@odata.etag"]
    entry = Entry.objects.get()
    assert (entry.user, entry.recurrence_anchor) == (client.api.user, Anchor.COMPLETION)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"status": "Ready"}, "“status” is only read"),
        ({"userId": "ann"}, "“userId” is only read"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "“id” is only read"),
        ({"scheduled": True}, "“scheduled” is only read"),
        ({"manualRecurrence": True}, "“manualRecurrence” is only read"),
        ({"numberOfAttemptsToRun": 0}, "only read"),
        ({"colour": "red"}, "no property “colour”"),
        ({"objectIdToRun": "90001"}, "whole number"),
        ({"objectIdToRun": 2**40}, "32 bits"),
        ({"objectIdToRun": 4711}, "4711"),
        ({"objectTypeToRun": "Query"}, "'Codeunit'"),
        ({"runOnMonday": "yes"}, "true or false"),
        ({"maxNumberAttemptsToRun": 11}, "10"),
        ({"startingTime": "25:00"}, "time of day"),
        ({"jobTimeOut": "12:00"}, "duration"),
        ({"earliestStartDateTime": "tomorrow"}, "moment"),
        ({"description": 5}, "text"),
        ({"description": "x" * 251}, "250"),
        ({"recurringJob": True}, "weekday"),
        ({"userLanguageId": 999_999}, "language number"),
        ({"priorityWithinCategory": None}, "'High'"),
    ],
)
def test_wrong_values_are_named_and_nothing_is_created(client, values, says):
    body = json.dumps({"objectTypeToRun": "Codeunit", "objectIdToRun": 90001, **values})
    response = client.api.post(f"{client.base}/jobQueueEntries", body, content_type="application/json")
    code, message = refusal(response, 400)
    assert code == "Application_FieldValidationException"
    assert says in message, message
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind", "status", "expected"),
    [
        ("{", "application/json", 400, "BadRequest"),
        ("[1]", "application/json", 400, "BadRequest"),
        ("5", "application/json", 400, "BadRequest"),
        ('{"description": "\\ud800"}', "application/json", 400, "BadRequest"),
        ("a=1", "application/x-www-form-urlencoded", 415, "BadRequest_UnsupportedMediaType"),
        (b"\xff\xfe", "application/json", 400, "BadRequest"),
    ],
)
def test_bodies_that_are_none(client, body, kind, status, expected):
    response = client.api.post(f"{client.base}/jobQueueEntries", body, content_type=kind)
    assert refusal(response, status)[0] == expected


def test_a_change_needs_the_etag_of_the_present_state(client):
    entry = builders.make_entry(user=client.api.user)
    etag = client.entries()[0]["@odata.etag"]
    assert "If-Match is missing" in refusal(client.api.patch(at(client, entry), {"rerunDelay": 5}), 400)[1]
    response = client.api.patch(at(client, entry), {"rerunDelay": 5}, headers={"If-Match": etag})
    assert (response.status_code, response.json()["rerunDelay"]) == (200, 5)
    assert response["ETag"] != etag
    late = client.api.patch(at(client, entry), {"rerunDelay": 9}, headers={"If-Match": etag})
    assert refusal(late, 412)[0] == "Request_EntityChanged"
    assert reload(entry).rerun_delay_seconds == 5
    anyway = client.api.patch(at(client, entry), {"rerunDelay": 9}, headers={"If-Match": "*"})
    assert anyway.status_code == 200


def test_moments_and_times_are_cleared_by_what_unset_ones_are_shown_as(client):
    entry = builders.make_entry(earliest_start_at=builders.NOW, category_code="BANK")
    values = {"earliestStartDateTime": "0001-01-01T00:00:00Z", "jobQueueCategoryCode": "", "startingTime": ""}
    assert client.api.patch(at(client, entry), values, headers={"If-Match": "*"}).status_code == 200
    row = reload(entry)
    assert (row.earliest_start_at, row.category_code, row.starting_time) == (None, "", None)


def test_whoever_changes_what_reaches_the_job_becomes_its_running_user(connect):
    client, entry = connect("Scheduler"), builders.make_entry()
    response = client.api.patch(at(client, entry), {"parameterString": "x"}, headers={"If-Match": "*"})
    assert response.json()["userId"] == client.api.user.username


def test_fields_are_locked_unless_on_hold(client):
    entry = builders.make_entry(status=Status.ERROR)
    response = client.api.patch(at(client, entry), {"description": "x"}, headers={"If-Match": "*"})
    code, message = refusal(response, 400)
    assert (code, "On Hold" in message) == ("Application_DialogException", True)


@pytest.mark.parametrize(("header", "status"), [("its ETag", 412), ("*", 204)])
def test_an_entry_that_is_changed_at_that_very_moment_is_deleted_only_with_a_star(
    client, monkeypatch, header, status
):
    entry = builders.make_entry()
    match = writing.require_match

    def changed_after_the_look(found, given):
        match(found, given)
        Entry.objects.filter(pk=entry.pk).update(revision=F("revision") + 1, description="Theirs")

    if header != "*":
        header = client.api.get(at(client, entry)).json()["@odata.etag"]
    monkeypatch.setattr(writing, "require_match", changed_after_the_look)
    answer = client.api.delete(at(client, entry), headers={"If-Match": header})
    assert answer.status_code == status
    assert Entry.objects.filter(pk=entry.pk).exists() == (status == 412)


def test_an_entry_is_deleted_by_its_etag_unless_it_runs(client):
    entry = builders.make_entry()
    running = builders.make_entry(status=Status.IN_PROCESS)
    assert refusal(client.api.delete(at(client, entry)), 400)[0] == "BadRequest"
    assert refusal(client.api.delete(at(client, entry), headers={"If-Match": 'W/"x"'}), 412)
    refused_code, _ = refusal(client.api.delete(at(client, running), headers={"If-Match": "*"}), 400)
    assert refused_code == "Application_DialogException"
    etag = client.entries()[0]["@odata.etag"]
    assert client.api.delete(at(client, entry), headers={"If-Match": etag}).status_code == 204
    assert [row.pk for row in Entry.objects.all()] == [running.pk]


def test_operators_and_viewers_write_nothing(connect):
    entry = builders.make_entry()
    for group in ("Viewer", "Operator"):
        client = connect(group)
        assert refusal(create(client, **WHOLE), 403)[0] == "Authorization_AccessDenied"
        patched = client.api.patch(at(client, entry), {"rerunDelay": 5}, headers={"If-Match": "*"})
        assert refusal(patched, 403)
        assert refusal(client.api.delete(at(client, entry), headers={"If-Match": "*"}), 403)
    assert Entry.objects.get().revision == entry.revision


def test_an_entry_of_another_company_is_not_there(client):
    theirs = builders.make_entry(company=builders.make_company("other"))
    for response in (
        client.api.patch(at(client, theirs), {"rerunDelay": 5}, headers={"If-Match": "*"}),
        client.api.delete(at(client, theirs), headers={"If-Match": "*"}),
    ):
        assert refusal(response, 404)[0] == "Internal_RecordNotFound"
