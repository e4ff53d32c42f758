"""The job object Send e-mail against a real SMTP server."""

import socket
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller

from jobqueue.builtin.send_email import MailNotSent
from jobqueue.errors import InvalidParameters
from jobqueue.objects import registry, rehearse
from jobqueue.states import ObjectType


class Mailbox:
    def __init__(self):
        self.envelopes = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox(settings):
    found = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "Jobwarden <jobs@example.com>"
    yield found
    controller.stop()


def send(**parameters):
    given = {"to": ["anna@example.com"], "subject": "Stock – Ærø", "body": "Line 1\nŻółć", **parameters}
    return rehearse(registry.get(ObjectType.CODEUNIT, 4), parameters=given)


def test_the_message_reaches_every_recipient_from_the_default_sender(mailbox):
    run = send(cc=["Bo Østergård <bo@example.com>"], bcc=["eve@example.com"], reply_to=["desk@example.com"])
    [envelope] = mailbox.envelopes
    assert envelope.rcpt_tos == ["anna@example.com", "bo@example.com", "eve@example.com"]
    message = message_from_bytes(envelope.content, policy=default)
    assert message["Subject"] == "Stock – Ærø"
    assert message["From"] == "Jobwarden <jobs@example.com>"
    assert message["Reply-To"] == "desk@example.com"
    assert message["Bcc"] is None
    assert message.get_content().strip().splitlines() == ["Line 1", "Żółć"]
    assert run.sink.texts == ["“Stock – Ærø” sent to 3 recipients."]


def test_the_servers_refusal_is_told_in_its_words(mailbox):
    with pytest.raises(MailNotSent, match=r"nobody@example.com: 550 no such user here"):
        send(to=["nobody@example.com"])


def test_a_server_that_is_not_there_is_told(mailbox, settings):
    settings.EMAIL_PORT = 1
    with pytest.raises(MailNotSent, match=r"did not take the message"):
        send()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"to": []}, "parameter “To” is required"),
        ({"to": ["anna"]}, "“anna” is no e-mail address. Write it like name@example.com."),
        ({"to": ["a@example.com, b@example.com"]}, "is no e-mail address"),
        ({"cc": ["a@example.com\nBcc: x@example.com"]}, "is no e-mail address"),
        ({"subject": "a\nBcc: x@example.com"}, "contains a line break"),
        ({"bcc": [f"a{number}@example.com" for number in range(50)]}, "a message may go to 50 recipients"),
    ],
)
def test_wrong_recipients_and_subjects_are_refused(parameters, words):
    with pytest.raises(InvalidParameters) as caught:
        send(**parameters)
    assert words in caught.value.message
