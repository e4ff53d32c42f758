"""Messages without a shape of their own: the test message, and the alarm any app can fill with its own words."""

from django.utils.translation import gettext as _

from notifications.letters.letter import Failure, Letter, Severity
from notifications.letters.moments import moment
from notifications.letters.wording import (
    Facts,
    facts_list,
    held_back_note,
    links_list,
    one_line,
    place,
    safe_error,
    subject,
)

LONGEST_SENTENCES = 2_000


def test(facts: Facts) -> Letter:
    """*Send Test Mail*: shows that messages of a list reach a recipient, or that a target is reached at all."""
    name = one_line(facts.get("name"))
    if facts.get("to_target"):
        return _test_of_target(facts, name=name)
    return Letter(
        severity=Severity.INFO,
        status=_("Test"),
        subject=subject(facts, _("Test message of the notification list %(name)s") % {"name": name}),
        heading=name,
        description=_("Notification list"),
        place=place(facts),
        happened=_("This is a test. Nothing is wrong, and nothing has to be done."),
        meaning=_("Messages of this notification list reach you at this address."),
        facts=facts_list(
            (_("Sent by"), facts.get("sent_by")),
            (_("Sent"), moment(facts.get("sent_at"))),
            (
                _("You hear of"),
                ", ".join(_(one) for one in str(facts.get("scenarios") or "").split(", ") if one),
            ),
        ),
        links=links_list((_("Open notification list"), facts.get("address"))),
    )


def _test_of_target(facts: Facts, *, name: str) -> Letter:
    return Letter(
        severity=Severity.INFO,
        status=_("Test"),
        subject=subject(facts, _("Test message to %(name)s") % {"name": name}),
        heading=name,
        description=_("Target of notifications"),
        place=place(facts),
        happened=_("This is a test. Nothing is wrong, and nothing has to be done."),
        meaning=_("Messages to this target arrive here."),
        facts=facts_list((_("Sent by"), facts.get("sent_by")), (_("Sent"), moment(facts.get("sent_at")))),
        links=links_list((_("Open target"), facts.get("address"))),
    )


def alarm(facts: Facts) -> Letter:
    """An alarm in the sender's own words: what happened, what it means, what happens next, and a link."""
    severity = Severity(facts.get("severity") or Severity.WARNING)
    status = (
        one_line(facts.get("status"))
        or {
            Severity.ERROR: _("Error"),
            Severity.WARNING: _("Warning"),
            Severity.SUCCESS: _("Success"),
            Severity.INFO: _("Notice"),
        }[severity]
    )
    name = one_line(facts.get("name"))
    return Letter(
        severity=severity,
        status=status,
        subject=subject(facts, one_line(facts.get("subject")) or f"{name}: {status}"),
        heading=name,
        description=one_line(facts.get("about")),
        place=place(facts),
        happened=one_line(facts.get("happened"), length=LONGEST_SENTENCES),
        meaning=one_line(facts.get("meaning"), length=LONGEST_SENTENCES),
        next=one_line(facts.get("next"), length=LONGEST_SENTENCES),
        facts=facts_list(
            (_("When"), moment(facts.get("at"))),
            *((str(name), value) for name, value in facts.get("details") or ()),
        ),
        failures=(Failure("", safe_error(facts["error"])),) if facts.get("error") else (),
        links=links_list((str(facts.get("link_label") or _("Open")), facts.get("address"))),
        notes=held_back_note(facts),
    )
