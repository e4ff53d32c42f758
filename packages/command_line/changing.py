"""Subcommands that change something: each calls one verb of ``packages.lifecycle``."""

from argparse import Namespace
from typing import Any

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.command_line.acting import assignments, company_of, entry_of
from jobqueue.errors import Refused
from packages import guards, lifecycle
from packages.command_line.acting import (
    line_of,
    package_of,
    recurrence_of,
    run_of,
    spread_weekdays,
)
from packages.command_line.representations import (
    line_json,
    package_with_live_state,
    recurrence_json,
    run_json,
)
from packages.lifecycle.lines import LINE_FIELDS
from packages.models import Package, Run
from packages.rows import last_ended_run, open_run
from packages.wording import in_zone

Answer = tuple[Any, str]


def create(options: Namespace, actor: Actor) -> Answer:
    package = lifecycle.create_package(
        company_of(options, actor), {"name": options.name, **assignments(options)}, actor=actor
    )
    return _answer(package, "was created")


def change(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    changed = lifecycle.change_package(
        package, assignments(options), actor=actor, expected_revision=options.expected_revision
    )
    return _answer(changed, "was changed" if changed.revision != package.revision else "stays as it is")


def copy(options: Namespace, actor: Actor) -> Answer:
    made = lifecycle.copy_package(package_of(options, actor), actor=actor, name=options.name)
    return _answer(made, "is the copy")


def delete(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    found = {"id": package.pk, "uuid": str(package.uuid), "name": package.name, "deleted": True}
    lifecycle.delete_package(package, actor=actor, reason=options.reason)
    return found, f"The package “{package}” was deleted with its lines and their entries. Its log stays."


def add_line(options: Namespace, actor: Actor) -> Answer:
    """A line with a new entry (``--object``, ``--set``) or a copy of an existing one (``--entry``)."""
    package = package_of(options, actor)
    given: dict[str, Any] = {
        "run_order": options.run_order,
        "enabled": not options.disabled,
        "always": options.always,
        "on_error": options.on_error or "",
    }
    if options.entry:
        line = lifecycle.add_line_from_entry(package, entry_of(options, actor), actor=actor, **given)
    else:
        line = lifecycle.add_line(package, assignments(options), actor=actor, **given)
    return line_json(line), f"Line {line} was added to “{package}”."


def change_line(options: Namespace, actor: Actor) -> Answer:
    """Fields of the line itself and of its entry, told apart by their names."""
    package = package_of(options, actor)
    line = line_of(options, package)
    values = assignments(options)
    own = {name: value for name, value in values.items() if name in LINE_FIELDS}
    of_entry = {name: value for name, value in values.items() if name not in LINE_FIELDS}
    with transaction.atomic():  # both or neither
        if own:
            line = lifecycle.change_line(line, own, actor=actor)
        if of_entry:
            line = lifecycle.change_line_entry(line, of_entry, actor=actor)
    return line_json(line), f"Line {line} of “{package}” was changed."


def remove_line(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    line = line_of(options, package)
    found, words = {"run_order": line.run_order, "entry_no": line.entry_id, "removed": True}, str(line)
    lifecycle.remove_line(line, actor=actor)
    return found, f"Line {words} was removed from “{package}”; its entry is deleted, its log stays."


def add_recurrence(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    row = lifecycle.add_recurrence(package, spread_weekdays(assignments(options)), actor=actor)
    found = recurrence_json(row, time_zone=package.time_zone)
    return found, f"“{package}” has the recurrence {row.pk}: {found['words']}."


def change_recurrence(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    row = lifecycle.change_recurrence(
        recurrence_of(options, package), spread_weekdays(assignments(options)), actor=actor
    )
    found = recurrence_json(row, time_zone=package.time_zone)
    return found, f"The recurrence {row.pk} of “{package}”: {found['words']}."


def remove_recurrence(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    row = recurrence_of(options, package)
    key = row.pk
    lifecycle.remove_recurrence(row, actor=actor)
    return {"id": key, "removed": True}, f"The recurrence {key} was removed from “{package}”."


def set_active(options: Namespace, actor: Actor) -> Answer:
    package = lifecycle.set_active(package_of(options, actor), actor=actor)
    when = in_zone(package.next_run_at, zone_name=package.time_zone) if package.next_run_at else "none"
    found, words = _answer(package, f"was set Active. Next run: {when}")
    warnings = guards.warnings(package)
    found["warnings"] = [warning.message for warning in warnings]
    return found, " ".join([words, *found["warnings"]])


def set_on_hold(options: Namespace, actor: Actor) -> Answer:
    package = lifecycle.set_on_hold(package_of(options, actor), actor=actor, reason=options.reason)
    return _answer(package, "was set On Hold")


def run_now(options: Namespace, actor: Actor) -> Answer:
    run = lifecycle.run_now(
        package_of(options, actor), actor=actor, from_line=options.from_line, only_line=options.only_line
    )
    return _run_answer(run, "runs now, in the background")


def resume(options: Namespace, actor: Actor) -> Answer:
    """The last run that ended with a verdict, or the one named with ``--run``."""
    package = package_of(options, actor)
    if options.run:
        last = run_of(options, actor)
        if last.package_uuid != package.uuid:
            raise Refused(
                f"Run {last.number} belongs to “{last.package_name}”, not to “{package}”.",
                code="other_package",
            )
    else:
        last = last_ended_run(package)
    return _run_answer(
        lifecycle.resume(last, actor=actor), f"goes on from run {last.number}, in the background"
    )


def cancel(options: Namespace, actor: Actor) -> Answer:
    package = package_of(options, actor)
    run = open_run(package)
    if run is None:
        raise Refused(f"No run of “{package}” is open.", code="not_running")
    lifecycle.cancel_run(run, actor=actor, reason=options.reason)
    return _run_answer(run, "was asked to stop")


def _answer(package: Package, what: str) -> tuple[dict[str, Any], str]:
    found = package_with_live_state(package)
    return found, f"The package “{package}” {what}. Status: {found['status']}."


def _run_answer(run: Run, what: str) -> Answer:
    fresh = Run.objects.select_related("started_by", "identity", "held_by", "cancelled_by").get(pk=run.pk)
    return run_json(fresh), f"“{fresh.package_name}” {what} (run {fresh.number})."
