"""The letter of one row of the outbox, in the words of its recipient."""

from dataclasses import replace

from django.utils.translation import gettext as _

from notifications import scenarios
from notifications.letters.letter import Letter
from notifications.letters.rendering import Rendered, compose, reading_as, render
from notifications.models import Message


def letter_of(message: Message) -> Letter:
    """What the message says, with the reason its recipient gets it."""
    facts = {"company": message.company.name, **message.facts, "held_back": message.held_back}
    letter = compose(message.template, facts, language=message.language, time_zone=message.time_zone)
    return replace(letter, why=why(message))


def rendered(message: Message) -> Rendered:
    """Subject, text and HTML as they were sent; of a message not yet sent, as they would be."""
    if message.subject and message.text:
        return Rendered(subject=message.subject, text=message.text, html=message.html)
    return render(letter_of(message), language=message.language, time_zone=message.time_zone)


def why(message: Message) -> str:
    """The sentence under every letter: to whom it went, and which scenarios of the lists matched."""
    with reading_as(language=message.language, time_zone=message.time_zone):
        if message.is_test:
            return _("Sent to %(recipient)s to try out a notification list.") % {
                "recipient": message.recipient
            }
        captions = ", ".join(_(scenarios.caption(code)) for code in message.scenarios)
        return _("Sent to %(recipient)s for: %(scenarios)s.") % {
            "recipient": message.recipient,
            "scenarios": captions,
        }
