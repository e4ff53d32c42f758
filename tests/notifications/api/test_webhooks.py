"""Webhooks by the API: subscribed, signed, delivered, sent again; and entries that tell of ends only then."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from jobqueue import lifecycle
from jobqueue.models import Entry
from notifications import watch
from notifications.models import ChannelTarget, Message
from notifications.watch import look_round
from tests import builders
from tests.api.refusing import refused
from tests.jobobjects import jobs
from tests.notifications.outbox import deliver, make_list, tell
from tests.packages import building

pytestmark = pytest.mark.django_db
WEBHOOKS = "/api/v1/companies/main/webhooks/"
MESSAGES = "/api/v1/companies/main/messages/"


def subscribed(client, hook, *events: str, name: str = "Incidents", **more) -> dict:
    answer = client.post(
        WEBHOOKS, {"name": name, "address": hook.url("/in?key=abc"), "events": events, **more}
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def soon():
    return timezone.now() + timedelta(seconds=2)


def ran(object_id: int, **values) -> Entry:
    """An entry that was made, set Ready and has run."""
    actor = builders.actor_of(builders.make_superuser())
    values = {"object_id": object_id, "description": "Import", **values}
    entry = lifecycle.create_entry(builders.default_company(), values, actor=actor)
    lifecycle.set_ready(entry, actor=actor)
    deliver(soon())
    return entry


# --- subscribe and receive
def test_a_failure_reaches_who_subscribes_under_the_secret_shown_once(calling, hook):
    client = calling()
    made = subscribed(client, hook, "entry_error")
    assert made["secret"].startswith("whsec_")
    assert client.get(f"{WEBHOOKS}{made['id']}/").json() == {k: v for k, v in made.items() if k != "secret"}
    entry = ran(jobs.FAILURE, max_attempts=0)
    [received] = hook.received
    told = Webhook(made["secret"]).verify(received.body, received.headers)
    assert (told["type"], told["data"]["company"]) == ("entry_error", "main")
    assert told["data"]["facts"]["entry_no"] == entry.entry_no
    page = client.get(f"{WEBHOOKS}{made['id']}/deliveries/").json()["results"]
    assert [(one["state"], one["told_as"], one["delivery_attempts"][0]["outcome"]) for one in page] == [
        ("Sent", "Subscribed to it", "Sent")
    ]


def test_nothing_secret_is_ever_shown(calling, hook):
    client = calling()
    made = subscribed(client, hook, "entry_error")
    ran(jobs.FAILURE, max_attempts=0)
    for address in (
        WEBHOOKS,
        f"{WEBHOOKS}{made['id']}/",
        f"{WEBHOOKS}{made['id']}/deliveries/",
        "/api/v1/companies/main/notification-targets/",
        MESSAGES,
        f"{MESSAGES}{Message.objects.latest('pk').pk}/",
    ):
        body = client.get(address).content.decode()
        assert made["secret"] not in body
        assert "key=abc" not in body


def test_successes_are_told_by_watched_entries_and_those_made_later(calling, hook):
    before = builders.make_entry()
    made = subscribed(calling(), hook, "entry_success")
    before.refresh_from_db()
    assert before.is_watched
    entry = ran(jobs.SUCCESS)
    assert [json.loads(one.body)["type"] for one in hook.received] == ["entry_success"]
    calling().patch(f"{WEBHOOKS}{made['id']}/", {"is_enabled": False})
    before.refresh_from_db()
    assert not before.is_watched
    ran(jobs.SUCCESS)
    assert len(hook.received) == 1
    assert not Entry.objects.filter(pk=entry.pk, is_watched=True).exists()


@pytest.mark.parametrize(
    "events", [(), ("entry_error",), ("package_completion", "refresh_failed", "entry_late")]
)
def test_entries_stay_unwatched_where_nobody_wants_to_hear_of_ends(calling, hook, events):
    entry = builders.make_entry()
    subscribed(calling(), hook, *events)
    entry.refresh_from_db()
    assert not entry.is_watched
    ran(jobs.SUCCESS)
    assert not Message.objects.exists()
    assert not Entry.objects.filter(is_watched=True).exists()


def test_entries_on_a_list_stay_watched_when_the_last_webhook_goes(calling, hook):
    client, entry = calling(), builders.make_entry()
    made = subscribed(client, hook, "entry_success")
    found = make_list(("ann@example.com", "entry_success"))
    address = f"/api/v1/companies/main/entries/{entry.id}/notification-lists/"
    assert client.post(address, {"list": found.pk}).status_code == 200
    assert client.delete(f"{WEBHOOKS}{made['id']}/").status_code == 204
    entry.refresh_from_db()
    assert entry.is_watched
    assert client.delete(f"{address}{found.pk}/").status_code == 204
    entry.refresh_from_db()
    assert not entry.is_watched


def test_a_list_unlinked_leaves_the_entry_watched_for_the_webhook(calling, hook):
    client, entry = calling(), builders.make_entry()
    subscribed(client, hook, "entry_success")
    found = make_list(("ann@example.com", "entry_success"))
    address = f"/api/v1/companies/main/entries/{entry.id}/notification-lists/"
    client.post(address, {"list": found.pk})
    client.delete(f"{address}{found.pk}/")
    entry.refresh_from_db()
    assert entry.is_watched


def test_the_end_of_a_package_run_is_told_with_its_lines(calling, hook):
    subscribed(calling(), hook, "package_completion", "package_stop")
    package = building.nightly(failing=[30])
    building.active(package)
    building.run()
    told = json.loads(hook.received[0].body)
    assert told["type"] == "package_stop"
    assert set(told["data"]["scenarios"]) == {"package_stop", "package_completion"}
    assert [line["result"] for line in told["data"]["facts"]["lines"]] == [
        "success",
        "success",
        "error",
        "skipped",
    ]


def test_a_late_entry_is_told_once(calling, hook):
    now = timezone.now()
    subscribed(calling(), hook, "entry_late", threshold_minutes=30)
    for minutes in (20, 40):
        at = now - timedelta(minutes=minutes)
        builders.make_entry(
            status=builders.Status.READY, earliest_start_at=at, due_at=at, last_ready_state_at=at,
            description=f"Late by {minutes}",
        )  # fmt: skip
    look_round(now=now)
    look_round(now=now + timedelta(minutes=1))
    assert [(one.scenario, one.facts["name"]) for one in Message.objects.all()] == [
        ("entry_late", "Late by 40")
    ]


def test_every_late_entry_is_told_of_in_the_end_however_many_there_are(calling, hook, monkeypatch):
    monkeypatch.setattr(watch, "BATCH", 2)
    now = timezone.now()
    subscribed(calling(), hook, "entry_late", threshold_minutes=30)
    for minutes in range(40, 45):
        at = now - timedelta(minutes=minutes)
        builders.make_entry(
            status=builders.Status.READY, earliest_start_at=at, due_at=at, last_ready_state_at=at,
            description=f"Late by {minutes}",
        )  # fmt: skip
    told = []
    for minute in range(4):
        look_round(now=now + timedelta(minutes=minute))
        told.append(Message.objects.filter(scenario="entry_late").count())
    assert told == [2, 4, 5, 5]
    with CaptureQueriesContext(connection) as queries:
        watch._look_for_late_subscribed(now=now + timedelta(minutes=5))
    assert len(queries) <= 5, "what was told costs no look at each entry"


def test_a_webhook_on_a_list_gets_one_message_for_both(calling, hook):
    made = subscribed(calling(), hook, "sample_stop", name="Both")
    target = ChannelTarget.objects.get(pk=made["id"])
    told = tell("sample_stop", "sample_error", lists=(make_list((target, "sample_error")),))
    assert told == {"Both": ["sample_stop", "sample_error"]}


def test_webhooks_of_other_companies_hear_nothing(calling, hook):
    other = builders.make_company("other")
    address = WEBHOOKS.replace("/main/", "/other/")
    body = {"name": "Theirs", "address": hook.url(), "events": ["entry_error"]}
    assert calling().post(address, body).status_code == 201
    ran(jobs.FAILURE, max_attempts=0)
    assert not Message.objects.filter(company=other).exists()
    assert not hook.received


# --- tried again, sent again
def test_a_delivery_is_tried_again_with_the_same_id(calling, hook):
    hook.answers = [(503, {}, "busy"), (200, {}, "ok")]
    client = calling()
    made = subscribed(client, hook, "entry_error")
    ran(jobs.FAILURE, max_attempts=0)
    deliver(soon() + timedelta(minutes=30))
    assert len({one.headers["webhook-id"] for one in hook.received}) == 1
    assert len(hook.received) == 2
    [row] = client.get(f"{WEBHOOKS}{made['id']}/deliveries/").json()["results"]
    assert [one["outcome"] for one in row["delivery_attempts"]] == ["Nobody answered, tried again", "Sent"]


def test_what_failed_for_good_is_replayed_once(calling, hook):
    hook.answers_with(410)
    client = calling("Administrator")
    made = subscribed(client, hook, "entry_error")
    since = timezone.now().isoformat()
    ran(jobs.FAILURE, max_attempts=0)
    assert Message.objects.get(channel="webhook").state == "failed"
    hook.answers_with(200)
    replay = f"{WEBHOOKS}{made['id']}/replay/"
    answer = calling("Operator", scopes=["operate"]).post(replay, {"since": since})
    assert (answer.status_code, answer.json()) == (202, {"queued": 1})
    deliver(soon())
    assert [one.state for one in Message.objects.filter(channel="webhook").order_by("pk")] == [
        "failed",
        "sent",
    ]
    assert client.post(replay, {"since": since}).json() == {"queued": 0}
    refused(client.post(replay, {"since": "yesterday"}), 400, "invalid")
    refused(calling("Viewer").post(replay, {"since": since}), 403, "not_allowed")


def test_one_delivery_is_sent_again(calling, hook):
    client = calling("Operator")
    subscribed(calling(), hook, "entry_error")
    ran(jobs.FAILURE, max_attempts=0)
    first = Message.objects.get(channel="webhook")
    again = client.post(f"{MESSAGES}{first.pk}/send-again/")
    assert (again.status_code, again.json()["sent_again_from"]) == (202, first.pk)
    refused(client.post(f"{MESSAGES}{again.json()['id']}/send-again/"), 409, "message_not_finished")
    deliver(soon())
    assert len(hook.received) == 2


def test_a_test_message(calling, hook):
    client = calling()
    made = subscribed(client, hook)
    assert client.post(f"{WEBHOOKS}{made['id']}/send-test/").status_code == 202
    deliver(soon())
    assert json.loads(hook.received[0].body)["data"]["test"] is True
    client.patch(f"{WEBHOOKS}{made['id']}/", {"is_enabled": False})
    refused(client.post(f"{WEBHOOKS}{made['id']}/send-test/"), 409, "switched_off")


def test_a_secret_is_replaced_without_a_gap(calling, hook):
    client = calling()
    made = subscribed(client, hook, "entry_error")
    one = f"{WEBHOOKS}{made['id']}/"
    fresh = client.post(f"{one}renew-secret/").json()["secret"]
    ran(jobs.FAILURE, max_attempts=0)
    for secret in (made["secret"], fresh):
        Webhook(secret).verify(hook.received[0].body, hook.received[0].headers)
    assert client.post(f"{one}drop-old-secret/").status_code == 200
    refused(client.post(f"{one}drop-old-secret/"), 409, "refused")
    ran(jobs.FAILURE, max_attempts=0)
    Webhook(fresh).verify(hook.received[1].body, hook.received[1].headers)
    assert len(hook.received[1].headers["webhook-signature"].split()) == 1


# --- refused
@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/x",
        "https://10.1.2.3/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/",
        "https://localhost/",
    ],
)
def test_addresses_inside_the_house_are_refused_unless_allowed(calling, address):
    body = {"name": "Inside", "address": address, "events": ["entry_error"]}
    found = refused(calling().post(WEBHOOKS, body), 400, "invalid")
    assert [(one["field"], one["code"]) for one in found["errors"]] == [("address", "outbound_refused")]
    assert not ChannelTarget.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": ["entry_on_fire"]}, "events"),
        ({"events": "entry_error"}, "events"),
        ({"address": "hooks.example.com"}, "address"),
        ({"address": "ftp://hooks.example.com/x"}, "address"),
        ({"name": ""}, "name"),
        ({"threshold_minutes": 0}, "threshold_minutes"),
        ({"secret": "whsec_abc"}, "secret"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_input_makes_no_webhook(calling, hook, body, field):
    values = {"name": "Hook", "address": hook.url(), "events": ["entry_error"], **body}
    found = refused(calling().post(WEBHOOKS, values), 400, "invalid")
    assert field in [one["field"] for one in found["errors"]]
    assert not ChannelTarget.objects.exists()


def test_only_administrators_see_and_change_webhooks(calling, hook):
    made = subscribed(calling(), hook, "entry_error")
    for group in ("Viewer", "Operator", "Scheduler"):
        client = calling(group)
        for method, rest in (
            ("get", ""),
            ("post", ""),
            ("patch", f"{made['id']}/"),
            ("delete", f"{made['id']}/"),
        ):
            refused(getattr(client, method)(f"{WEBHOOKS}{rest}", {}), 403, "not_allowed")


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("get", ""),
        ("patch", ""),
        ("delete", ""),
        ("post", "renew-secret/"),
        ("post", "send-test/"),
        ("get", "deliveries/"),
    ],
)
def test_webhooks_of_another_company_do_not_exist(calling, hook, method, rest):
    builders.make_company("other")
    address = WEBHOOKS.replace("/main/", "/other/")
    theirs = calling().post(address, {"name": "Theirs", "address": hook.url()}).json()["id"]
    refused(getattr(calling(), method)(f"{WEBHOOKS}{theirs}/{rest}", {}), 404, "not_found")
    refused(getattr(calling(), method)(f"{WEBHOOKS}{10**30}/{rest}", {}), 404, "not_found")
