"""Subcommands that only read. Each returns the JSON answer and the words for people."""

from argparse import Namespace
from typing import Any

from jobqueue.actors import Actor
from jobqueue.command_line.acting import company_of
from jobqueue.command_line.output import facts, table
from jobqueue.command_line.representations import Json, moment
from jobqueue.errors import Refused
from jobqueue.scheduler import database_now
from packages import guards
from packages.attempts import attempts_of
from packages.command_line.acting import package_of, package_uuid_of, run_of
from packages.command_line.representations import (
    change_json,
    finding_json,
    line_json,
    occurrence_json,
    package_json,
    package_with_live_state,
    recurrence_json,
    run_json,
    run_line_json,
)
from packages.explain import explain as explain_package
from packages.live import as_they_are
from packages.models import Package, Run, RunLine, StatusChange
from packages.permissions import may, require
from packages.preview import due_times
from packages.states import Outcome, PackageStatus
from packages.wording import counted_lines, running_line

Answer = tuple[Any, str]


def list_packages(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    rows = Package.objects.filter(company=company).select_related(
        "company", "run_as_user", "identity", "activated_by", "held_by"
    )
    if options.status:
        rows = rows.filter(status__in=[_member(PackageStatus, text) for text in options.status])
    runs = {run.package_id: run for run in Run.objects.filter(company=company, is_open=True)}
    if options.running:
        rows = rows.filter(pk__in=runs)
    lines: dict[Any, list[RunLine]] = {}
    for line in as_they_are(RunLine.objects.filter(run__in=runs.values())):
        lines.setdefault(line.run_id, []).append(line)
    found, cells = [], []
    for package in rows:
        run = runs.get(package.pk)
        of_run = lines.get(run.pk, []) if run is not None else []
        found.append(package_json(package, run=run, lines=of_run))
        status = f"{package.get_status_display()}{' – running' if run else ''}"
        at = running_line(of_run) if run is not None else ""
        cells.append(
            (package.pk, package.name, status, at, package.next_run_at, package.get_last_outcome_display(),
             package.get_on_error_display())
        )  # fmt: skip
    heads = ("No.", "Name", "Status", "Running line", "Next run (UTC)", "Last outcome", "On Error")
    return found, table(heads, cells)


def show(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    found = package_with_live_state(package)
    lines = [line_json(line) for line in package.lines.select_related("entry")]
    recurrences = [recurrence_json(row, time_zone=package.time_zone) for row in package.recurrences.all()]
    cells = [
        (line["run_order"], line["description"], f"{line['object_type']} {line['object_id']}",
         "" if line["enabled"] else "disabled", line["on_error"], line["status"])
        for line in lines
    ]  # fmt: skip
    rows = [(row["id"], row["words"], "" if row["enabled"] else "disabled") for row in recurrences]
    words = "\n\n".join(
        [
            facts(found),
            table(("Order", "Line", "Object", "", "On Error", "Entry"), cells) if cells else "No lines.",
            table(("No.", "Recurrence", ""), rows) if rows else "No recurrences.",
        ]
    )
    return found | {"lines": lines, "recurrences": recurrences}, words


def check(options: Namespace, actor: Actor) -> Answer:
    """What keeps the package from being set active, and what may not be meant."""
    package = package_of(options, actor)
    problems = guards.problems(package, actor=actor, now=database_now())
    warnings = guards.warnings(package)
    found = {"problems": list(map(finding_json, problems)), "warnings": list(map(finding_json, warnings))}
    if package.is_active:
        verdict = f"“{package}” is Active."
    else:
        verdict = f"“{package}” {'cannot' if problems else 'can'} be set active."
    lines = [f"✗ {finding}" for finding in problems] + [f"! {finding}" for finding in warnings]
    return found, "\n".join([verdict, *lines])


def explain(options: Namespace, actor: Actor) -> Answer:
    """Why the package does or does not run: every answer in order."""
    found = explain_package(package_of(options, actor), now=database_now())
    cells = [
        ("✓" if one.open else "✗", one.question, one.reason, "" if one.open else str(one.opener))
        for one in found.answers
    ]
    body = {
        "sentence": found.sentence,
        "starts_at": moment(found.starts_at),
        "answers": [
            {
                "question": one.question,
                "open": one.open,
                "reason": one.reason,
                "opener": None if one.open else str(one.opener),
                "verb": one.verb or None,
                "opens_at": moment(one.opens_at),
            }
            for one in found.answers
        ],
    }
    return body, f"{found.sentence}\n\n{table(('', 'Question', 'Why', 'Opened by'), cells)}"


def preview(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    found = due_times(package, options.count, now=database_now())
    cells = [(due.at, due.local.strftime("%a %Y-%m-%d %H:%M:%S %Z"), "; ".join(due.notes)) for due in found]
    return list(map(occurrence_json, found)), table(("UTC", "Local", "Remarks"), cells)


def log(options: Namespace, actor: Actor) -> Answer:
    """Runs, newest first, of one package or of the company."""
    if options.package:
        rows = Run.objects.filter(package_uuid=package_uuid_of(options, actor))
    else:
        company = company_of(options, actor)
        require(actor, "view", company)
        rows = Run.objects.filter(company=company)
    if options.outcome:
        rows = rows.filter(outcome__in=[_member(Outcome, text) for text in options.outcome])
    people = ("company", "started_by", "identity", "held_by", "cancelled_by")
    runs = list(rows.select_related(*people).order_by("-number")[: options.limit])
    found = [run_json(run) for run in runs]
    if options.lines:
        for body, run in zip(found, runs, strict=True):
            body["lines"] = _lines(run, actor)
    cells = [
        (run.number, run.package_name, "Running" if run.is_open else run.get_outcome_display(),
         run.get_trigger_display(), run.due_at, run.started_at, run.ended_at,
         counted_lines(run) if run.lines_total else "", run.message)
        for run in runs
    ]  # fmt: skip
    heads = (
        "Run",
        "Package",
        "Outcome",
        "Trigger",
        "Due (UTC)",
        "Started (UTC)",
        "Ended (UTC)",
        "Lines",
        "Message",
    )
    return found, table(heads, cells)


def show_run(options: Namespace, actor: Actor) -> Answer:
    """One run with its lines and its changes of status."""
    run = run_of(options, actor)
    lines = _lines(run, actor)
    changes = [change_json(change) for change in run.status_changes.select_related("user").order_by("id")]
    found = run_json(run) | {"lines": lines, "status_changes": changes}
    cells = [
        (line["run_order"], line["description"], line["result"], line["attempts"], line["started_at"],
         line["ended_at"], line["error_message"] or line["reason"])
        for line in lines
    ]  # fmt: skip
    heads = ("Order", "Line", "Result", "Attempts", "Started", "Ended", "Message")
    return found, f"{facts(run_json(run))}\n\n{table(heads, cells)}"


def history(options: Namespace, actor: Actor) -> Answer:
    """Who or what changed the status of a package."""
    rows = StatusChange.objects.filter(package_uuid=package_uuid_of(options, actor)).select_related("user")
    found = list(rows.order_by("-id")[: options.limit])
    cells = [
        (change.at, change.user or "System", change.origin, change.get_from_status_display(),
         change.get_to_status_display(), change.reason)
        for change in found
    ]  # fmt: skip
    return list(map(change_json, found)), table(("At (UTC)", "Who", "Door", "From", "To", "Reason"), cells)


def _lines(run: Run, actor: Actor) -> list[Json]:
    lines = as_they_are(run.lines.all())
    attempts = attempts_of(lines)
    inside = may(actor, "maintain", run.company)
    return [run_line_json(line, attempts[line.pk], may_see_inside=inside) for line in lines]


def _member(kind: Any, text: str) -> Any:
    words = text.strip().lower().replace("_", "-").replace(" ", "-")
    for member in kind:
        if words in (member.label.lower().replace(" ", "-"), member.value.replace("_", "-")):
            return member
    known = ", ".join(member.label for member in kind)
    raise Refused(f"“{text}” is not known here. Choose one of: {known}.", code="usage")
