"""What people are told about runs of job queue packages (*Packages reference, Content*).

Only facts come in: this module knows no package.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from notifications.letters.letter import Failure, Letter, Row, Severity, Table
from notifications.letters.moments import between, minutes, moment, time_of_day
from notifications.letters.wording import (
    Facts,
    facts_list,
    held_back_note,
    links_list,
    one_line,
    place,
    result_severity,
    result_word,
    safe_error,
    subject,
)

NOT_EXECUTED = ("skipped", "not_run", "pending")


def ended(facts: Facts) -> Letter:
    """A run ended: Success, Completed with errors, Error or Stopped."""
    outcome = str(facts.get("outcome") or "")
    words, severity = {
        "success": (pgettext("outcome", "Success"), Severity.SUCCESS),
        "completed_with_errors": (pgettext("outcome", "Completed with errors"), Severity.ERROR),
        "error": (pgettext("outcome", "Error"), Severity.ERROR),
        "stopped": (pgettext("outcome", "Stopped"), Severity.WARNING),
    }.get(outcome, (one_line(outcome), Severity.INFO))
    return _letter(
        facts,
        severity=severity,
        status=words,
        happened=_how_it_ended(outcome, facts),
        next=_what_to_do(facts),
    )


def entry_failed(facts: Facts) -> Letter:
    """One line failed for good while the run goes on or ends."""
    line = facts.get("line") or {}
    name = one_line(line.get("description"))
    happened = _("The entry “%(entry)s” failed for good.") % {"entry": name}
    following = {
        "stop": _("The later entries of this run are skipped, and the package stops."),
        "finish_run": _("The rest of this run goes on; afterwards the package stops."),
        "continue": _("The rest of this run goes on, and the package keeps its schedule."),
    }.get(str(facts.get("on_error") or ""), "")
    if facts.get("held_by") or facts.get("cancelled_by"):
        following = _("The later entries of this run do not run.")
    elif facts.get("package_status") != "active":
        # A run by hand: there is no schedule it could stop.
        stops = facts.get("on_error") == "stop"
        following = (
            _("The later entries of this run are skipped.") if stops else _("The rest of this run goes on.")
        )
    return _letter(
        facts,
        severity=Severity.ERROR,
        status=_("Entry error: %(entry)s") % {"entry": name},
        happened=happened,
        meaning=following,
        next=_("Another message follows at the end of the run to those who asked for it."),
        lines=[line],
    )


def missed(facts: Facts) -> Letter:
    """An occurrence has not started within the late tolerance."""
    count = int(facts.get("missed_count") or 1)
    if count > 1:
        happened = ngettext(
            "%(count)d due time passed without a run, from %(first)s to %(last)s.",
            "%(count)d due times passed without a run, from %(first)s to %(last)s.",
            count,
        ) % {
            "count": count,
            "first": moment(facts.get("due_at"), zone_name=_zone(facts)),
            "last": moment(facts.get("last_due_at"), zone_name=_zone(facts)),
        }
    else:
        happened = _("The run due at %(due)s did not start in time.") % {
            "due": moment(facts.get("due_at"), zone_name=_zone(facts))
        }
    state = str(facts.get("missed_state") or "")
    told_before = _("You were told that it was waiting.") if facts.get("told_before") else ""
    return _letter(
        facts,
        severity=Severity.WARNING,
        status=_("Missed run"),
        happened=" ".join(
            part for part in (happened, told_before, _what_becomes_of_it(state, facts)) if part
        ),
        next=_what_keeps_it(state, facts),
    )


def _what_becomes_of_it(state: str, facts: Facts) -> str:
    """What happens to a due time that was not served in time."""
    if state == "waiting" and facts.get("starts_until_at"):
        return _(
            "It is still waiting and starts as soon as it can, but not after %(until)s; then it is missed."
        ) % {"until": moment(facts["starts_until_at"], zone_name=_zone(facts))}
    return {
        "waiting": _("It is still waiting and starts as soon as it can."),
        "too_late": _("It is too late to start it: it is missed and will not be caught up."),
        "started_late": _("It was started late and is running now."),
        "missed": _("It is missed and will not be caught up."),
    }.get(state, "")


def _what_keeps_it(state: str, facts: Facts) -> str:
    if state == "started_late":
        return ""
    if facts.get("no_worker_free"):
        return _("Every worker is busy. Look at what is running, or start more workers.")
    return _("If this was not planned, check that workers are running.")


def overrun(facts: Facts) -> Letter:
    """A run is still open after the package's longest duration."""
    return _letter(
        facts,
        severity=Severity.WARNING,
        status=_("Overrun"),
        happened=_("The run has been going on for more than %(minutes)s.")
        % {"minutes": minutes(int(facts.get("minutes") or 0))},
        meaning=_("Nothing was stopped: the run goes on. Due times reached before its end are skipped."),
        next=_("Look at its running entry. Cancel Run ends it."),
    )


def started(facts: Facts) -> Letter:
    """A run started."""
    return _letter(
        facts,
        severity=Severity.INFO,
        status=_("Started"),
        happened=_("A run of the package has started."),
        meaning="",
    )


def recovered(facts: Facts) -> Letter:
    """A run ended with success after one that did not."""
    return _letter(
        facts,
        severity=Severity.SUCCESS,
        status=_("Recovered"),
        happened=_("The run succeeded; the one before it had not."),
        next=_("Nothing has to be done."),
    )


def _how_it_ended(outcome: str, facts: Facts) -> str:
    failed = [
        line for line in facts.get("lines") or () if result_severity(line.get("result")) is Severity.ERROR
    ]
    failed_count = len(failed)
    said = one_line(facts.get("message"), length=500)
    if outcome == "success":
        if facts.get("recovered"):
            return _("Every entry of the package succeeded again; the run before had not.")
        return _("Every entry of the package succeeded.")
    if outcome == "completed_with_errors":
        if failed_count == 1:
            name = one_line(failed[0].get("description"))
            return _("Every entry was run; “%(entry)s” failed for good.") % {"entry": name}
        return _("Every entry was run; %(count)d of them failed for good.") % {"count": failed_count}
    cancelled_by = one_line(facts.get("cancelled_by"))
    if outcome == "stopped":
        if cancelled_by:
            return _("%(user)s cancelled the run; later entries did not run.") % {"user": cancelled_by}
        held_by = one_line(facts.get("held_by"))
        if held_by:
            return _("%(user)s set the package On Hold; later entries did not run.") % {"user": held_by}
        return _("The package was set On Hold; later entries did not run.")
    if failed_count:
        name = one_line(failed[0].get("description"))
        rest_ran = not any(line.get("result") in NOT_EXECUTED for line in facts.get("lines") or ())
        if failed_count > 1:
            return _("%(count)d entries failed for good.") % {"count": failed_count}
        if rest_ran:
            return _("The entry “%(entry)s” failed for good.") % {"entry": name}
        return _("The entry “%(entry)s” failed for good, and later entries did not run.") % {"entry": name}
    if said:
        return _("The run could not start: %(reason)s") % {"reason": said}
    return _("The run ended in an error.")


def _schedule(facts: Facts) -> str:
    """What it means for the schedule, in plain words (*Packages reference, Content*)."""
    status = str(facts.get("package_status") or "")
    if status == "error" and facts.get("stops_package", True):
        return _("The package has been stopped and will not run again until it is set active.")
    if status == "error":
        return _("The package is in Error and will not run again until it is set active.")
    if status == "on_hold":
        return _("The package is On Hold and will not run again until it is set active.")
    if status == "finished":
        return _(
            "No due time is left: the package is finished and will not run again until it is set active."
        )
    if facts.get("next_run_at"):
        return _("Next run: %(next)s.") % {"next": moment(facts["next_run_at"], zone_name=_zone(facts))}
    return ""


def _what_to_do(facts: Facts) -> str:
    if facts.get("package_status") == "error" and facts.get("stops_package", True):
        return _(
            "Repair the cause, then choose Set Job Queue Package Active. The next run begins with the first entry."
        )
    return ""


def _kind(facts: Facts) -> str:
    words = one_line(facts.get("description"), length=500)
    return f"{_('Job queue package')} – {words}" if words else _("Job queue package")


def _zone(facts: Facts) -> str:
    return str(facts.get("time_zone") or "")


def _trigger(facts: Facts) -> str:
    by = one_line(facts.get("started_by"))
    words = {
        "scheduled": _("Scheduled"),
        "late": _("Scheduled, started late"),
        "manual": _("By hand, by %(user)s") % {"user": by} if by else _("By hand"),
        "resume": _("Resumed by %(user)s") % {"user": by} if by else _("Resumed"),
    }
    return words.get(str(facts.get("trigger") or ""), one_line(facts.get("trigger")))


def _table(lines: Iterable[Mapping[str, Any]]) -> Table | None:
    rows = tuple(_row(line) for line in lines)
    if not rows:
        return None
    return Table(
        title=_("Entries of this run"),
        columns=(_("Order"), _("Entry"), _("Result"), _("Start"), _("Duration"), _("Attempts")),
        rows=rows,
    )


def _row(line: Mapping[str, Any]) -> Row:
    start = time_of_day(line.get("started_at"))
    length = between(line.get("started_at"), line.get("ended_at"))
    attempts = int(line.get("attempts") or 0)
    tried = ngettext("%(count)d attempt", "%(count)d attempts", attempts) % {"count": attempts}
    return Row(
        cells=(
            str(line.get("order") or ""),
            one_line(line.get("description")),
            result_word(line.get("result")),
            start,
            length,
            str(attempts or "–"),
        ),
        severity=result_severity(line.get("result")),
        rest=" · ".join(part for part in (start, length, tried if attempts else "") if part not in ("", "–")),
    )


def _letter(
    facts: Facts,
    *,
    severity: Severity,
    status: str,
    happened: str,
    meaning: str | None = None,
    next: str = "",
    lines: list[Any] | None = None,
) -> Letter:
    name = one_line(facts.get("name"))
    shown = list(facts.get("lines") or ()) if lines is None else lines
    return Letter(
        severity=severity,
        status=status,
        subject=subject(
            facts, _("Job queue package %(name)s: %(status)s") % {"name": name, "status": status}
        ),
        heading=name,
        description=_kind(facts),
        place=place(facts),
        happened=happened,
        meaning=_schedule(facts) if meaning is None else meaning,
        next=next,
        facts=facts_list(
            (_("Run"), facts.get("run_number")),
            (_("Trigger"), _trigger(facts)),
            (_("Due"), moment(facts.get("due_at"), zone_name=_zone(facts))),
            (_("Started"), moment(facts.get("started_at"), zone_name=_zone(facts))),
            (_("Ended"), moment(facts.get("ended_at"), zone_name=_zone(facts))),
            (_("Duration"), between(facts.get("started_at"), facts.get("ended_at"))),
            (_("Reason given"), facts.get("held_reason")),
            (_("Ran as"), facts.get("ran_as")),
        ),
        failures=tuple(
            Failure(one_line(line.get("description")), safe_error(line.get("error")))
            for line in shown
            if result_severity(line.get("result")) is Severity.ERROR
        ),
        table=_table(facts.get("lines") or ()),
        links=links_list(
            (_("Open run"), facts.get("run_address")), (_("Open package"), facts.get("package_address"))
        ),
        notes=held_back_note(facts),
    )
