"""Telling people without the product: by the worker's own mail server, and by a webhook.

Every message is kept in the status file until it went out, for each channel on its own; a channel that fails is tried
again at the next look.
"""

import base64
import binascii
import email.utils
import hashlib
import hmac
import json
import smtplib
import socket
import ssl
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage

from refresher.worker import calling
from refresher.worker.calling import CallFailed
from refresher.worker.configuration import Configuration
from refresher.worker.incidents import Telling
from refresher.worker.log import Log
from refresher.worker.state import Pending, State
from refresher.worker.watching import family

MAIL, WEBHOOK = "mail", "webhook"

IN_SHORT = {
    "unreachable": "Jobwarden cannot be reached",
    "database": "The database of Jobwarden does not answer",
    "migrations": "Jobwarden lacks migrations",
    "installation": "Jobwarden holds its database as a copy",
    "workers": "Jobwarden has no worker",
    "tasks": "Tasks of Jobwarden wait too long",
    "refresh": "The jobs of {name} are not refreshed",
    "messages": "Messages of Jobwarden do not go out",
    "runner": "The runner user {name} fails",
}
MEANING = {
    "unreachable": "Nothing is refreshed meanwhile, and perhaps no job runs.",
    "database": "No job runs.",
    "installation": "No job runs.",
    "workers": "No job runs.",
    "tasks": "Jobs run late.",
    "refresh": "A job that stops there now stays stopped.",
    "messages": "People do not hear of failures.",
    "runner": "Its monitored jobs are not refreshed.",
}


class NotSent(Exception):
    """A channel did not take a message; the text is a sentence."""


def channels(configuration: Configuration) -> list[str]:
    """The channels there are."""
    found = []
    if configuration.mail.host:
        found.append(MAIL)
    if configuration.webhook.url:
        found.append(WEBHOOK)
    return found


def name_of(configuration: Configuration) -> str:
    return configuration.alarm.name or socket.gethostname()


def messages(telling: Telling, *, configuration: Configuration, now: float) -> list[Pending]:
    """What is to be sent about the telling: an alarm, a reminder, a recovery, each by every channel."""
    found = []
    url = configuration.product.url
    last = f"\n\n{url}\nThe Jobwarden worker on {name_of(configuration)}"
    parts = []
    if telling.new:
        parts.append(("alarm", _subject("", telling.new), _listed(telling.new) + last))
    if telling.reminded:
        parts.append(("reminder", _subject("Still: ", telling.reminded), _listed(telling.reminded) + last))
    if telling.over:
        ended = "\n".join(
            f"- {one.sentence}\n  From {_in_words(one.since)} to {_in_words(now)}."
            for one in telling.over.values()
        )
        parts.append(("recovery", _subject("Over: ", telling.over), f"This is over:\n{ended}{last}"))
    for kind, subject, text in parts:
        identity = str(uuid.uuid4())
        found += [Pending(channel, identity, kind, subject, text, now) for channel in channels(configuration)]
    return found


def deliver(
    state: State, *, configuration: Configuration, log: Log, now: float, saved: Callable[[], None]
) -> int:
    """Sends what is pending; returns how many messages remain. ``saved`` is called after each that went out."""
    for pending in list(state.pending):
        try:
            if pending.channel in channels(configuration):
                send(pending, configuration=configuration, now=now)
                log.info("told", channel=pending.channel, kind=pending.kind, subject=pending.subject)
        except NotSent as failure:
            pending.attempts += 1
            pending.last_error = str(failure)
            log.error("not_told", channel=pending.channel, kind=pending.kind, error=str(failure))
            continue
        state.pending.remove(pending)
        saved()
    return len(state.pending)


def send(pending: Pending, *, configuration: Configuration, now: float) -> None:
    """Sends one message by its channel; raises ``NotSent``."""
    if pending.channel == MAIL:
        _mail(pending, configuration)
    else:
        _call(pending, configuration, now=now)


def _mail(pending: Pending, configuration: Configuration) -> None:
    mail = configuration.mail
    message = EmailMessage()
    message["From"], message["To"] = mail.sender, ", ".join(mail.recipients)
    message["Subject"] = " ".join(pending.subject.split())
    message["Date"] = email.utils.format_datetime(datetime.fromtimestamp(pending.at, UTC))
    message["Message-ID"] = f"<{pending.id}@{mail.sender.rpartition('@')[2].rstrip('>')}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(pending.text)
    try:
        context = ssl.create_default_context(cafile=configuration.path(mail.ca_file) or None)
        with _connected(configuration, context) as server:
            if mail.security == "starttls":
                server.starttls(context=context)
            if mail.user:
                server.login(mail.user, mail.password)
            server.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise NotSent(
            f"The mail server {mail.host}:{mail.port} did not take the message: {said}. Check the section [mail]."
        ) from None


def _connected(configuration: Configuration, context: ssl.SSLContext) -> smtplib.SMTP:
    mail = configuration.mail
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout_seconds, context=context)
    return smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)


def _call(pending: Pending, configuration: Configuration, *, now: float) -> None:
    webhook = configuration.webhook
    body = {
        "type": f"jobwarden.worker.{pending.kind}",
        "timestamp": _moment(pending.at),
        "data": {
            "product": configuration.product.url,
            "worker": name_of(configuration),
            "subject": pending.subject,
            "text": pending.text,
        },
        "text": f"{pending.subject}\n{pending.text}",
    }
    content = json.dumps(body, ensure_ascii=False).encode()
    try:
        headers = {"Content-Type": "application/json"}
        headers |= (
            signature(pending.id, content, secret=webhook.secret, now=int(now)) if webhook.secret else {}
        )
        with calling.client(
            ca_file=configuration.path(webhook.ca_file),
            proxy=webhook.proxy,
            timeout_seconds=webhook.timeout_seconds,
        ) as http:
            response = calling.send(
                http,
                "POST",
                webhook.url,
                who="The webhook",
                option="webhook.url",
                content=content,
                headers=headers,
            )
    except CallFailed as failure:
        raise NotSent(failure.sentence) from None
    if not 200 <= response.status_code < 300:
        raise NotSent(
            f"The webhook answered with status {response.status_code}. Check the section [webhook]."
        )


def signature(identity: str, content: bytes, *, secret: str, now: int) -> dict[str, str]:
    """The headers of Standard Webhooks; raises ``NotSent`` for a secret that is none."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise NotSent("webhook.secret is not in the form whsec_ and base64. Enter it again.") from None
    signed = hmac.new(key, f"{identity}.{now}.".encode() + content, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def _subject(start: str, keys: Iterable[str]) -> str:
    """What it is about in a few words: “Over: Jobwarden cannot be reached (and 1 more)”."""
    first, *others = keys
    kind, _, name = first.partition(":")
    words = IN_SHORT.get(kind, f"Jobwarden is not well ({kind})").format(name=name)
    return f"{start}{words}{f' (and {len(others)} more)' if others else ''}"


def _listed(sentences: Mapping[str, str]) -> str:
    lines = []
    for key, sentence in sentences.items():
        meaning = MEANING.get(family(key), "")
        lines.append(f"- {sentence}" + (f"\n  {meaning}" if meaning else ""))
    return "\n".join(lines)


def _in_words(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
