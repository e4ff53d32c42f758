"""What a message tells: the facts of its occasion, completed by what is known only when it is sent."""

from typing import Any

from notifications import scenarios
from notifications.addresses import addresses_of
from notifications.conf import settings
from notifications.letters import Letter, Rendered, compose, render
from notifications.models import Message


def facts_of(message: Message) -> dict[str, Any]:
    """The facts of the message, with product, company, links and how many were held back.

    ``pages`` among the facts (name → admin view and arguments) become full addresses under their names; ``measured``
    (scenario → minutes) becomes the ``minutes`` of the message's own scenario.
    """
    conf = settings()
    facts = {name: value for name, value in message.facts.items() if name not in ("pages", "measured")}
    measured = (message.facts.get("measured") or {}).get(message.scenario)
    if measured is not None:
        facts["minutes"] = measured
    return {
        "product": conf.product,
        "environment": conf.environment,
        "company": message.company.name,
        "occurred_at": message.occurred_at.isoformat(),
        **addresses_of(message.company, message.facts.get("pages") or {}),
        **facts,
        "held_back": message.held_back,
        "told_for": [scenarios.caption(code) for code in message.scenarios],
        "told_as": message.told_as,
    }


def letter_of(message: Message) -> Letter:
    """The message as a letter in its recipient's language and time zone."""
    return compose(
        message.template, facts_of(message), language=message.language, time_zone=message.time_zone
    )


def words_of(message: Message) -> Rendered:
    """Subject, text and HTML: those kept from an earlier attempt, else put into words now."""
    if message.subject:
        return Rendered(subject=message.subject, text=message.text, html=message.html)
    return render(letter_of(message), language=message.language, time_zone=message.time_zone)
