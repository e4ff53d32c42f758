"""The properties one by one, as *Job queue reference, API v2.0* lists them: name, type, value, and unset value."""

import uuid
from datetime import UTC, datetime, time
from xml.etree import ElementTree as Xml

import pytest

from jobqueue.models import Entry
from jobqueue.states import CategoryPriority, LogStatus, ObjectType, OutputType, Status
from tests import builders
from tests.jobqueue.driving import ready_entry

pytestmark = pytest.mark.django_db

UNSET_MOMENT = "0001-01-01T00:00:00Z"
UNSET_GUID = "00000000-0000-0000-0000-000000000000"
AT = datetime(2026, 3, 2, 8, 0, 0, 250_000, tzinfo=UTC)
SHOWN_AT = "2026-03-02T08:00:00.250Z"
GUID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")

# name, type, field of the entry, stored value, shown value, shown while unset
ENTRY_FIELDS = [
    ("id", "Edm.Guid", "id", GUID, str(GUID), None),
    ("jobQueueEntryId", "Edm.Guid", "id", GUID, str(GUID), None),
    ("userId", "Edm.String", "user", None, "", None),
    ("lastReadyState", "Edm.DateTimeOffset", "last_ready_state_at", AT, SHOWN_AT, UNSET_MOMENT),
    ("expirationDateTime", "Edm.DateTimeOffset", "expires_at", AT, SHOWN_AT, UNSET_MOMENT),
    ("earliestStartDateTime", "Edm.DateTimeOffset", "earliest_start_at", AT, SHOWN_AT, UNSET_MOMENT),
    ("objectTypeToRun", "Edm.String", "object_type", ObjectType.REPORT, "Report", None),
    ("objectIdToRun", "Edm.Int32", "object_id", 90002, 90002, 0),
    ("objectCaptionToRun", "Edm.String", "object_id", 90001, "Succeed", ""),
    (
        "reportOutputType",
        "Microsoft.NAV.jobQueueReportOutputType",
        "report_output_type",
        OutputType.NONE,
        "None_x0020__x0028_Processing_x0020_only_x0029_",
        None,
    ),
    ("maxNumberAttemptsToRun", "Edm.Int32", "max_attempts", 3, 3, 0),
    ("numberOfAttemptsToRun", "Edm.Int32", "attempts", 2, 2, 0),
    ("status", "Edm.String", "status", Status.ON_HOLD, "On_x0020_Hold", None),
    ("recordIdToProcess", "Edm.String", "record_to_process", "sales.order:42", "sales.order:42", ""),
    ("parameterString", "Edm.String", "parameter_string", "a=b", "a=b", ""),
    ("recurringJob", "Edm.Boolean", "recurring", True, True, False),
    ("numberOfMinutesBetweenRuns", "Edm.Int32", "minutes_between_runs", 60, 60, 0),
    ("runOnMonday", "Edm.Boolean", "run_on_mondays", True, True, False),
    ("runOnTuesday", "Edm.Boolean", "run_on_tuesdays", True, True, False),
    ("runOnWednesday", "Edm.Boolean", "run_on_wednesdays", True, True, False),
    ("runOnThursday", "Edm.Boolean", "run_on_thursdays", True, True, False),
    ("runOnFridays", "Edm.Boolean", "run_on_fridays", True, True, False),
    ("runOnSaturdays", "Edm.Boolean", "run_on_saturdays", True, True, False),
    ("runOnSundays", "Edm.Boolean", "run_on_sundays", True, True, False),
    ("startingTime", "Edm.String", "starting_time", time(0), "00:00:00", ""),
    ("endingTime", "Edm.String", "ending_time", time(17, 30), "17:30:00", ""),
    (
        "referenceStartingTime",
        "Edm.DateTimeOffset",
        "starting_time",
        time(8),
        "2000-01-01T08:00:00Z",
        UNSET_MOMENT,
    ),
    ("nextRunDateFormula", "Edm.String", "next_run_date_formula", "1D+CM", "1D+CM", ""),
    ("description", "Edm.String", "description", "Bank import", "Bank import", ""),
    ("runInUserSession", "Edm.Boolean", "run_in_user_session", True, True, False),
    ("userSessionId", "Edm.Int32", "session_number", 17, 17, 0),
    ("jobQueueCategoryCode", "Edm.String", "category_code", "BANK", "BANK", ""),
    ("errorMessage", "Edm.String", "error_message", "It failed.", "It failed.", ""),
    ("userServiceInstanceId", "Edm.Int32", "worker_id", 5, 5, 0),
    ("userSessionStarted", "Edm.DateTimeOffset", "user_session_started_at", AT, SHOWN_AT, UNSET_MOMENT),
    ("notifyOnSuccess", "Edm.Boolean", "notify_on_success", True, True, False),
    ("userLanguageId", "Edm.Int32", "user_language", "da", 1030, None),
    ("printerName", "Edm.String", "printer_name", "Laser", "Laser", ""),
    ("reportRequestPageOptions", "Edm.Boolean", "report_request_page_options", True, True, False),
    ("rerunDelay", "Edm.Int32", "rerun_delay_seconds", 60, 60, 0),
    ("systemTaskId", "Edm.Guid", "system_task_id", GUID, str(GUID), UNSET_GUID),
    ("scheduled", "Edm.Boolean", None, None, False, False),
    ("manualRecurrence", "Edm.Boolean", "manual_recurrence", True, True, False),
    ("jobTimeOut", "Edm.String", "timeout_seconds", 5_430, "PT1H30M30S", None),
    (
        "priorityWithinCategory",
        "Microsoft.NAV.jobQueuePriority",
        "priority_within_category",
        CategoryPriority.HIGH,
        "High",
        None,
    ),
    ("lastModifiedDateTime", "Edm.DateTimeOffset", "modified_at", AT, SHOWN_AT, UNSET_MOMENT),
]
LOG_FIELDS = [
    ("id", "Edm.Guid", "id", GUID, str(GUID), None),
    ("jobQueueEntryId", "Edm.Guid", "entry_id", GUID, str(GUID), None),
    ("userId", "Edm.String", "user", None, "", None),
    ("startDateTime", "Edm.DateTimeOffset", "started_at", AT, SHOWN_AT, UNSET_MOMENT),
    ("endDateTime", "Edm.DateTimeOffset", "ended_at", AT, SHOWN_AT, UNSET_MOMENT),
    ("objectIdToRun", "Edm.Int32", "object_id", 90002, 90002, None),
    ("objectTypeToRun", "Edm.String", "object_type", ObjectType.REPORT, "Report", None),
    ("status", "Edm.String", "status", LogStatus.IN_PROCESS, "In_x0020_Process", None),
    ("description", "Edm.String", "description", "Bank import", "Bank import", ""),
    ("errorMessage", "Edm.String", "error_message", "It failed.", "It failed.", ""),
    ("jobQueueCategoryCode", "Edm.String", "category_code", "BANK", "BANK", ""),
    ("errorCallStack", "Edm.Stream", None, None, None, None),
    ("parameterString", "Edm.String", "parameter_string", "a=b", "a=b", ""),
    ("systemTaskId", "Edm.Guid", "system_task_id", GUID, str(GUID), UNSET_GUID),
    ("userSessionId", "Edm.Int32", "session_number", 17, 17, 0),
    ("userServiceInstanceId", "Edm.Int32", "worker_id", 5, 5, 0),
    ("lastModifiedDateTime", "Edm.DateTimeOffset", "modified_at", AT, SHOWN_AT, UNSET_MOMENT),
]


def emptied(row, field):
    """The row with the field as it is when nobody set it."""
    kind = row._meta.get_field(field)
    setattr(row, field, None if kind.null else type(kind.to_python(getattr(row, field)))())
    row.save()


def ids(table):
    return [row[0] for row in table]


@pytest.mark.parametrize(
    ("name", "_type", "field", "stored", "shown", "unset"), ENTRY_FIELDS, ids=ids(ENTRY_FIELDS)
)
def test_each_property_of_an_entry(client, name, _type, field, stored, shown, unset):
    entry = builders.make_entry()
    if field is not None:
        setattr(entry, field, stored)
        Entry.objects.filter(pk=entry.pk).update(**{field: stored})
    (answer,) = client.entries()
    assert answer[name] == shown
    assert type(answer[name]) is type(shown)
    if unset is not None and field is not None:
        emptied(entry, field)
        (answer,) = client.entries()
        assert answer[name] == unset


@pytest.mark.parametrize(
    ("name", "_type", "field", "stored", "shown", "unset"), LOG_FIELDS, ids=ids(LOG_FIELDS)
)
def test_each_property_of_a_log_entry(client, name, _type, field, stored, shown, unset):
    row = builders.make_log_entry()
    if field is None:
        (answer,) = client.runs()
        link = f"http://testserver{client.base}/jobQueueLogEntries({row.id})/errorCallStack"
        assert answer[f"{name}@odata.mediaReadLink"] == link
        assert name not in answer
        return
    type(row).objects.filter(pk=row.pk).update(**{field: stored})
    (answer,) = client.runs()
    assert answer[name] == shown
    assert type(answer[name]) is type(shown)
    if unset is not None:
        emptied(row, field)
        (answer,) = client.runs()
        assert answer[name] == unset


def test_an_answer_has_these_properties_in_this_order_and_no_other(client):
    builders.make_log_entry()
    (entry,), (run,) = client.entries(), client.runs()
    assert list(entry) == ["@odata.etag", *ids(ENTRY_FIELDS)]
    assert list(run) == [
        "@odata.etag",
        *(f"{name}@odata.mediaReadLink" if name == "errorCallStack" else name for name in ids(LOG_FIELDS)),
    ]


def test_the_metadata_gives_the_same_properties_their_types(client):
    response = client.api.get("/api/v2.0/$metadata")
    assert response["Content-Type"].startswith("application/xml")
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    root = Xml.fromstring(response.content)
    types = {
        entity.get("Name"): [(one.get("Name"), one.get("Type")) for one in entity.findall(f"{edm}Property")]
        for entity in root.iter(f"{edm}EntityType")
    }
    assert types["jobQueueEntry"] == [row[:2] for row in ENTRY_FIELDS]
    assert types["jobQueueLogEntry"] == [row[:2] for row in LOG_FIELDS]
    enums = {
        enum.get("Name"): [(one.get("Name"), one.get("Value")) for one in enum.findall(f"{edm}Member")]
        for enum in root.iter(f"{edm}EnumType")
    }
    assert enums["jobQueuePriority"] == [("High", "1000"), ("Normal", "2000"), ("Low", "3000")]
    assert enums["jobQueueReportOutputType"][4] == ("None_x0020__x0028_Processing_x0020_only_x0029_", "4")
    assert [action.get("Name") for action in root.iter(f"{edm}Action")] == ["restart"]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (Status.READY, "Ready"),
        (Status.IN_PROCESS, "In_x0020_Process"),
        (Status.ERROR, "Error"),
        (Status.ON_HOLD, "On_x0020_Hold"),
        (Status.FINISHED, "Finished"),
        (Status.INACTIVITY, "On_x0020_Hold_x0020_with_x0020_Inactivity_x0020_Timeout"),
        (Status.WAITING, "Waiting"),
    ],
)
def test_statuses_are_spelled_as_member_names_and_found_in_both_spellings(client, status, shown):
    builders.make_entry(status=status)
    builders.make_entry(status=Status.ERROR if status != Status.ERROR else Status.READY)
    assert [one["status"] for one in client.entries(filter=f"status eq '{shown}'")] == [shown]
    assert [one["status"] for one in client.entries(filter=f"status eq '{status.label}'")] == [shown]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(43_200, "PT12H"), (0, "PT0S"), (1, "PT1S"), (60, "PT1M"), (86_400, "P1D"), (90_061, "P1DT1H1M1S")],
)
def test_the_timeout_is_an_iso_duration(client, seconds, shown):
    builders.make_entry(timeout_seconds=seconds)
    assert client.entries()[0]["jobTimeOut"] == shown


def test_the_reference_starting_time_is_on_the_clock_of_the_entry(client):
    builders.make_entry(starting_time=time(8), time_zone="Asia/Tokyo")
    assert client.entries()[0]["referenceStartingTime"] == "1999-12-31T23:00:00Z"


def test_scheduled_says_whether_the_task_exists(client):
    task_id = ready_entry().system_task_id
    builders.make_entry(system_task_id=uuid.uuid4())
    assert [one["scheduled"] for one in client.entries()] == [True, False]
    assert [one["systemTaskId"] for one in client.entries(filter="scheduled")] == [str(task_id)]
    assert len(client.entries(filter="not scheduled")) == 1


def test_the_running_user_is_a_name(client):
    entry = builders.make_entry(user=builders.make_superuser("ann"))
    builders.make_log_entry(entry)
    assert client.entries()[0]["userId"] == "ann"
    assert client.runs()[0]["userId"] == "ann"


def test_the_log_knows_three_statuses_only(client):
    for number, status in enumerate(LogStatus):
        builders.make_log_entry(
            status=status, reason=f"Reason {number}", due_at=datetime(2026, 3, number + 1, tzinfo=UTC)
        )
    found = [(one["status"], one["errorMessage"]) for one in client.runs()]
    assert found == [("Error", "Reason 3"), ("Error", ""), ("In_x0020_Process", ""), ("Success", "")]
    assert len(client.runs(filter="status eq 'Error'")) == 2
    assert len(client.runs(filter="status ne 'Error'")) == 2
    assert [one["status"] for one in client.runs(filter="errorMessage eq 'Reason 3'")] == ["Error"]
    code, message = client.refusal("/jobQueueLogEntries", filter="status eq 'Skipped'")
    assert code == "BadRequest_NotFound"
    assert "'Success', 'In Process', 'Error'" in message


def test_the_call_stack_has_an_address_of_its_own(client):
    row = builders.make_log_entry(status=LogStatus.ERROR, error_call_stack="Ærror\n  in line 3")
    link = client.runs()[0]["errorCallStack@odata.mediaReadLink"]
    response = client.api.get(link)
    assert (response.status_code, response.content.decode()) == (200, "Ærror\n  in line 3")
    assert response["X-Content-Type-Options"] == "nosniff"
    type(row).objects.update(error_call_stack="")
    assert client.api.get(link).status_code == 204


def test_companies_are_named_by_their_code(client, company):
    body = client.at("/api/v2.0/companies")
    assert body["@odata.context"] == "http://testserver/api/v2.0/$metadata#companies"
    (found,) = body["value"]
    assert (found["id"], found["name"], found["displayName"]) == (str(company.pk), company.code, company.name)
    single = client.get()
    assert single["@odata.context"].endswith("#companies/$entity")
    assert {**found, "@odata.context": single["@odata.context"]} == single
