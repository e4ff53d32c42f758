"""The ways a message can go: one small interface, and who serves which channel.

A channel puts the facts of a message into its own shape and hands them to the other side. It knows nothing of retries,
rows or states: that is ``notifications.delivery``.
"""

from dataclasses import dataclass
from typing import Protocol

from notifications.models import Message


@dataclass
class Temporary(Exception):
    """Not sent now, perhaps later. ``retry_after``: the seconds the other side asked for.

    ``unreachable``: the other side is not there at all, so the rest of its messages need not be tried now.
    """

    reason: str
    retry_after: float | None = None
    unreachable: bool = False

    def __str__(self) -> str:
        return self.reason


@dataclass
class Permanent(Exception):
    """Never to be sent this way: no address, an address nobody has, a target that is gone."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class Channel(Protocol):
    """Sends messages of one kind. One instance serves one round of delivery and may keep a connection until close."""

    def send(self, message: Message) -> None:
        """Hands the message over; returns once the other side has taken it.

        May set ``address``, ``subject``, ``text`` and ``html`` of the message: they are stored as they were sent.
        Raises :class:`Temporary` or :class:`Permanent`; any other exception counts as temporary. Must end by itself
        within two minutes, whatever the other side does.
        """

    def close(self) -> None:
        """Lets go of what was kept between messages. Never raises."""


class Maker(Protocol):
    def __call__(self) -> Channel: ...


_makers: dict[str, Maker] = {}


def serve(kind: str, maker: Maker) -> None:
    """Says who sends messages of this channel (a value of ``Message.Channel``)."""
    _makers[kind] = maker


def open_channel(kind: str) -> Channel:
    """A channel for one round of delivery; raises :class:`Permanent` if nobody serves the kind."""
    try:
        maker = _makers[kind]
    except KeyError:
        raise Permanent(f"This installation cannot send by the channel “{kind}”.") from None
    return maker()


def where_from(message: Message) -> str:
    """What stands or falls together: the mail server, or one target. Messages wait together while it is unreachable."""
    return f"{message.channel}:{message.target_id or ''}"
