"""Channels to targets: signed webhooks, Microsoft Teams and Slack."""

from datetime import UTC, datetime
from typing import Any

from jobqueue import outbound, secrets
from notifications.channels import Permanent, Temporary, slack, teams, webhook
from notifications.channels.posting import json_body, post
from notifications.models import ChannelTarget, Message
from notifications.telling import facts_of, letter_of, words_of


class TargetChannel:
    """What channels to targets share: whether the target may be used, its address, and keeping what was said."""

    def send(self, message: Message) -> None:
        target = message.target
        if target is None:
            raise Permanent("The target is gone: it was deleted.")
        if not target.is_enabled:
            raise Permanent(f"The target “{target.name}” is switched off and is sent nothing.")
        message.address = target.host
        words = words_of(message)
        message.subject, message.text, message.html = words.subject, words.text, ""
        self.hand_over(message, target, address=address_of(target))

    def hand_over(self, message: Message, target: ChannelTarget, *, address: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Every message has a connection of its own."""


class WebhookChannel(TargetChannel):
    """Facts and words as JSON, signed per *Standard Webhooks* with the secrets of the target."""

    def hand_over(self, message: Message, target: ChannelTarget, *, address: str) -> None:
        body = json_body(payload_of(message))
        headers = webhook.signed_headers(
            body,
            message_id=f"msg_{message.uuid.hex}",
            sent_at=datetime.now(UTC),
            signing_secrets=signing_secrets_of(target),
        )
        post(address, body, headers=headers)


class TeamsChannel(TargetChannel):
    """An adaptive card."""

    def hand_over(self, message: Message, target: ChannelTarget, *, address: str) -> None:
        answer = post(address, json_body(teams.card(letter_of(message))))
        if teams.was_throttled(answer.text):
            raise Temporary(f"{target.host} is busy: Teams takes no more messages for now.")


class SlackChannel(TargetChannel):
    """A message in blocks."""

    def hand_over(self, message: Message, target: ChannelTarget, *, address: str) -> None:
        post(address, json_body(slack.blocks(letter_of(message))))


def payload_of(message: Message) -> dict[str, Any]:
    """What a webhook is sent: the type is the scenario, ``data`` the facts and the words.

    Source: *Standard Webhooks*, payload structure.
    """
    told = {name: value for name, value in facts_of(message).items() if name != "told_for"}
    return {
        "type": message.scenario or "test",
        "timestamp": message.occurred_at.isoformat(),
        "data": {
            "scenarios": message.scenarios,
            "company": message.company.code,
            "test": message.is_test,
            "about": reference(message.about_kind, message.about_reference),
            "source": reference(message.source_kind, message.source_reference),
            "subject": message.subject,
            "text": message.text,
            "facts": told,
        },
    }


def reference(kind: str, name: str) -> str | None:
    """Kind and name of what a message is about, as the API writes them; None if there is nothing."""
    return f"{kind}:{name}" if kind else None


def address_of(target: ChannelTarget) -> str:
    """The address in clear text, for sending only. Raises :class:`Permanent` without one, :class:`Temporary` without
    the key it was encrypted with."""
    if not target.address_encrypted:
        raise Permanent(f"The target “{target.name}” has no address. Enter it on its page.")
    address = _unsealed(target.address_encrypted, what=f"The address of “{target.name}”")
    try:
        outbound.target_of(address)
    except outbound.OutboundRefused:
        raise Permanent(
            f"The address of “{target.name}” cannot be called. Enter it anew on its page."
        ) from None
    return address


def signing_secrets_of(target: ChannelTarget) -> list[str]:
    """The secrets messages are signed with, the newest first: two while one is being replaced, none for unsigned."""
    if not target.secret_encrypted:
        return []
    return _unsealed(target.secret_encrypted, what=f"The signing secret of “{target.name}”").split()


def _unsealed(stored: bytes | memoryview, *, what: str) -> str:
    try:
        return secrets.unseal(stored, what=what)
    except secrets.CredentialUnusable as error:
        # Once the key is back, or the secret entered again, what waits is sent.
        raise Temporary(error.message) from None
