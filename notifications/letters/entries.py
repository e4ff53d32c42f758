"""What people are told about one job queue entry."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.letters.letter import Failure, Letter, Severity
from notifications.letters.moments import as_moment, between, duration, minutes, moment
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


def failed(facts: Facts) -> Letter:
    """An entry failed for good."""
    attempts = int(facts.get("attempts") or 1)
    if facts.get("has_no_next_run"):
        happened = _("It stopped by itself: its schedule leads to no further run.")
    elif attempts > 1:
        happened = ngettext(
            "It failed for good: %(count)d attempt ended in an error.",
            "It failed for good: %(count)d attempts ended in an error.",
            attempts,
        ) % {"count": attempts}
    else:
        happened = _("It failed for good, and no further attempt follows.")
    return _letter(
        facts,
        severity=Severity.ERROR,
        status=_("Error"),
        happened=happened,
        meaning=_what_failing_means(facts),
        next=_what_to_do(facts),
        failures=(Failure("", safe_error(facts.get("error"))),),
    )


def succeeded(facts: Facts) -> Letter:
    """An entry whose success is worth a message."""
    return _letter(
        facts,
        severity=Severity.SUCCESS,
        status=_("Success"),
        happened=_("It ran successfully."),
        meaning=_what_comes(facts),
    )


def recovered(facts: Facts) -> Letter:
    """An entry that failed before succeeded again."""
    since = as_moment(facts.get("failing_since"))
    happened = _("It ran successfully again.")
    if since is not None:
        happened = _("It ran successfully again, after failing since %(since)s.") % {"since": moment(since)}
    return _letter(
        facts,
        severity=Severity.SUCCESS,
        status=_("Recovered"),
        happened=happened,
        meaning=_what_comes(facts),
        next=_("Nothing has to be done."),
    )


def late(facts: Facts) -> Letter:
    """An entry has not started although its due time has passed, or has started long after it."""
    waited = int(facts.get("minutes") or 0)
    if facts.get("started_at"):
        return _letter(
            facts,
            severity=Severity.WARNING,
            status=_("Late"),
            happened=_("It was due at %(due)s and started late, at %(start)s.")
            % {"due": moment(facts.get("due_at")), "start": moment(facts["started_at"])},
            meaning=_what_comes(facts),
        )
    happened = _("It was due at %(due)s and has not started.") % {"due": moment(facts.get("due_at"))}
    if waited:
        happened = _("It was due at %(due)s and has not started after %(minutes)s.") % {
            "due": moment(facts.get("due_at")),
            "minutes": minutes(waited),
        }
    reason = one_line(facts.get("waiting_for"))
    return _letter(
        facts,
        severity=Severity.WARNING,
        status=_("Late"),
        happened=happened,
        meaning=_("It is still waiting: %(reason)s") % {"reason": reason}
        if reason
        else _("It is still waiting. Nothing is lost: it starts as soon as it can."),
        next=_("Explain on the entry's card says what it waits for."),
    )


def ran_longer(facts: Facts) -> Letter:
    """An entry has been running, or ran, for longer than people want to hear nothing about."""
    allowed = int(facts.get("minutes") or 0)
    if facts.get("ended_at"):
        return _letter(
            facts,
            severity=Severity.WARNING,
            status=_("Ran long"),
            happened=_("It ran for longer than %(minutes)s, since %(start)s.")
            % {"minutes": minutes(allowed), "start": moment(facts.get("started_at"))},
            meaning=_what_comes(facts),
        )
    return _letter(
        facts,
        severity=Severity.WARNING,
        status=_("Running long"),
        happened=_("It has been running for longer than %(minutes)s, since %(start)s.")
        % {"minutes": minutes(allowed), "start": moment(facts.get("started_at"))},
        meaning=_("It is still running: nothing was stopped, and its next run waits for its end."),
        next=_("Look at its log. Cancel Run on the entry's card ends it."),
    )


def _what_failing_means(facts: Facts) -> str:
    after = facts.get("status_after")
    if after == "error":
        return _("The entry has been stopped and will not run again until somebody restarts it.")
    if after == "on-hold":
        return _("The entry is On Hold and will not run again until somebody sets it Ready.")
    return _what_comes(facts)


def _what_to_do(facts: Facts) -> str:
    if facts.get("has_no_next_run"):
        return _("Correct the schedule on the entry's card, then choose Restart.")
    if facts.get("status_after") == "error":
        return _("Repair the cause, then choose Restart on the entry's card.")
    return ""


def _what_comes(facts: Facts) -> str:
    """What follows this run on the entry's schedule."""
    if facts.get("next_run_at"):
        return _("Next run: %(next)s.") % {
            "next": moment(facts["next_run_at"], zone_name=str(facts.get("time_zone") or ""))
        }
    if facts.get("status_after") == "deleted":
        return _("The entry was to run once and is done.")
    if facts.get("status_after") == "on-hold":
        return _("The entry is On Hold now and will not run again until somebody sets it Ready.")
    return _("No further run is planned.")


def _letter(facts: Facts, *, severity: Severity, status: str, **parts: Any) -> Letter:
    name = one_line(facts.get("name"))
    return Letter(
        severity=severity,
        status=status,
        subject=subject(facts, _("Job queue entry %(name)s: %(status)s") % {"name": name, "status": status}),
        heading=name,
        description=_("Job queue entry"),
        place=place(facts),
        facts=facts_list(
            (_("Job"), facts.get("job")),
            (_("Category"), facts.get("category")),
            (_("Due"), moment(facts.get("due_at"))),
            (_("Started"), moment(facts.get("started_at"))),
            (_("Ended"), moment(facts.get("ended_at"))),
            (_("Duration"), between(facts.get("started_at"), facts.get("ended_at"))),
            (_("Usual duration"), duration(facts["usual_seconds"]) if facts.get("usual_seconds") else ""),
            (_("Attempts"), facts.get("attempts")),
            (_("Ran as"), facts.get("runs_as")),
        ),
        links=links_list(
            (_("Open log entry"), facts.get("log_address")), (_("Open entry"), facts.get("address"))
        ),
        notes=held_back_note(facts),
        **parts,
    )
