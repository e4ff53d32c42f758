"""The headers of mails, as a real mail server gets them."""

from email.utils import parsedate_to_datetime

import pytest

from notifications.channels.email import own_domain
from notifications.models import Message
from notifications.notify import notify
from tests.builders import NOW, make_user
from tests.notifications.outbox import deliver, make_list, occasion

pytestmark = pytest.mark.django_db


def sent(mail_server, *recipients, code="sample_error", **fields):
    found = make_list(*((one, code) for one in recipients))
    notify(occasion(code, lists=(found,), **fields))
    deliver(NOW)
    return mail_server.mails


def test_a_mail_can_be_recognised_filtered_and_is_not_answered_by_machines(mail_server, settings):
    settings.DEFAULT_FROM_EMAIL = "Jobwarden <jobs@Example.com>"
    [mail] = sent(mail_server, make_user("ann", first_name="Ann", last_name="Lee"))
    message = Message.objects.get()
    assert mail["Message-ID"] == f"<{message.uuid}@example.com>"
    assert parsedate_to_datetime(mail["Date"]) == NOW
    assert mail["To"] == "Ann Lee <ann@example.com>"
    assert mail["From"] == "Jobwarden <jobs@Example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["List-Id"] == "<main.notifications.example.com>"
    assert mail["X-Jobwarden-Scenario"] == "sample_error"
    assert mail["Importance"] == "high"
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_mails_about_the_same_are_one_thread_and_good_news_is_not_urgent(mail_server):
    sent(mail_server, "a@example.com")
    sent(mail_server, "a@example.com", code="sample_success")
    sent(mail_server, "a@example.com", about=("package", "8"))
    one, again, other = mail_server.mails
    assert one["References"] == again["References"]
    assert one["References"] != other["References"]
    assert again["Importance"] is None


def test_neither_names_nor_facts_can_add_headers_or_recipients(mail_server):
    nasty = "x\r\nBcc: eve@example.com\r\n\r\nBody"
    user = make_user("ann", first_name='Ann", <eve@example.com>', last_name="x\nBcc: eve@example.com")
    [mail] = sent(mail_server, user, facts={"name": nasty, "happened": nasty})
    assert mail_server.envelopes == [["ann@example.com"]]
    assert mail["Bcc"] is None
    assert "Bcc: eve@example.com" in mail["Subject"], "it stays a part of the name"
    assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.com"]


def test_names_and_addresses_of_any_alphabet_arrive(mail_server):
    user = make_user("bo", first_name="Bo", last_name="Østergård, 漢字")
    [mail] = sent(mail_server, user, facts={"name": "Nächtlich 漢字", "happened": "Ærø"})
    assert mail["To"].addresses[0].display_name == "Bo Østergård, 漢字"
    assert "Nächtlich 漢字" in mail["Subject"]
    mail_server.mails.clear()
    [mail] = sent(mail_server, "info@exämple.com")
    assert mail["To"] == "info@xn--exmple-cua.com"


@pytest.mark.parametrize("sender", ["", "Jobwarden", "jobs@", "jobs@-bad-", "jobs@" + "ä" * 80])
def test_a_strange_sender_never_reaches_the_message_id(settings, sender):
    settings.DEFAULT_FROM_EMAIL = sender
    assert own_domain() == "localhost"
    settings.DEFAULT_FROM_EMAIL = "Jobs <jobs@exämple.com>"
    assert own_domain() == "xn--exmple-cua.com"
