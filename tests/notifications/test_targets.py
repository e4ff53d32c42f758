"""Messages to webhooks, Teams and Slack, from the outbox to a real web server."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from jobqueue import secrets
from notifications.channels import webhook
from notifications.models import ChannelTarget, Message
from notifications.notify import notify
from tests.builders import NOW, default_company
from tests.notifications.outbox import deliver, make_list, occasion
from tests.notifications.receiver import receiver

pytestmark = pytest.mark.django_db
SECRET = webhook.new_secret()


@pytest.fixture
def hook(settings):
    with receiver() as found:
        settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": [f"127.0.0.1:{found.port}"]}
        yield found


def make_target(address, *, kind="webhook", signing=(SECRET,), **fields):
    return ChannelTarget.objects.create(
        company=default_company(),
        name=f"Target {ChannelTarget.objects.count()}",
        kind=kind,
        host="127.0.0.1",
        address_encrypted=secrets.seal(address),
        secret_encrypted=secrets.seal(" ".join(signing)),
        **fields,
    )


def tell(target, *, now=NOW) -> Message:
    notify(occasion("sample_error", lists=(make_list((target, "sample_error")),)))
    deliver(now)
    return Message.objects.latest("pk")


def test_a_webhook_gets_facts_and_words_under_a_signature_its_library_accepts(hook):
    message = tell(make_target(hook.url()))
    assert message.state == "sent"
    [received] = hook.received
    payload = Webhook(SECRET).verify(received.body, received.headers)
    assert payload["type"] == "sample_error"
    assert datetime.fromisoformat(payload["timestamp"]) == NOW
    data = payload["data"]
    assert data["company"] == "main"
    assert data["subject"] == message.subject == "[Jobwarden] Nightly: Warning"
    assert data["facts"]["happened"] == "Something happened."
    assert data["test"] is False


def test_the_id_of_a_webhook_stays_the_same_however_often_it_is_tried(hook):
    hook.answers = [(503, {}, "busy"), (200, {}, "ok")]
    message = tell(make_target(hook.url()))
    assert message.state == "queued"
    assert "503" in message.last_error
    deliver(message.next_attempt_at + timedelta(seconds=1))
    first, second = hook.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == f"msg_{message.uuid.hex}"
    assert Message.objects.get().state == "sent"


def test_while_its_secret_is_replaced_old_and_new_receivers_accept_a_webhook(hook):
    new = webhook.new_secret()
    tell(make_target(hook.url(), signing=(new, SECRET)))
    [received] = hook.received
    for secret in (new, SECRET):
        Webhook(secret).verify(received.body, received.headers)


def test_a_webhook_that_asks_for_time_is_given_it(hook):
    hook.answers_with(429, headers={"Retry-After": "3600"})
    message = tell(make_target(hook.url()))
    assert message.state == "queued"
    assert message.next_attempt_at >= NOW + timedelta(seconds=3_600)


def test_a_target_that_is_gone_or_switched_off_fails_for_good(hook):
    hook.answers_with(410)
    assert "410 Gone" in tell(make_target(hook.url())).last_error
    off = make_target(hook.url())
    line = make_list((off, "sample_error"))
    notify(occasion("sample_error", lists=(line,)))
    ChannelTarget.objects.filter(pk=off.pk).update(is_enabled=False)
    deliver(NOW)
    message = Message.objects.latest("pk")
    assert (message.state, len(hook.received)) == ("failed", 1)
    assert "switched off" in message.last_error


def test_an_internal_target_fails_for_good_without_being_called(settings):
    with receiver() as inside:
        settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": []}
        message = tell(make_target(inside.url("/s3cr3t")))
        assert inside.received == []
    assert message.state == "failed"
    assert "OUTBOUND_ALLOWED_HOSTS" in message.last_error
    assert "s3cr3t" not in message.last_error


def test_teams_gets_a_card_and_slack_gets_blocks(hook):
    tell(make_target(hook.url("/teams"), kind="teams"))
    tell(make_target(hook.url("/slack"), kind="slack"))
    cards, blocks = (json.loads(one.body) for one in hook.received)
    assert cards["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert blocks["blocks"][0]["text"]["text"] == "▲ Warning: Nightly"
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert all("webhook-signature" not in {name.lower() for name in one.headers} for one in hook.received)


def test_teams_own_refusal_behind_a_success_is_tried_again(hook):
    hook.answers_with(200, body="failed: Microsoft Teams endpoint returned HTTP error 429 with ContextId x")
    assert tell(make_target(hook.url(), kind="teams")).state == "queued"


def test_without_the_key_of_its_secrets_a_message_waits_for_it(hook, settings):
    target = make_target(hook.url())
    settings.JOBQUEUE = {**settings.JOBQUEUE, "CREDENTIAL_KEYS": ["A" * 43 + "="]}
    message = tell(target)
    assert message.state == "queued"
    assert "CREDENTIAL_KEYS" in message.last_error


def test_the_timestamp_of_a_webhook_is_that_of_sending(hook):
    tell(make_target(hook.url()))
    at = datetime.fromtimestamp(int(hook.received[0].headers["webhook-timestamp"]), tz=UTC)
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
