"""Subcommands that change something: each calls one verb of ``jobqueue.lifecycle``."""

import json
from argparse import Namespace
from datetime import datetime
from typing import Any

from jobqueue import housekeeping, lifecycle
from jobqueue.actors import Actor
from jobqueue.command_line.acting import assignments, company_of, entry_of, log_entry_of
from jobqueue.command_line.representations import entry_json, log_json
from jobqueue.errors import Invalid, Problem
from jobqueue.models import Entry
from jobqueue.states import CategoryPriority, Status
from jobqueue.validation import coerce

Answer = tuple[Any, str]


def create(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    make = lifecycle.create_ready if options.ready else lifecycle.create_entry
    return _answer(make(company, assignments(options), actor=actor), "was created")


def change(options: Namespace, actor: Actor) -> Answer:
    entry = entry_of(options, actor)
    changed = lifecycle.change_entry(
        entry, assignments(options), actor=actor, expected_revision=options.expected_revision
    )
    return _answer(changed, "was changed" if changed.revision != entry.revision else "stays as it is")


def set_ready(options: Namespace, actor: Actor) -> Answer:
    return _answer(lifecycle.set_ready(entry_of(options, actor), actor=actor), "was set to Ready")


def set_on_hold(options: Namespace, actor: Actor) -> Answer:
    entry = entry_of(options, actor)
    held = lifecycle.set_on_hold(
        entry, actor=actor, reason=options.reason, until=_moment(options.until, time_zone=entry.time_zone)
    )
    return _answer(held, "was set On Hold")


def restart(options: Namespace, actor: Actor) -> Answer:
    return _answer(lifecycle.restart(entry_of(options, actor), actor=actor), "was restarted")


def run_now(options: Namespace, actor: Actor) -> Answer:
    asked = lifecycle.run_now(entry_of(options, actor), actor=actor)
    if asked.asked_before:
        return entry_json(asked), asked.asked_before
    return _answer(asked, "runs once more, in the background")


def run_once(options: Namespace, actor: Actor) -> Answer:
    copy = lifecycle.run_once(
        entry_of(options, actor),
        actor=actor,
        parameters=_parameters(options.parameters),
        parameter_string=options.parameter_string,
    )
    return _answer(copy, "is the copy that runs once, in the background")


def cancel(options: Namespace, actor: Actor) -> Answer:
    entry = lifecycle.cancel_run(entry_of(options, actor), actor=actor, reason=options.reason)
    return _answer(entry, "was asked to end its run")


def copy(options: Namespace, actor: Actor) -> Answer:
    return _answer(lifecycle.copy_entry(entry_of(options, actor), actor=actor), "is the copy, On Hold")


def delete(options: Namespace, actor: Actor) -> Answer:
    entry = entry_of(options, actor)
    lifecycle.delete_entry(entry, actor=actor, reason=options.reason)
    return {
        "entry_no": entry.entry_no,
        "id": str(entry.id),
        "deleted": True,
    }, f"Entry {entry.pk} was deleted."


def set_priority(options: Namespace, actor: Actor) -> Answer:
    priority = {member.label.lower(): int(member) for member in CategoryPriority}[options.priority]
    entry = lifecycle.set_priority_within_category(entry_of(options, actor), priority, actor=actor)
    return _answer(entry, f"has the priority {options.priority}")


def remove_failed(options: Namespace, actor: Actor) -> Answer:
    count = lifecycle.remove_failed_entries(company_of(options, actor), actor=actor, only_own=options.own)
    return {
        "removed": count
    }, f"{count} failed entries were removed; those that ended less than 30 s ago stay."


def check_stale(options: Namespace, actor: Actor) -> Answer:
    count = housekeeping.check_stale(company_of(options, actor), actor=actor)
    return {"stale": count}, f"{count} stale entries and log entries were set to Error."


def mark_error(options: Namespace, actor: Actor) -> Answer:
    row = lifecycle.mark_log_as_error(log_entry_of(options, actor), actor=actor)
    return log_json(row), f"Log entry {row.pk} was set to Error."


def delete_log(options: Namespace, actor: Actor) -> Answer:
    count = lifecycle.delete_log_entries(
        company_of(options, actor), actor=actor, older_than_days=options.older_than_days
    )
    return {"deleted": count}, f"{count} log entries were deleted."


def _answer(entry: Entry, what: str) -> Answer:
    found = (
        Entry.objects.select_related("company", "user", "held_by", "created_by").filter(pk=entry.pk).first()
    )
    entry = found or entry
    return entry_json(entry), f"Entry {entry.pk} “{entry}” {what}. Status: {Status(entry.status).label}."


def _moment(text: str | None, *, time_zone: str) -> datetime | None:
    if not text:
        return None
    clean, problems = coerce({"expires_at": text}, time_zone=time_zone)
    if problems:
        sentence = problems[0].message.replace("Expiration", "Until")
        raise Invalid([Problem("held_until", "invalid", sentence)])
    return clean["expires_at"]


def _parameters(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Invalid(
            [Problem("parameters", "invalid", f"The parameters are no JSON object: {error}.")]
        ) from error
    if not isinstance(found, dict):
        raise Invalid([Problem("parameters", "invalid", 'Write the parameters as {"name": value}.')])
    return found
