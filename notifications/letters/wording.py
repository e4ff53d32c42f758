"""Small words every composer of messages needs: places, safe error texts, results, held-back counts."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext, pgettext

from notifications.letters.letter import Fact, Link, Severity

Facts = Mapping[str, Any]
LONGEST_ERROR = 1_000
LONGEST_NAME = 200
LONGEST_REASON = 250
# A job may put its trace into its message; nothing from there on leaves the house.
TRACES = ("Traceback (most recent call last)", "\nstack trace:", '\n  File "')

# Captions of scenarios, which apps register in English: named here so that the catalogues know them.
CAPTIONS = (
    gettext_noop("On Error"),
    gettext_noop("On Success"),
    gettext_noop("On Completion"),
    gettext_noop("On Entry Error"),
    gettext_noop("On Stop"),
    gettext_noop("On Missed Run"),
    gettext_noop("On Recovery"),
    gettext_noop("On Overrun"),
    gettext_noop("On Start"),
    gettext_noop("Late"),
    gettext_noop("Ran Longer"),
)


def safe_error(text: Any) -> str:
    """An error message as it may be mailed: cut after 1,000 characters, without a stack trace."""
    found = "".join(
        sign for sign in str(text or "") if sign == "\n" or sign.isprintable() or sign == "\t"
    ).strip()
    for beginning in TRACES:
        place = found.lower().find(beginning.lower())
        if place >= 0:
            found = found[:place].rstrip()
    if len(found) > LONGEST_ERROR:
        found = f"{found[:LONGEST_ERROR].rstrip()}…"
    return found or _("No error message was recorded.")


def one_line(text: Any, *, length: int = LONGEST_NAME) -> str:
    """The text on one line, without control characters, cut: for names, subjects and headings."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in str(text or "")).split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def subject(facts: Facts, text: str) -> str:
    """``[Jobwarden] Job queue entry Bank import: Error`` on one line."""
    return one_line(f"[{facts.get('product') or 'Jobwarden'}] {text}")


def place(facts: Facts) -> str:
    """Company and environment: ``Harbour Trading · production``."""
    return " · ".join(one_line(facts[name]) for name in ("company", "environment") if facts.get(name))


def facts_list(*pairs: tuple[str, Any]) -> tuple[Fact, ...]:
    """The facts that have a value."""
    return tuple(
        Fact(name, one_line(value, length=LONGEST_REASON))
        for name, value in pairs
        if value not in (None, "", "–")
    )


def links_list(*pairs: tuple[str, Any]) -> tuple[Link, ...]:
    """The links whose address is known."""
    return tuple(Link(label, str(address)) for label, address in pairs if address)


def held_back_note(facts: Facts) -> tuple[str, ...]:
    """*Packages reference, Flood protection*: how many messages were not sent before this one."""
    count = int(facts.get("held_back") or 0)
    if not count:
        return ()
    return (
        ngettext(
            "%(count)d earlier message of this kind was held back because of the repeat interval.",
            "%(count)d earlier messages of this kind were held back because of the repeat interval.",
            count,
        )
        % {"count": count},
    )


def result_word(result: Any) -> str:
    """The result of a line in words; unknown ones as they are written."""
    words = {
        "success": pgettext("result", "Success"),
        "error": pgettext("result", "Error"),
        "interrupted": pgettext("result", "Interrupted"),
        "skipped": pgettext("result", "Skipped"),
        "not_run": pgettext("result", "Not Run"),
        "disabled": pgettext("result", "Disabled"),
        "pending": pgettext("result", "Pending"),
        "waiting": pgettext("result", "Waiting"),
        "in_process": pgettext("result", "In Process"),
        "left_out": pgettext("result", "Left Out"),
        "taken_over": pgettext("result", "Taken Over"),
    }
    return words.get(_key(result), one_line(result))


def result_severity(result: Any) -> Severity | None:
    looks = {
        "success": Severity.SUCCESS,
        "error": Severity.ERROR,
        "interrupted": Severity.ERROR,
        "in_process": Severity.INFO,
        "waiting": Severity.WARNING,
    }
    return looks.get(_key(result))


def _key(result: Any) -> str:
    return str(result or "").strip().lower().replace(" ", "_").replace("-", "_")
