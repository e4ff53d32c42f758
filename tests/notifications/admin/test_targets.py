"""Targets in the admin: addresses and secrets go in and never come out."""

import re

import pytest

from jobqueue import secrets
from notifications.models import ChannelTarget
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
