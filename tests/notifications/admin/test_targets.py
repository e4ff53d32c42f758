"""Targets in the admin: addresses and secrets go in and never come out."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from jobqueue import secrets
from notifications.models import ChannelTarget, Message
from notifications.verbs.targets import address_of, secret_of
from tests import builders
from tests.admin.conftest import LEVELS, address, said
from tests.notifications.outbox import make_list

pytestmark = pytest.mark.django_db
TARGETS = "notifications/channeltarget/"
ADDRESS = "https://hooks.example.com/services/T0/B0/s3cr3t"
FORM = {"name": "Ops", "kind": "webhook", "address": ADDRESS, "is_enabled": "on"}


def card(target, verb="change"):
    return address(f"{TARGETS}{target.pk}/{verb}/")


def make_target(client, **fields):
    client.post(address(f"{TARGETS}add/"), FORM | fields)
    return ChannelTarget.objects.latest("pk")


def test_the_secret_of_a_new_webhook_is_shown_once_and_never_again(signed_in):
    client = signed_in()
    response = client.post(address(f"{TARGETS}add/"), FORM)
    [shown] = re.findall(r"whsec_[A-Za-z0-9+/=]+", response.content.decode())
    assert "no-store" in response["Cache-Control"]
    target = ChannelTarget.objects.get()
    assert secret_of(target) == shown
    assert address_of(target) == ADDRESS
    for page in (address(TARGETS), card(target), card(target, "renew-secret"), address("")):
        html = client.get(page).content.decode()
        assert "whsec_" not in html
        assert "s3cr3t" not in html
    assert "hooks.example.com" in client.get(card(target)).content.decode()
    assert b"s3cr3t" not in bytes(target.address_encrypted)


def test_a_secret_is_replaced_without_a_gap(signed_in):
    client = signed_in()
    target = make_target(client)
    old = secret_of(target)
    assert "new signing secret" in client.get(card(target, "renew-secret")).content.decode()
    target.refresh_from_db()
    assert secret_of(target) == old, "a look changes nothing"
    html = client.post(card(target, "renew-secret")).content.decode()
    [new] = re.findall(r"whsec_[A-Za-z0-9+/=]+", html)
    target.refresh_from_db()
    assert secret_of(target).split() == [new, old]
    assert "new secret only" in said(client.post(card(target, "drop-old-secret")))
    target.refresh_from_db()
    assert secret_of(target) == new
    assert "one secret only" in said(client.post(card(target, "drop-old-secret")))


def test_an_address_left_empty_stays(signed_in):
    client = signed_in()
    target = make_target(client)
    before = secret_of(target)
    client.post(card(target), {"name": "Operations", "kind": "webhook", "address": "", "is_enabled": "on"})
    target.refresh_from_db()
    assert (target.name, address_of(target), secret_of(target)) == ("Operations", ADDRESS, before)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"address": ""}, "Enter the address"),
        ({"address": "ftp://hooks.example.com/"}, "is no https address"),
        ({"address": "https://user:pw@hooks.example.com/"}, "is no https address"),
        ({"address": "javascript:alert(1)"}, "is no https address"),
        ({"name": ""}, "This field is required"),
        ({"kind": "pigeon"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_on_the_field(signed_in, fields, sentence):
    response = signed_in().post(address(f"{TARGETS}add/"), FORM | fields)
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not ChannelTarget.objects.exists()


def test_teams_and_slack_have_no_signing_secret(signed_in):
    client = signed_in()
    target = make_target(client, kind="teams", name="Teams")
    assert not target.secret_encrypted
    assert "knows no signatures" in said(client.post(card(target, "renew-secret")))


def test_a_target_on_a_list_is_not_deleted(signed_in):
    client = signed_in()
    target = make_target(client)
    found = make_list((target, "sample_error"), name="On call")
    assert "On call" in said(client.post(card(target, "delete-target")))
    found.lines.all().delete()
    client.post(card(target, "delete-target"))
    assert not ChannelTarget.objects.exists()


@pytest.mark.parametrize("group", LEVELS)
def test_only_administrators_see_targets(signed_in, group):
    target = make_target(signed_in())
    client = signed_in(group)
    allowed = group == "Administrator"
    for page in (address(TARGETS), card(target), card(target, "renew-secret"), address(f"{TARGETS}add/")):
        assert client.get(page).status_code == (200 if allowed else 403)
    before = secret_of(target)
    client.post(card(target, "renew-secret"))
    target.refresh_from_db()
    assert (secret_of(target) != before) == allowed


def test_targets_of_other_companies_do_not_exist_here(signed_in):
    client = signed_in()
    target = ChannelTarget.objects.create(
        company=builders.make_company("other"), name="Ops", address_encrypted=secrets.seal(ADDRESS)
    )
    for verb in ("change", "renew-secret", "delete-target"):
        assert client.post(card(target, verb), FORM).status_code == 404
    target.refresh_from_db()
    assert not target.secret_encrypted


def test_a_webhook_is_subscribed_to_events_on_its_card(signed_in):
    client = signed_in()
    target = make_target(client)
    values = {"name": "Operations", "kind": "webhook", "is_enabled": "on", "threshold_minutes": "30"}
    client.post(card(target), values | {"events": ["entry_error", "package_stop"]})
    target.refresh_from_db()
    assert (target.events, target.threshold_minutes) == (["package_stop", "entry_error"], 30)
    html = client.get(card(target)).content.decode()
    assert len(re.findall(r'<input[^>]*name="events"[^>]* checked>', html)) == 2
    client.post(card(target), values | {"kind": "slack", "events": ["entry_error"]})
    target.refresh_from_db()
    assert target.kind == "webhook", "only webhooks subscribe"


def failed_message(target, **fields):
    now = timezone.now()
    values = {"channel": "webhook", "recipient": target.name, "scenario": "sample_error", "template": "alarm"}
    values |= {"facts": {"name": "Nightly"}, "state": "failed", "failed_at": now, "last_error": "410 Gone"}
    values |= {"occurred_at": now, "queued_at": now}
    return Message.objects.create(company=target.company, target=target, **values | fields)


def test_the_card_shows_what_was_sent_and_leads_to_all_of_it(signed_in):
    client = signed_in()
    target, other = make_target(client), make_target(client, name="Other")
    assert "Nothing was sent to it yet" in client.get(card(target)).content.decode()
    mine, foreign = failed_message(target), failed_message(other, facts={"name": "Foreign"})
    html = client.get(card(target)).content.decode()
    assert "On Error: Nightly" in html
    assert "410 Gone" in html
    assert "1 message to it failed for good and was not sent again." in html
    assert "Foreign" not in html
    [link] = re.findall(r'href="([^"]*message/\?target=\d+)"', html)
    listed = client.get(link).content.decode()
    assert f"message/{mine.pk}/change/" in listed
    assert f"message/{foreign.pk}/change/" not in listed
    assert "Only messages about one thing" in listed
    region = client.get(card(target), headers={"X-Region": "1"})
    assert "On Error: Nightly" in region.content.decode()
    assert "<form" not in region.content.decode()
    same = client.get(card(target), headers={"X-Region": "1", "If-None-Match": region["ETag"]})
    assert same.status_code == 304


@pytest.mark.parametrize("typed", ["x", "-1", "9" * 30, "²"])
def test_a_target_nobody_has_narrows_the_mail_log_to_nothing(signed_in, typed):
    client = signed_in()
    failed_message(make_target(client))
    response = client.get(address("notifications/message/"), {"target": typed})
    assert response.status_code == 200
    assert "No notification messages match these filters." in response.content.decode()


def test_a_test_message_is_sent_from_the_card(signed_in):
    client = signed_in()
    target = make_target(client)
    assert "is queued" in said(client.post(card(target, "send-test")))
    message = Message.objects.get()
    assert (message.target, message.is_test) == (target, True)
    ChannelTarget.objects.update(is_enabled=False)
    assert "switched off" in said(client.post(card(target, "send-test")))
    assert Message.objects.count() == 1


def test_what_failed_is_sent_again_from_a_moment_on(signed_in):
    client = signed_in()
    target = make_target(client)
    assert "failed for good" in said(client.get(card(target, "send-failed-again")))
    old = failed_message(target, failed_at=timezone.now() - timedelta(days=3))
    new = failed_message(target)
    assert client.post(card(target, "send-failed-again"), {"since": ""}).status_code == 422
    since = timezone.now() - timedelta(days=1)
    sent = said(client.post(card(target, "send-failed-again"), {"since": f"{since:%Y-%m-%dT%H:%M}"}))
    assert "1 message queued again." in sent
    assert new.sent_again.count() == 1
    assert not old.sent_again.exists()
