"""What the answer of a target means for a message, asked of a real web server."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from notifications.channels import Permanent, Temporary, posting, webhook
from tests.notifications.receiver import receiver

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def hook(settings):
    with receiver() as found:
        settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": [f"127.0.0.1:{found.port}"]}
        yield found


def refused(hook, path="/hook/s3cr3t?key=s3cr3t"):
    with pytest.raises((Permanent, Temporary)) as raised:
        posting.post(hook.url(path), b"{}")
    assert "s3cr3t" not in str(raised.value), "the address of a target is a secret"
    return raised.value


def test_a_target_that_takes_it_gets_json(hook):
    posting.post(hook.url(), posting.json_body({"name": "Ærø"}))
    [received] = hook.received
    assert received.body == '{"name":"Ærø"}'.encode()
    assert received.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("status", [404, 410])
def test_a_target_that_is_gone_is_not_tried_again(hook, status):
    hook.answers_with(status, body="no_service")
    error = refused(hook)
    assert isinstance(error, Permanent)
    assert f"127.0.0.1:{hook.port} answered {status}" in error.reason
    assert "“no_service”" in error.reason


@pytest.mark.parametrize("status", [400, 401, 403, 413, 422, 301, 308])
def test_a_target_that_refuses_the_message_is_not_tried_again(hook, status):
    hook.answers_with(status)
    assert isinstance(refused(hook), Permanent)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 302, 303, 307])
def test_a_target_in_trouble_is_tried_again(hook, status):
    hook.answers_with(status, headers={"Location": hook.url("/other")} if status < 400 else {})
    assert isinstance(refused(hook), Temporary)
    assert len(hook.received) == 1, "redirects are not followed"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999", 86_400.0),
        ("Mon, 02 Mar 2026 09:05:00 GMT", 300.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("²", None),
    ],
)
def test_how_long_a_target_asks_to_wait(said, seconds):
    assert posting.retry_after_seconds(said, now=NOW) == seconds


def test_a_busy_target_says_when_to_come_back(hook):
    hook.answers_with(429, headers={"Retry-After": "120"}, body="rate_limited")
    error = refused(hook)
    assert (error.retry_after, error.unreachable) == (120.0, False)


def test_an_answer_is_quoted_shortly_and_never_as_a_page(hook):
    hook.answers_with(500, body="x" * 5_000)
    assert len(str(refused(hook))) < 400
    hook.answers_with(502, body="<html><body>Bad gateway</body></html>")
    assert "<html" not in str(refused(hook))


def test_a_dropped_connection_is_tried_again(hook):
    hook.drop = True
    error = refused(hook)
    assert isinstance(error, Temporary)
    assert error.unreachable


def test_nobody_listening_is_tried_again(hook, settings):
    with receiver() as gone:
        port = gone.port
    settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": [f"127.0.0.1:{port}"]}
    with pytest.raises(Temporary):
        posting.post(f"http://127.0.0.1:{port}/", b"{}")


def test_a_target_that_drips_its_answer_is_given_up_in_time(hook, monkeypatch):
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", 0.3)
    hook.seconds_per_byte = 0.05
    hook.answers_with(200, body="x" * 400)
    error = refused(hook)
    assert isinstance(error, Temporary)
    assert "in time" in error.reason


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/s3cr3t", "http://[::1]/s3cr3t", "http://10.0.0.1/s3cr3t"]
)
def test_internal_addresses_are_refused_unless_settings_allow_them(settings, address):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "OUTBOUND_ALLOWED_HOSTS": []}
    with pytest.raises(Permanent, match="OUTBOUND_ALLOWED_HOSTS") as raised:
        posting.post(address, b"{}")
    assert "s3cr3t" not in str(raised.value)


def test_a_redirect_to_an_internal_address_is_not_followed(hook):
    with receiver() as inside:
        hook.answers_with(307, headers={"Location": inside.url("/admin")})
        refused(hook)
        assert inside.received == []


def test_a_signature_is_verified_by_the_receivers_library(hook):
    secret = webhook.new_secret()
    body = posting.json_body({"type": "entry_error", "data": {"name": "Ærø"}})
    headers = webhook.signed_headers(
        body, message_id="msg_1", sent_at=datetime.now(UTC), signing_secrets=[secret]
    )
    posting.post(hook.url(), body, headers=headers)
    [received] = hook.received
    assert Webhook(secret).verify(received.body, received.headers)["data"] == {"name": "Ærø"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body + b" ", received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook.new_secret()).verify(received.body, received.headers)


def test_while_a_secret_is_replaced_both_are_honoured():
    new, old = webhook.new_secret(), webhook.new_secret()
    headers = webhook.signed_headers(
        b"{}", message_id="msg_1", sent_at=datetime.now(UTC), signing_secrets=[new, old]
    )
    for secret in (new, old):
        Webhook(secret).verify(b"{}", headers)
    assert headers["webhook-signature"].startswith(Webhook(new).sign("msg_1", datetime.now(UTC), "{}")[:3])
    assert len(headers["webhook-signature"].split(" ")) == 2


def test_new_secrets_differ_and_are_long():
    one, other = webhook.new_secret(), webhook.new_secret()
    assert one != other
    assert one.startswith("whsec_")
    assert len(one) > 40


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (webhook.new_secret(), True),
        (webhook.new_secret().removeprefix("whsec_"), True),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True),
        ("hunter2", False),
        ("whsec_", False),
        ("whsec_" + "A" * 200, False),
        (f"{webhook.new_secret()} {webhook.new_secret()}", False),
        ("päßwörd" * 8, False),
    ],
    # Names that stay the same from run to run, however secrets come out.
    ids=["new", "new bare", "given", "password", "empty", "too long", "two", "not ASCII"],
)
def test_what_is_a_signing_secret(text, is_one):
    assert webhook.is_secret(text) is is_one
