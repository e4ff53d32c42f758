"""E-mail: through Django's mail backend, so that SMTP, files and the console are a matter of settings."""

import contextlib
import re
import uuid
from email.utils import format_datetime, formataddr, parseaddr
from smtplib import (
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.validators import validate_email
from django.utils.encoding import punycode

from notifications import scenarios
from notifications.channels import Permanent, Temporary
from notifications.letters.wording import one_line
from notifications.models import Message
from notifications.telling import words_of

LONGEST_SUBJECT = 250
LONGEST_NAME = 100
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?")
THREADS = uuid.UUID("5b0c1d3e-6f0a-4f43-9d0e-6a5d3f1b7c20")


class EmailChannel:
    """Keeps one connection to the mail server for a round of delivery."""

    def __init__(self) -> None:
        self._connection: Any = None

    def send(self, message: Message) -> None:
        message.address = _address_of(message)
        words = words_of(message)
        message.subject, message.text, message.html = words.subject[:LONGEST_SUBJECT], words.text, words.html
        mail = mail_of(message)
        self._connect()
        try:
            self._connection.send_messages([mail])
        except Exception as error:
            self.close()
            raise _judged(error) from error

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()

    def _connect(self) -> None:
        if self._connection is not None and not _is_alive(self._connection):
            self.close()
        if self._connection is not None:
            return
        connection: Any = get_connection()
        try:
            connection.open()
        except Exception as error:
            raise Temporary(
                f"The mail server cannot be used: {words_of_error(error)}", unreachable=True
            ) from error
        self._connection = connection


def mail_of(message: Message) -> EmailMultiAlternatives:
    """The mail of a message whose words are known. Nothing in them can add a header: each is put on one line."""
    mail = EmailMultiAlternatives(
        subject=one_line(message.subject, length=LONGEST_SUBJECT),
        body=message.text,
        to=[_to(message)],
        headers=headers_of(message),
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    return mail


def headers_of(message: Message) -> dict[str, str]:
    """What lets mail programs recognise doubles, keep away out-of-office replies, thread and filter.

    ``Message-ID`` and ``Date`` are the same at every attempt. ``References`` gathers all mails about the same entry or
    package in one thread. Source: RFC 3834 (Auto-Submitted), RFC 2919 (List-Id).
    """
    domain = own_domain()
    headers = {
        "Message-ID": message_id(message),
        "Date": format_datetime(message.queued_at),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"<{message.company.code}.notifications.{domain}>",
        "X-Jobwarden-Scenario": one_line(message.scenario),
    }
    if message.about_kind and not message.is_test:
        about = f"{message.company_id}/{message.about_kind}/{message.about_reference}"
        headers["References"] = f"<{uuid.uuid5(THREADS, about)}@{domain}>"
    scenario = scenarios.find(message.scenario)
    if scenario is not None and scenario.severity >= scenarios.Severity.ERROR:
        headers["Importance"] = "high"
    return headers


def message_id(message: Message) -> str:
    """By it a mail that was sent twice, because its worker died in between, can be recognised as one."""
    return f"<{message.uuid}@{own_domain()}>"


def own_domain() -> str:
    """The domain of the sender as it may stand in a header: ``example.com``; ``localhost`` if there is none."""
    _local, at, domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")
    try:
        domain = punycode(domain.lower())
    except UnicodeError:
        domain = ""
    return domain if at and DOMAIN.fullmatch(domain) else "localhost"


def _to(message: Message) -> str:
    """Name and address of a user; of anybody else only the address is known."""
    name = one_line(message.recipient, length=LONGEST_NAME) if message.user_id is not None else ""
    if not name or name == message.address or not message.address.isascii():
        return message.address
    return formataddr((name, message.address))


def words_of_error(error: BaseException) -> str:
    """The server's own words, without Python's wrapping."""
    if isinstance(error, SMTPRecipientsRefused):
        return "; ".join(f"{who}: {code} {_text(words)}" for who, (code, words) in error.recipients.items())
    if isinstance(error, SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}".strip()
    return " ".join(str(error).split()) or type(error).__name__


def _address_of(message: Message) -> str:
    """Where the mail goes: for a user, the address the user has now."""
    address = message.address
    if message.user is not None:
        name = message.user.get_username()
        if not message.user.is_active:
            raise Permanent(f"The user “{name}” is disabled and is sent nothing.")
        address = message.user.email
        if not address:
            raise Permanent(
                f"The user “{name}” has no e-mail address. Enter one, then send the message again."
            )
    if not address:
        raise Permanent("The recipient is gone: its user was deleted.")
    try:
        validate_email(address)
    except ValidationError:
        raise Permanent(
            f"“{address}” is no e-mail address. Correct it, then send the message again."
        ) from None
    return address


def _is_alive(connection: Any) -> bool:
    """A mail server closes a connection that was idle or has sent many mails; then the next mail needs a new one."""
    if not isinstance(connection, SmtpBackend):
        return True
    try:
        return connection.connection is not None and connection.connection.noop()[0] == 250
    except (SMTPException, OSError):
        return False


def _judged(error: Exception) -> Temporary | Permanent:
    """What an error in sending means for the message. Source: RFC 5321, reply codes: 4yz transient, 5yz permanent."""
    words = words_of_error(error)
    if isinstance(error, SMTPRecipientsRefused):
        codes = [code for code, _words in error.recipients.values()]
        if codes and all(code >= 500 for code in codes):
            return Permanent(f"The mail server refused the recipient: {words}")
        return Temporary(f"The mail server does not take the recipient now: {words}")
    if isinstance(error, SMTPDataError) and error.smtp_code >= 500:
        return Permanent(f"The mail server refused the message: {words}")
    if isinstance(error, SMTPSenderRefused):
        # The sender is a setting: once it is corrected, what waits is sent.
        return Temporary(f"The mail server refused the sender: {words}")
    if isinstance(error, SMTPServerDisconnected):
        return Temporary(f"The mail server broke the connection: {words}")
    if isinstance(error, SMTPConnectError | SMTPHeloError):
        return Temporary(f"The mail server cannot be used: {words}", unreachable=True)
    if isinstance(error, SMTPNotSupportedError | UnicodeError):
        return Permanent(f"The mail server cannot take this address or message: {words}")
    return Temporary(f"The mail could not be handed over: {words}")


def _text(words: bytes | str) -> str:
    return " ".join((words.decode(errors="replace") if isinstance(words, bytes) else str(words)).split())
