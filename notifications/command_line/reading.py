"""Subcommands that only look."""

from argparse import Namespace
from typing import Any

from django.db.models import Count

from jobqueue.actors import Actor
from jobqueue.command_line.acting import company_of
from jobqueue.command_line.output import facts, table
from jobqueue.permissions import require
from notifications import scenarios as registry
from notifications.command_line.acting import list_of, message_of
from notifications.command_line.representations import (
    line_json,
    linked_json,
    list_json,
    message_json,
    scenario_json,
)
from notifications.models import Message, NotificationList

Answer = tuple[Any, str]


def lists(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    rows = NotificationList.objects.filter(company=company).select_related("company")
    if not options.private:
        rows = rows.filter(owner_kind="")
    found = list(rows.annotate(line_count=Count("lines")))
    lines = [
        (
            one.pk,
            one.name,
            "" if one.is_enabled else "Disabled",
            one.line_count,
            one.owner_kind,
            one.description,
        )
        for one in found
    ]
    heads = ("No.", "Name", "", "Lines", "Owner", "Description")
    return [list_json(one) for one in found], table(heads, lines)


def show(options: Namespace, actor: Actor) -> Answer:
    found = list_of(options, actor)
    body = list_json(found) | {"linked_entries": linked_json(found)}
    shown = {name: value for name, value in body.items() if name not in ("lines", "linked_entries")}
    rows = [
        (
            line["id"],
            line["user"] or line["address"] or line["target"],
            line["scenario"],
            line["threshold_minutes"],
            line["repeat_minutes"] or "",
        )
        for line in (line_json(one) for one in found.lines.select_related("user", "target").order_by("pk"))
    ]
    linked = ", ".join(f"{one['entry_no']} {one['description']}" for one in body["linked_entries"])
    words = [facts(shown | {"linked entries": linked}), ""]
    words.append(table(("No.", "Recipient", "Scenario", "Minutes", "Repeat interval"), rows))
    return body, "\n".join(words)


def scenarios(options: Namespace, actor: Actor) -> Answer:
    require(actor, "view", None)
    found = registry.registered()
    lines = [(one.code, one.subject, one.caption, one.sentence) for one in found]
    return [scenario_json(one) for one in found], table(("Code", "About", "Scenario", "Told when"), lines)


def messages(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    rows = Message.objects.filter(company=company).select_related("company")
    if options.state:
        rows = rows.filter(state__in=options.state)
    if options.about:
        kind, _, reference = options.about.partition(":")
        rows = rows.filter(about_kind=kind, about_reference=reference)
    found = list(rows.order_by("-id")[: options.limit])
    heads = ("No.", "State", "Recipient", "Subject", "Queued (UTC)", "Attempts", "Last error")
    lines = [
        (one.pk, one.get_state_display(), one.recipient, one.subject or registry.caption(one.scenario),
         one.queued_at, one.attempts, one.last_error)
        for one in found
    ]  # fmt: skip
    return [message_json(one) for one in found], table(heads, lines)


def message(options: Namespace, actor: Actor) -> Answer:
    found = message_json(message_of(options, actor), in_full=True)
    shown = {
        name: value
        for name, value in found.items()
        if name not in ("text", "html", "facts", "delivery_attempts")
    }
    tried = [
        (one["number"], one["started_at"], one["outcome"], one["error"]) for one in found["delivery_attempts"]
    ]
    attempts = table(("Attempt", "Started (UTC)", "Outcome", "Error"), tried) if tried else ""
    return found, "\n\n".join(part for part in (facts(shown), attempts, found["text"]) if part)
