"""A real mail server on this machine, which answers as a test wants it to."""

import asyncio
import socket
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

LONG_SECONDS = 120


class Dropping(SMTP):
    """Breaks the connection while the client sends the message, as often as it was told to."""

    async def smtp_DATA(self, arg):
        if self.event_handler.drops:
            self.event_handler.drops -= 1
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            self.transport.close()
            return
        await super().smtp_DATA(arg)


@dataclass
class MailServer:
    """``recipients`` and ``data`` are replies that come before a plain 250, one each; ``drops`` broken connections;
    ``silent`` mails that are taken without ever saying so."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[list[str]] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    drops: int = 0
    asked: int = 0
    silent: int = 0
    _controller: Controller | None = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.asked += 1
        if self.recipients:
            return self.recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data:
            return self.data.pop(0)
        self.envelopes.append(list(envelope.rcpt_tos))
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        if self.silent:
            self.silent -= 1
            await asyncio.sleep(LONG_SECONDS)
        return "250 Accepted"

    def start(self) -> None:
        class Here(Controller):
            def factory(inner):
                return Dropping(self, hostname="mail.test", enable_SMTPUTF8=True)

        self._controller = Here(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
