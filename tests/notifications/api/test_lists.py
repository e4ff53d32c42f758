"""Notification lists, their lines, the default list and the mail log by the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import NotificationLine, NotificationList
from packages.lists import private_list
from tests import builders
from tests.api.refusing import refused
from tests.notifications.outbox import make_list, tell
from tests.packages.building import active, nightly

pytestmark = pytest.mark.django_db
LISTS = "/api/v1/companies/main/notification-lists/"
DEFAULT = "/api/v1/companies/main/default-notification-list/"
MESSAGES = "/api/v1/companies/main/messages/"


def test_a_list_is_made_filled_changed_and_deleted(calling):
    client, ann = calling(), builders.make_user("ann")
    made = client.post(LISTS, {"name": "On call"})
    assert made.status_code == 201, made.content
    one = f"{LISTS}{made.json()['id']}/"
    line = client.post(f"{one}lines/", {"user": "ann", "scenario": "entry_error", "repeat_minutes": 60})
    assert line.status_code == 201, line.content
    assert (line.json()["user"], line.json()["scenario_caption"]) == (ann.username, "On Error")
    at = f"{one}lines/{line.json()['id']}/"
    changed = client.patch(at, {"address": "ops@example.com"})
    assert (changed.json()["user"], changed.json()["address"]) == (None, "ops@example.com")
    assert client.patch(one, {"is_enabled": False}).json()["is_enabled"] is False
    assert len(client.get(one).json()["lines"]) == 1
    assert client.delete(at).status_code == 204
    assert client.delete(one).status_code == 204
    refused(client.get(one), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"scenario": "entry_error"}, "invalid"),
        ({"user": "nobody", "scenario": "entry_error"}, "invalid"),
        ({"address": "ann@example.com", "scenario": "entry_on_fire"}, "invalid"),
        ({"address": "ann@example.com", "scenario": "entry_late"}, "invalid"),
        ({"address": "no address", "scenario": "entry_error"}, "invalid"),
        ({"address": "ann@example.com", "scenario": "entry_error", "colour": "red"}, "invalid"),
        ({"address": "ann@example.com", "scenario": "entry_error", "repeat_minutes": -1}, "invalid"),
    ],
)
def test_a_wrong_line_adds_nobody(calling, body, code):
    found = make_list()
    refused(calling().post(f"{LISTS}{found.pk}/lines/", body), 400, code)
    assert not NotificationLine.objects.exists()


def test_the_default_list(calling):
    client, found = calling(), make_list(("ann@example.com", "entry_error"))
    assert client.get(DEFAULT).json() == {"list": None}
    assert client.put(DEFAULT, {"list": found.pk}).json()["list"]["is_default"] is True
    refused(client.delete(f"{LISTS}{found.pk}/"), 409, "list_in_use")
    assert client.put(DEFAULT, {"list": None}).json() == {"list": None}
    refused(client.put(DEFAULT, {"list": make_list().pk}), 400, "invalid")
    refused(client.put(DEFAULT, {"list": 10**30}), 404, "not_found")


def test_the_list_of_a_package_is_locked_with_it(calling):
    package = active(nightly())
    own = private_list(package)
    body = {"address": "ann@example.com", "scenario": "package_error"}
    refused(calling("Scheduler").post(f"{LISTS}{own.pk}/lines/", body), 409, "package_locked")
    refused(calling().delete(f"{LISTS}{own.pk}/"), 409, "package_locked")
    names = [row["name"] for row in calling().get(f"{LISTS}?private=true").json()["results"]]
    assert names == ["Nightly"]


@pytest.mark.parametrize("group", ["Viewer", "Operator", "Scheduler"])
def test_shared_lists_are_set_up_by_administrators(calling, group):
    found, client = make_list(), calling(group)
    assert client.get(LISTS).status_code == 200
    body = {"address": "ann@example.com", "scenario": "entry_error"}
    refused(client.post(LISTS, {"name": "Mine"}), 403, "not_allowed")
    refused(client.post(f"{LISTS}{found.pk}/lines/", body), 403, "not_allowed")
    refused(client.post(f"{LISTS}{found.pk}/send-test/"), 403, "not_allowed")
    refused(client.put(DEFAULT, {"list": None}), 403, "not_allowed")


def test_a_token_of_an_administrator_sets_up_lists_only_with_that_scope(calling):
    found = make_list(("ann@example.com", "entry_error"))
    one, line = f"{LISTS}{found.pk}/", found.lines.get()
    client = calling(scopes=["schedule"])
    body = {"address": "bob@example.com", "scenario": "entry_error"}
    for answer in (
        client.post(LISTS, {"name": "Mine"}),
        client.patch(one, {"name": "Mine"}),
        client.delete(one),
        client.post(f"{one}lines/", body),
        client.patch(f"{one}lines/{line.pk}/", {"repeat_minutes": 60}),
        client.delete(f"{one}lines/{line.pk}/"),
    ):
        refused(answer, 403, "scope_missing")
    assert found.lines.get().address == "ann@example.com"


def test_lists_of_another_company_do_not_exist(calling):
    theirs = make_list(("ann@example.com", "entry_error"), company=builders.make_company("other"))
    line = theirs.lines.get()
    for method, rest in (
        ("get", ""), ("patch", ""), ("delete", ""), ("post", "send-test/"), ("get", "lines/"), ("post", "lines/"),
        ("delete", f"lines/{line.pk}/"),
    ):  # fmt: skip
        body = (
            {"address": "x@example.com", "scenario": "entry_error"}
            if (method, rest) == ("post", "lines/")
            else {}
        )
        refused(getattr(calling(), method)(f"{LISTS}{theirs.pk}/{rest}", body), 404, "not_found")
    ours = make_list()
    refused(calling().delete(f"{LISTS}{ours.pk}/lines/{line.pk}/"), 404, "not_found")


def test_send_test_and_the_mail_log(calling):
    client, found = calling(), make_list(("ann@example.com", "entry_error"))
    sent = client.post(f"{LISTS}{found.pk}/send-test/")
    assert sent.status_code == 202
    assert [one["recipient"] for one in sent.json()] == ["ann@example.com"]
    tell("sample_error", lists=(make_list(("bob@example.com", "sample_error")),))
    log = calling("Viewer").get(MESSAGES).json()["results"]
    assert [(one["recipient"], one["state"], one["is_test"]) for one in log] == [
        ("bob@example.com", "Queued", False),
        ("ann@example.com", "Queued", True),
    ]
    body = client.get(f"{MESSAGES}{log[0]['id']}/").json()
    assert body["facts"]["happened"] == "Something happened."
    for query, count in (("search=bob", 1), ("state=Sent", 0), ("channel=E-mail", 2), ("about=package:7", 1)):
        assert len(client.get(f"{MESSAGES}?{query}").json()["results"]) == count, query
    for moment in ("2026-03-02T09:00:00%2B20:00", "2026-03-02T09:00:00-23:59"):
        assert client.get(f"{MESSAGES}?queued_from={moment}").status_code == 200, moment
    refused(client.post(f"{MESSAGES}{log[0]['id']}/send-again/"), 409, "message_not_finished")
    refused(client.get(f"{MESSAGES}?state=Lost"), 400, "invalid")


def test_messages_of_another_company_do_not_exist(calling):
    other = builders.make_company("other")
    tell(
        "sample_error", company=other, lists=(make_list(("bob@example.com", "sample_error"), company=other),)
    )
    message = other.notification_messages.get()
    assert calling().get(MESSAGES).json()["results"] == []
    refused(calling().get(f"{MESSAGES}{message.pk}/"), 404, "not_found")
    refused(calling().post(f"{MESSAGES}{message.pk}/send-again/"), 404, "not_found")


@pytest.mark.parametrize("address", [LISTS, MESSAGES])
def test_lists_cost_the_same_for_five_and_for_fifty(calling, address):
    client = calling("Viewer")

    def queries(count: int) -> int:
        while NotificationList.objects.count() < count:
            found = make_list((builders.make_user(), "sample_error"))
            tell("sample_error", lists=(found,))
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    client.get(address)
    assert queries(5) == queries(50)


def test_scenarios_are_told(calling):
    found = {one["code"]: one for one in calling("Viewer").get("/api/v1/companies/main/scenarios/").json()}
    assert found["package_error"]["is_failure"] is True
    assert found["entry_late"]["needs_minutes"] is True
