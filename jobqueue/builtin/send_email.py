"""Send e-mail: one message over the mail server of the installation."""

from dataclasses import dataclass, field
from email.utils import parseaddr
from smtplib import SMTPException

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from jobqueue.errors import JobQueueError
from jobqueue.objects import Run, codeunit

MAX_RECIPIENTS = 50


class MailNotSent(JobQueueError):
    """The mail server did not take the message."""

    code = "mail_not_sent"


@dataclass(frozen=True)
class Email:
    to: list[str] = field(metadata={"max_length": 320, "help": "Recipients, one each."})
    subject: str = field(metadata={"max_length": 250, "help": "Subject of the message."})
    body: str = field(metadata={"multiline": True, "max_length": 100_000, "help": "The message, plain text."})
    cc: list[str] = field(
        default_factory=list,
        metadata={"max_length": 320, "label": "Cc", "help": "Further recipients all can see."},
    )
    bcc: list[str] = field(
        default_factory=list,
        metadata={"max_length": 320, "label": "Bcc", "help": "Recipients nobody else can see."},
    )
    reply_to: list[str] = field(
        default_factory=list, metadata={"max_length": 320, "help": "Where answers go, if not to the sender."}
    )

    def __post_init__(self) -> None:
        for address in [*self.to, *self.cc, *self.bcc, *self.reply_to]:
            require_address(address)
        if len(self.recipients) > MAX_RECIPIENTS:
            raise ValueError(f"a message may go to {MAX_RECIPIENTS} recipients. Use a mailing list.")

    @property
    def recipients(self) -> list[str]:
        return [*self.to, *self.cc, *self.bcc]


@codeunit(4, "Send e-mail", parameters=Email, permission="jobqueue.run_send_email")
def send_email(run: Run[Email]) -> None:
    """Sends a plain text message from the installation's sender address.

    A run that is tried again after it had reached the mail server may send the message twice.
    """
    mail = run.parameters
    message = EmailMessage(
        subject=mail.subject, body=mail.body, to=mail.to, cc=mail.cc, bcc=mail.bcc, reply_to=mail.reply_to
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        raise MailNotSent(f"The mail server did not take the message: {_reason(error)}") from error
    count = len(mail.recipients)
    run.log(f"“{mail.subject}” sent to {count} {'recipient' if count == 1 else 'recipients'}.")


def require_address(text: str) -> None:
    """Raises ``ValueError`` unless the text is an address, or a name with an address in angle brackets."""
    _name, address = parseaddr(text)
    single_line = text.isprintable()
    try:
        validate_email(address if single_line and (address == text.strip() or f"<{address}>" in text) else "")
    except ValidationError:
        raise ValueError(f"“{text}” is no e-mail address. Write it like name@example.com.") from None


def _reason(error: Exception) -> str:
    """The server's words: smtplib wraps them in tuples and bytes."""
    refused = getattr(error, "recipients", None)
    if isinstance(refused, dict):
        return "; ".join(f"{who}: {code} {_text(words)}" for who, (code, words) in refused.items())
    words = getattr(error, "smtp_error", None)
    if words is not None:
        return f"{getattr(error, 'smtp_code', '')} {_text(words)}".strip()
    return str(error) or type(error).__name__


def _text(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words
