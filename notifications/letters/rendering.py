"""From facts to words: a letter in the recipient's language and time zone, and the parts of a mail.

Templates are named where an occasion is told; an unknown name reads as an alarm, so that nobody goes without a message
because an app was removed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from jobqueue.models.fields import known_time_zones
from notifications.letters import entries, package_runs, plain
from notifications.letters.letter import Letter
from notifications.letters.wording import Facts, one_line

LANGUAGES = ("en", "de", "nl")
Composer = Callable[[Facts], Letter]

_composers: dict[str, Composer] = {
    "entry_failed": entries.failed,
    "entry_succeeded": entries.succeeded,
    "entry_recovered": entries.recovered,
    "entry_late": entries.late,
    "entry_ran_longer": entries.ran_longer,
    "package_run_ended": package_runs.ended,
    "package_entry_failed": package_runs.entry_failed,
    "package_run_missed": package_runs.missed,
    "package_run_overrun": package_runs.overrun,
    "package_run_started": package_runs.started,
    "package_run_recovered": package_runs.recovered,
    "test": plain.test,
    "alarm": plain.alarm,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail's parts. ``subject`` is one line; ``html`` is a whole document that loads nothing."""

    subject: str
    text: str
    html: str


def add_template(name: str, composer: Composer) -> None:
    """Lets another app put its occasions into words of its own: ``composer`` turns facts into a letter.

    It is called with the recipient's language and time zone active.
    """
    _composers[name] = composer


def compose(template: str, facts: Facts, *, language: str = "en", time_zone: str = "UTC") -> Letter:
    """The letter of an occasion in the recipient's words. Unknown languages read English, unknown zones UTC."""
    composer = _composers.get(template, plain.alarm)
    with reading_as(language=language, time_zone=time_zone):
        letter = composer(facts)
        return letter if letter.why else replace(letter, why=_why(facts))


def render(letter: Letter, *, language: str = "en", time_zone: str = "UTC") -> Rendered:
    """Subject, plain text and HTML of a letter."""
    with reading_as(language=language, time_zone=time_zone):
        words = {
            "happened": _("What happened"),
            "meaning": _("What it means"),
            "next": _("What happens next"),
            "error": _("Error message"),
        }
        context = {"letter": letter, "language": translation.get_language(), "words": words}
        return Rendered(
            subject=one_line(letter.subject, length=250),
            text=_tidy(render_to_string("notifications/mail/letter.txt", context)),
            html=render_to_string("notifications/mail/letter.html", context),
        )


@contextmanager
def reading_as(*, language: str, time_zone: str) -> Iterator[None]:
    """Makes the recipient's language and time zone the active ones."""
    zone = ZoneInfo(time_zone if time_zone in known_time_zones() else "UTC")
    with translation.override(known_language(language)), timezone.override(zone):
        yield


def known_language(language: str) -> str:
    """The language letters are written in for this preference: ``de`` for ``de-at``; English if there is none."""
    wanted = (language or settings.LANGUAGE_CODE).lower().replace("_", "-")
    return next((code for code in LANGUAGES if wanted == code or wanted.startswith(f"{code}-")), "en")


def _why(facts: Facts) -> str:
    """The sentence under every letter: why it came, and which scenarios of the notification lists matched."""
    captions = ", ".join(_(str(caption)) for caption in facts.get("told_for") or ())
    if not captions:
        return ""
    if facts.get("told_as") == "maker":
        return _("You are told because you made it, and no notification list names anybody.")
    if facts.get("told_as") == "default":
        return _(
            "You are told because you are on the default list for failures, and no other list names anybody."
        )
    if facts.get("told_as") == "asked":
        return _("You are told because Notify On Success is on, and it ran as you.")
    return _("You are told because a notification list names you for: %(scenarios)s.") % {
        "scenarios": captions
    }


def _tidy(text: str) -> str:
    """At most one empty line in a row, none at the ends of the text, no blanks at the ends of lines."""
    lines: list[str] = []
    for line in text.splitlines():
        line = line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip() + "\n"
