"""If-Match on everything that can be changed: of two callers who saw the same, the second gets 412."""

import threading

import pytest
from auditlog.models import LogEntry as Change
from django.db import connection

from jobqueue.models import Category, Credential, EntryChange
from notifications.models import ChannelTarget, NotificationLine, NotificationList
from refresher.asking import setup_of
from tests import builders
from tests.api.refusing import refused

pytestmark = pytest.mark.django_db
MAIN = "/api/v1/companies/main/"


def _list(company, user):
    return NotificationList.objects.create(company=company, name="On call").pk


def _line(company, user):
    of = NotificationList.objects.create(company=company, name="On call")
    line = NotificationLine.objects.create(list=of, address="a@example.com", scenario="entry_error")
    return f"{of.pk}/lines/{line.pk}"


def _target(company, user):
    return ChannelTarget.objects.create(company=company, name="Ops", kind="webhook", host="h.example").pk


CHANGES = {
    "categories/BANK/": (lambda company, user: builders.make_category("BANK"), {"slots": 3}),
    "/api/v1/companies/main/": (None, {"name": "Renamed"}),
    "credentials/{}/": (
        lambda company, user: Credential.objects.create(company=company, name="bank").pk,
        {"user_name": "other"},
    ),
    "notification-lists/{}/": (_list, {"description": "Nights"}),
    "notification-lists/{}/ ": (_line, {"repeat_minutes": 60}),
    "notification-targets/{}/": (_target, {"name": "Renamed", "address": "https://h.example/x"}),
    "webhooks/{}/": (_target, {"name": "Renamed", "address": "https://h.example/x"}),
    "refresh-setup/": (lambda company, user: setup_of(company).save(), {"create_missing_custom_jobs": True}),
    "entries/{}/": (lambda company, user: builders.make_entry(user=user).pk, {"description": "Renamed"}),
    "/api/v1/me/message-preference/": (None, {"language": "nl"}),
}


@pytest.mark.parametrize("address", CHANGES)
def test_the_second_of_two_who_saw_the_same_is_told(calling, company, address):
    client = calling()
    make, values = CHANGES[address]
    key = make(company, client.user) if make is not None else ""
    one = (address if address.startswith("/") else f"{MAIN}{address}").strip().format(key)
    seen = client.get(one)
    assert seen.status_code == 200, seen.content
    assert client.get(one, headers={"If-None-Match": seen["ETag"]}).status_code == 304
    refused(client.patch(one, values, headers={"If-Match": "nonsense"}), 400, "if_match")
    changed = client.patch(one, values, headers={"If-Match": seen["ETag"]})
    assert changed.status_code == 200, changed.content
    assert changed["ETag"] != seen["ETag"]
    assert client.get(one)["ETag"] == changed["ETag"]
    refused(client.patch(one, values, headers={"If-Match": seen["ETag"]}), 412, "changed_meanwhile")
    if one[8:] == "companies/main/" or "refresh-setup" in one or "preference" in one:
        return
    refused(client.delete(one, headers={"If-Match": seen["ETag"]}), 412, "changed_meanwhile")
    assert client.delete(one, headers={"If-Match": changed["ETag"]}).status_code == 204


@pytest.mark.parametrize("address", CHANGES)
def test_every_change_is_told_with_who_made_it_and_through_which_door(calling, company, address):
    client = calling()
    make, values = CHANGES[address]
    key = make(company, client.user) if make is not None else ""
    one = (address if address.startswith("/") else f"{MAIN}{address}").strip().format(key)
    assert client.patch(one, values).status_code == 200
    told = [
        (row.actor, row.additional_data["origin"], row.additional_data["credentials"])
        for row in Change.objects.exclude(additional_data=None)
    ]
    told += [(row.user, row.origin, row.credentials) for row in EntryChange.objects.all()]
    assert set(told) == {(client.user, "api", f"test ({client.token.prefix}…)")}


def test_a_package_is_changed_by_somebody_too(calling, company):
    client = calling()
    packages = f"{MAIN}packages/"
    made = client.post(packages, {"name": "Nightly"})
    assert made.status_code == 201, made.content
    one = f"{packages}{made.json()['id']}/"
    assert client.patch(one, {"description": "Every night"}).status_code == 200
    assert client.delete(one).status_code == 204
    rows = Change.objects.filter(content_type__model="package").order_by("pk")
    assert [row.action for row in rows] == [Change.Action.CREATE, Change.Action.UPDATE, Change.Action.DELETE]
    assert rows[1].changes["description"] == ["", "Every night"]
    assert {(row.actor, row.additional_data["origin"]) for row in rows} == {(client.user, "api")}


def test_a_star_expects_nothing(calling, company):
    builders.make_category("BANK")
    answer = calling().patch(f"{MAIN}categories/BANK/", {"slots": 2}, headers={"If-Match": "*"})
    assert answer.status_code == 200


def test_the_default_list_is_chosen_on_what_was_seen(calling, company):
    client = calling()
    one, default = int(_line(company, None).partition("/")[0]), f"{MAIN}default-notification-list/"
    seen = client.get(default)
    assert client.get(default, headers={"If-None-Match": seen["ETag"]}).status_code == 304
    chosen = client.put(default, {"list": one}, headers={"If-Match": seen["ETag"]})
    assert chosen.json()["list"]["id"] == one
    refused(client.put(default, {"list": None}, headers={"If-Match": seen["ETag"]}), 412, "changed_meanwhile")
    assert client.put(default, {"list": None}, headers={"If-Match": chosen["ETag"]}).json() == {"list": None}


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_wins(calling, company):
    client = calling()
    builders.make_category("BANK")
    one = f"{MAIN}categories/BANK/"
    seen = client.get(one)["ETag"]
    ready, answers = threading.Barrier(4), []

    def change(slots):
        try:
            ready.wait(10)
            answers.append(client.patch(one, {"slots": slots}, headers={"If-Match": seen}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[slots]) for slots in (2, 3, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [200, 412, 412, 412]
    assert Category.objects.get().slots > 1
