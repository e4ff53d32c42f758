"""The query options of lists, alone and together, and pages that follow each other."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.api_v2 import lists
from jobqueue.api_v2.entries import ENTRIES
from jobqueue.api_v2.kinds import Boolean, Int32, Moment
from jobqueue.api_v2.log_entries import LOG_ENTRIES
from jobqueue.models import Entry
from jobqueue.states import LogStatus, Status
from tests import builders

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def seven(company):
    """Job 0 … Job 6; the starts repeat and two are unset."""
    user = builders.make_superuser("ann")
    starts = [AT, None, AT + HOUR, AT, None, AT - HOUR, AT]
    return [
        builders.make_entry(user=user, description=f"Job {number}", earliest_start_at=start)
        for number, start in enumerate(starts)
    ]


def names(rows):
    return [row["description"][-1] for row in rows]


def test_a_collection_names_its_context_and_ends_without_a_next_page(client, seven):
    body = client.get("/jobQueueEntries")
    context = f"http://testserver/api/v2.0/$metadata#{client.base.rpartition('/')[2]}/jobQueueEntries"
    assert body["@odata.context"] == context
    assert set(body) == {"@odata.context", "value"}
    assert names(body["value"]) == list("0123456")


def test_a_record_names_its_context_and_its_etag(client, seven):
    response = client.api.get(f"{client.base}/jobQueueEntries({seven[0].id})")
    body = response.json()
    assert body["@odata.context"].endswith("/jobQueueEntries/$entity")
    assert body["@odata.etag"] == response["ETag"]
    assert body["@odata.etag"].startswith('W/"')
    assert body["id"] == str(seven[0].id)


def test_select_leaves_the_rest_out(client, seven):
    body = client.get("/jobQueueEntries", select="status, id", top=1)
    assert body["@odata.context"].endswith("/jobQueueEntries(id,status)")
    assert list(body["value"][0]) == ["@odata.etag", "id", "status"]
    assert len(client.get("/jobQueueEntries", select="*")["value"][0]) == 47


def test_what_is_expanded_may_be_selected_as_well(client, seven):
    row = client.entries(select="id,jobQueueLogEntries", expand="jobQueueLogEntries", top=1)[0]
    assert list(row) == ["@odata.etag", "id", "jobQueueLogEntries"]
    assert len(client.entries(select="*,jobQueueLogEntries", top=1)[0]) == 47
    assert "jobQueueLogEntries" in client.refusal("/jobQueueLogEntries", select="jobQueueLogEntries")[1]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("description desc", "6543210"),
        ("earliestStartDateTime", "1450362"),
        ("earliestStartDateTime desc", "2036514"),
        ("earliestStartDateTime asc,description desc", "4156302"),
        ("userId,earliestStartDateTime desc,id", None),
        ("scheduled,description", "0123456"),
        ("startingTime desc, status", "0123456"),
    ],
)
def test_rows_come_in_the_asked_order_also_page_by_page(client, seven, order, expected):
    whole = names(client.entries(orderby=order))
    if expected is not None:
        assert "".join(whole) == expected
    body, seen = client.get("/jobQueueEntries", orderby=order, prefer="odata.maxpagesize=2"), []
    while True:
        assert len(body["value"]) <= 2
        seen += names(body["value"])
        if "@odata.nextLink" not in body:
            break
        body = client.at(body["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=2"})
    assert seen == whole


@pytest.mark.parametrize("name", [found.name for found in ENTRIES.properties])
def test_every_property_orders_entries_both_ways_and_page_by_page(client, varied, name):
    for order in (name, f"{name} desc"):
        rows = client.entries(orderby=order)
        assert len(rows) == 5
        if isinstance(ENTRIES.by_name[name].kind, Int32 | Moment | Boolean):
            shown = [row[name] for row in rows]
            assert shown == sorted(shown, reverse=order.endswith("desc"))
        assert walked(client, "/jobQueueEntries", order) == [row["id"] for row in rows]


@pytest.mark.parametrize(
    "name", [found.name for found in LOG_ENTRIES.properties if found.name != "errorCallStack"]
)
def test_every_property_but_the_call_stack_orders_runs(client, varied, name):
    for number, entry in enumerate(varied):
        status = [LogStatus.SUCCESS, LogStatus.CANCELLED, LogStatus.ERROR][number % 3]
        worker = {"session_number": number} if number % 2 else {}
        builders.make_log_entry(entry, status=status, due_at=AT + number * HOUR, reason="x", **worker)
    for order in (name, f"{name} desc"):
        whole = [row["id"] for row in client.runs(orderby=order)]
        assert len(whole) == 5
        assert walked(client, "/jobQueueLogEntries", order) == whole


def walked(client, path, order):
    prefer = {"Prefer": "odata.maxpagesize=2"}
    body, seen = client.get(path, orderby=order, select="id", prefer=prefer["Prefer"]), []
    while True:
        seen += [row["id"] for row in body["value"]]
        if "@odata.nextLink" not in body:
            return seen
        body = client.at(body["@odata.nextLink"], headers=prefer)


@pytest.fixture
def varied(company):
    """Five entries with other objects, languages, zones, starting times and sessions; the last has none of them."""
    user = builders.make_superuser("ann")
    made = [
        builders.make_entry(
            user=user,
            object_id=90001 + number % 3,
            user_language=["en", "da", "de", "xx"][number],
            time_zone=["Asia/Tokyo", "UTC", "America/New_York", "Asia/Tokyo"][number],
            starting_time=time(3 * number, 30),
            session_number=number,
        )
        for number in range(4)
    ]
    return [*made, builders.make_entry(user=user, object_id=123)]


def test_no_row_is_repeated_or_lost_while_others_come_and_go(client, seven):
    body = client.get("/jobQueueEntries", orderby="description", prefer="odata.maxpagesize=3")
    seven[0].delete()
    seven[4].delete()
    builders.make_entry(description="Job -")
    body = client.at(body["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=3"})
    assert names(body["value"]) == list("356")


def test_top_skip_and_count_together(client, seven):
    body = client.get("/jobQueueEntries", top=3, skip=2, count="true", filter="description ne 'Job 3'")
    assert (body["@odata.count"], names(body["value"])) == (6, list("245"))
    assert "@odata.nextLink" not in body
    assert client.get("/jobQueueEntries", top=0, count="true")["value"] == []
    assert "@odata.count" not in client.get("/jobQueueEntries", count="false")
    assert client.entries(skip=100) == []


def test_top_is_kept_across_pages(client, seven):
    how = {"prefer": "odata.maxpagesize=2", "headers": {"Prefer": "odata.maxpagesize=2"}}
    body = client.get("/jobQueueEntries", top=5, skip=1, count="true", prefer=how["prefer"])
    seen = names(body["value"])
    while "@odata.nextLink" in body:
        body = client.at(body["@odata.nextLink"], headers=how["headers"])
        assert body["@odata.count"] == 7
        seen += names(body["value"])
    assert seen == list("12345")


def test_the_server_pages_by_itself(client, seven, monkeypatch):
    monkeypatch.setattr(lists, "LARGEST_PAGE", 4)
    body = client.get("/jobQueueEntries", filter="description ne 'x''&+y'", select="description")
    following = client.at(body["@odata.nextLink"])
    assert names(body["value"]) + names(following["value"]) == list("0123456")
    assert set(following["value"][0]) == {"@odata.etag", "description"}


def test_the_preference_is_confirmed_and_a_senseless_one_ignored(client, seven):
    for header, applied in (
        ("odata.maxpagesize=3", "odata.maxpagesize=3"),
        ("respond-async, maxpagesize=3", "odata.maxpagesize=3"),
        ("odata.maxpagesize=99999", "odata.maxpagesize=20000"),
        ("odata.maxpagesize=0", None),
        ("odata.maxpagesize=many", None),
    ):
        response = client.api.get(f"{client.base}/jobQueueEntries", headers={"Prefer": header})
        assert response.get("Preference-Applied") == applied


def test_counting_alone(client, seven):
    response = client.api.get(f"{client.base}/jobQueueEntries/$count?$filter=description eq 'Job 1'")
    assert (response.content, response["Content-Type"]) == (b"1", "text/plain; charset=utf-8")
    assert client.api.get(f"{client.base}/jobQueueLogEntries/$count").content == b"0"


def test_runs_come_newest_first_and_by_entry(client, seven):
    for number in range(3):
        builders.make_log_entry(seven[0], due_at=AT + number * HOUR)
    builders.make_log_entry(seven[1], due_at=AT)
    path = f"/jobQueueEntries({seven[0].id})/jobQueueLogEntries"
    body = client.get(path)
    assert [row["startDateTime"][11:13] for row in body["value"]] == ["10", "09", "08"]
    assert body["@odata.context"].endswith(path)
    page = client.get(path, prefer="odata.maxpagesize=2")
    assert [row["startDateTime"][11:13] for row in client.at(page["@odata.nextLink"])["value"]] == ["08"]
    assert len(client.runs(filter=f"jobQueueEntryId eq {seven[0].id}")) == 3
    run = client.get(f"/jobQueueLogEntries({body['value'][0]['id']})")
    assert run["@odata.context"].endswith("/jobQueueLogEntries/$entity")


def test_expanding_brings_the_runs_of_each_entry(client, seven):
    for number, status in enumerate([LogStatus.SUCCESS, LogStatus.ERROR, LogStatus.SKIPPED]):
        builders.make_log_entry(seven[0], status=status, due_at=AT + number * HOUR)
    builders.make_log_entry(seven[2], due_at=AT)
    rows = client.entries(expand="jobQueueLogEntries", select="description")
    assert [len(row["jobQueueLogEntries"]) for row in rows] == [2, 0, 1, 0, 0, 0, 0]
    assert [run["status"] for run in rows[0]["jobQueueLogEntries"]] == ["Error", "Success"]
    single = client.get(f"/jobQueueEntries({seven[0].id})", expand="jobQueueLogEntries")
    assert [run["status"] for run in single["jobQueueLogEntries"]] == ["Error", "Success"]
    chosen = client.entries(
        expand="jobQueueLogEntries($filter=status eq 'Error' and description ne 'a;b';$select=status;$top=1)"
    )
    assert chosen[0]["jobQueueLogEntries"] == [
        {"@odata.etag": rows[0]["jobQueueLogEntries"][0]["@odata.etag"], "status": "Error"}
    ]


@pytest.mark.parametrize("single", [True, False])
def test_many_runs_of_an_entry_go_on_at_an_address_of_their_own(client, seven, monkeypatch, single):
    monkeypatch.setattr(lists, "LOG_ENTRIES_PER_ENTRY", 2)
    monkeypatch.setattr(lists, "LOG_ENTRIES_OF_ONE_ENTRY", 2)
    for number in range(5):
        builders.make_log_entry(seven[0], due_at=AT + number * HOUR)
    path = f"/jobQueueEntries({seven[0].id})" if single else "/jobQueueEntries"
    body = client.get(path, expand="jobQueueLogEntries($orderby=startDateTime)")
    entry = body if single else body["value"][0]
    seen = [run["startDateTime"][11:13] for run in entry["jobQueueLogEntries"]]
    assert seen == ["08", "09"]
    rest = client.at(entry["jobQueueLogEntries@odata.nextLink"])
    assert [run["startDateTime"][11:13] for run in rest["value"]] == ["10", "11", "12"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"top": "-1"}, "$top is “-1”"),
        ({"top": "many"}, "$top is"),
        ({"skip": "99999999999"}, "$skip is"),
        ({"skip": "٣"}, "$skip is"),
        ({"count": "yes"}, "true or false"),
        ({"select": "colour"}, "“colour”"),
        ({"select": ""}, "Could not find"),
        ({"orderby": "colour"}, "“colour”"),
        ({"orderby": "status down"}, "asc or desc"),
        ({"orderby": "status,"}, "not understood"),
        ({"select": "status,company"}, "“company”"),
        ({"orderby": ",".join(["status"] * 9)}, "more than 8"),
        ({"expand": "company"}, "jobQueueLogEntries"),
        ({"expand": "jobQueueLogEntries("}, "jobQueueLogEntries"),
        ({"expand": "jobQueueLogEntries($skip=1)"}, "“$skip” is not offered"),
        ({"expand": "jobQueueLogEntries(status)"}, "not understood"),
        ({"expand": "jobQueueLogEntries($top=1;$top=2)"}, "not understood"),
        ({"expand": "jobQueueLogEntries($expand=jobQueueLogEntries)"}, "not offered"),
        ({"search": "bank"}, "“$search” is not offered"),
        ({"apply": "aggregate(id)"}, "not offered"),
        ({"skiptoken": "nonsense"}, "$skiptoken"),
    ],
)
def test_options_that_are_not_understood_are_refused(client, options, says):
    code, message = client.refusal("/jobQueueEntries", **options)
    assert code == "BadRequest_NotFound"
    assert says in message, message


def test_an_option_given_twice_is_refused(client):
    response = client.api.get(f"{client.base}/jobQueueEntries?$top=1&$top=2")
    assert "given 2 times" in response.json()["error"]["message"]


def test_a_token_is_good_for_its_own_list_in_its_own_order_only(client, seven):
    body = client.get("/jobQueueEntries", orderby="description", prefer="odata.maxpagesize=2")
    token = body["@odata.nextLink"].rpartition("=")[2]
    assert "$skiptoken" in client.refusal("/jobQueueEntries", skiptoken=token)[1]
    assert "$skiptoken" in client.refusal("/jobQueueLogEntries", skiptoken=token)[1]
    assert "$skiptoken" in client.refusal("/jobQueueEntries", orderby="description", skiptoken=token + "x")[1]


def test_records_know_fewer_options(client, seven):
    code, message = client.refusal(f"/jobQueueEntries({seven[0].id})", filter="status eq 'Ready'")
    assert (code, "$expand, $select" in message) == ("BadRequest_NotFound", True)


def test_other_parameters_mean_nothing_to_the_contract(client, seven):
    assert len(client.at(f"{client.base}/jobQueueEntries?tenant=x&$format=json")["value"]) == 7


def test_companies_know_the_same_options(client, company):
    builders.make_company("other", name="Zebra")
    body = client.at("/api/v2.0/companies?$filter=name eq 'other'&$select=displayName&$count=true")
    assert (body["@odata.count"], body["value"]) == (1, [{"displayName": "Zebra"}])
    first = client.at("/api/v2.0/companies?$orderby=displayName desc", headers={"Prefer": "maxpagesize=1"})
    assert first["value"][0]["name"] == "other"
    assert client.at(first["@odata.nextLink"])["value"][0]["name"] == company.code


@pytest.mark.parametrize(
    "path",
    [
        "/jobQueueEntries",
        "/jobQueueEntries?$expand=jobQueueLogEntries&$count=true&$orderby=earliestStartDateTime",
        "/jobQueueLogEntries?$count=true",
    ],
)
def test_more_rows_need_no_more_queries(client, path):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.at(client.base + path)["value"]
        return len(captured)

    def add():
        entry = builders.make_entry(status=Status.READY, earliest_start_at=AT)
        builders.make_log_entry(entry, due_at=AT)
        builders.make_log_entry(entry, due_at=AT + HOUR)

    add()
    client.get()  # the first call of a token writes when it was last used
    before = queries()
    for _ in range(5):
        add()
    assert queries() == before
    assert Entry.objects.count() == 6
