"""The mail log: what it shows, the shut-off preview, Send again."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import DeliveryAttempt, Message
from notifications.notify import notify
from notifications.telling import words_of
from tests import builders
from tests.admin.conftest import LEVELS, address, said
from tests.notifications.outbox import make_list, occasion

pytestmark = pytest.mark.django_db
LOG = "notifications/message/"
NASTY = '<script>alert("x")</script><img src=https://evil.example/x>'


def make_message(state: str = "sent", *, company=None, **fields) -> Message:
    company = company or builders.default_company()
    found = make_list(("ops@example.com", "entry_error"), company=company)
    [message] = notify(
        occasion(
            "entry_error",
            company=company,
            lists=(found,),
            facts={"name": fields.pop("name", "Nightly"), "happened": NASTY},
        )
    )
    message.state = state
    if state in ("sent", "failed"):
        said_words = words_of(message)
        message.subject, message.text, message.html = said_words.subject, said_words.text, said_words.html
        message.attempts = 1
    for name, value in fields.items():
        setattr(message, name, value)
    message.save()
    return message


def card(message: Message, page: str = "change") -> str:
    return address(f"{LOG}{message.pk}/{page}/")


def test_the_log_says_what_became_of_each_message(signed_in):
    client = signed_in("Viewer")
    make_message("sent")
    make_message(
        "failed", failed_at=builders.NOW, last_error="The mail server refused the recipient: 550 No such user"
    )
    make_message("queued", attempts=2, last_error="Connection refused")
    page = client.get(address(LOG)).content.decode()
    for words in (
        "Sent",
        "Failed for good",
        "Trying again",
        "550 No such user",
        "ops@example.com",
        "On Error",
    ):
        assert words in page
    assert "[Jobwarden] Nightly: Warning" in page
    failed = client.get(address(f"{LOG}?tab=failed")).content.decode()
    assert "550 No such user" in failed
    assert "Connection refused" not in failed


def test_the_page_of_a_message_shows_its_attempts_and_words(signed_in):
    client = signed_in("Viewer")
    message = make_message("failed", last_error="550 No such user", failed_at=builders.NOW)
    DeliveryAttempt.objects.create(
        message=message, number=1, started_at=builders.NOW, outcome="temporary", error="Connection refused"
    )
    page = client.get(card(message)).content.decode()
    for words in ("Connection refused", "Failed, tried again", "550 No such user", "What happened"):
        assert words in page
    assert "<iframe" in page
    assert "sandbox" in page
    assert "<script>alert" not in page


def test_a_message_not_yet_sent_shows_what_will_be_sent(signed_in):
    client = signed_in()
    assert "[Jobwarden] Nightly: Warning" in client.get(card(make_message("queued"))).content.decode()


def test_the_preview_is_shut_off_from_everything(signed_in):
    client = signed_in("Viewer")
    response = client.get(card(make_message(), "preview"))
    policy = response["Content-Security-Policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Referrer-Policy"] == "no-referrer"
    html = response.content.decode()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_send_again_asks_first_and_queues_a_copy(signed_in):
    client = signed_in("Operator")
    message = make_message("failed", failed_at=builders.NOW)
    assert "again?" in client.get(card(message, "send-again")).content.decode()
    assert Message.objects.count() == 1
    response = client.post(card(message, "send-again"))
    assert "is queued" in said(response)
    again = Message.objects.get(sent_again_from=message)
    assert (again.state, again.recipient) == ("queued", message.recipient)
    assert "already" in said(client.post(card(again, "send-again")))


def test_several_are_sent_again_together(signed_in):
    client = signed_in("Operator")
    keys = [make_message("failed", failed_at=builders.NOW).pk for _ in range(3)]
    data = {"action": "send-again", "_selected_action": keys, "_confirmed": "1"}
    assert "3 queued again." in said(client.post(address(LOG), data))
    assert Message.objects.filter(state="queued").count() == 3


@pytest.mark.parametrize("group", LEVELS)
def test_who_may_see_and_who_may_send_again(signed_in, group):
    client = signed_in(group)
    message = make_message()
    assert client.get(card(message)).status_code == 200
    client.post(card(message, "send-again"))
    assert Message.objects.count() == (1 if group == "Viewer" else 2)


def test_messages_of_other_companies_do_not_exist_here(signed_in):
    client = signed_in()
    message = make_message(company=builders.make_company("other"))
    for page in ("change", "preview", "send-again"):
        assert client.get(card(message, page)).status_code == 404
    assert "ops@example.com" not in client.get(address(LOG)).content.decode()


def test_somebody_without_any_level_sees_nothing(signed_in):
    client = signed_in(user=builders.make_user())
    message = make_message()
    for page in (address(LOG), card(message), card(message, "preview")):
        assert client.get(page).status_code == 403


def test_the_log_needs_the_same_number_of_queries_for_more_messages(signed_in):
    client = signed_in(user=builders.make_superuser())
    make_message(), make_message("queued")
    client.get(address(LOG))
    with CaptureQueriesContext(connection) as few:
        client.get(address(LOG))
    for _ in range(10):
        make_message(), make_message("queued")
    with CaptureQueriesContext(connection) as many:
        client.get(address(LOG))
    assert len(many) <= len(few)


def test_narrowed_addresses_that_make_no_sense_are_no_fault(signed_in):
    client = signed_in()
    make_message()
    for query in ("about=entry:%00", "source=x", "tab=%F0%9F%92%A9", "about=entry:nonsense", "p=99999999999"):
        assert client.get(address(f"{LOG}?{query}")).status_code in (200, 302)


# --- role centre and notice
def test_failures_call_for_help_until_they_are_sent_again(signed_in, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    client = signed_in("Operator")
    message = make_message("failed", failed_at=builders.NOW, last_error="550 No such user")
    Message.objects.update(failed_at=None)
    assert "could not be sent" not in client.get(address("")).content.decode()
    from django.utils import timezone

    Message.objects.update(failed_at=timezone.now() - timedelta(hours=1))
    page = client.get(address("")).content.decode()
    assert "A message could not be sent" in page
    assert "Mail: 1 failed" in page
    client.post(card(message, "send-again"))
    assert "could not be sent" not in client.get(address("")).content.decode()


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("django.core.mail.backends.filebased.EmailBackend", "written into files"),
        ("django.core.mail.backends.console.EmailBackend", "printed on the console"),
        ("django.core.mail.backends.smtp.EmailBackend", ""),
    ],
)
def test_every_page_says_in_red_when_mails_reach_nobody(signed_in, settings, backend, words):
    settings.EMAIL_BACKEND = backend
    setup = address("notifications/recipientpreference/mail-setup/")
    for page in ("", "jobqueue/entry/", LOG):
        html = signed_in().get(address(page)).content.decode()
        assert ("Mails do not reach anybody." in html) == bool(words)
        assert words in html
        assert (f'href="{setup}"' in html) == bool(words)
        viewer = signed_in("Viewer").get(address(page)).content.decode()
        assert (f'href="{setup}"' in viewer) is False, "only administrators can do something about it"


def test_the_set_up_page_tells_where_mails_go_and_what_to_set(signed_in, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = (
        "django.core.mail.backends.filebased.EmailBackend",
        "/srv/mail",
    )
    setup = address("notifications/recipientpreference/mail-setup/")
    page = signed_in().get(setup).content.decode()
    for words in ("written into files", "/srv/mail", "EMAIL_URL=", "DEFAULT_FROM_EMAIL=", "PUBLIC_URL="):
        assert words in page
    assert signed_in("Scheduler").get(setup).status_code == 403
