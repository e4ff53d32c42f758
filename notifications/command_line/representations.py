"""Rows as JSON: names follow the model fields, moments are ISO 8601 in UTC, addresses of targets stay hidden."""

from typing import Any

from jobqueue.command_line.representations import Json, moment
from jobqueue.models import Entry
from notifications import scenarios
from notifications.models import DefaultList, Message, NotificationLine, NotificationList
from notifications.scenarios import Scenario


def list_json(found: NotificationList) -> Json:
    """A list with its lines."""
    return {
        "id": found.pk,
        "company": found.company.code,
        "name": found.name,
        "description": found.description,
        "is_enabled": found.is_enabled,
        "owner_kind": found.owner_kind,
        "owner_reference": found.owner_reference,
        "is_default": DefaultList.objects.filter(list=found).exists(),
        "remark": found.remark,
        "lines": [line_json(line) for line in found.lines.select_related("user", "target").order_by("pk")],
    }


def line_json(line: NotificationLine) -> Json:
    return {
        "id": line.pk,
        "user": line.user.get_username() if line.user is not None else None,
        "address": line.address or None,
        "target": line.target.name if line.target is not None else None,
        "scenario": line.scenario,
        "scenario_caption": scenarios.caption(line.scenario),
        "threshold_minutes": line.threshold_minutes,
        "repeat_minutes": line.repeat_minutes,
    }


def linked_json(found: NotificationList) -> list[Json]:
    """The entries linked to the list that still exist."""
    linked = Entry.objects.filter(id__in=found.entry_links.values("entry_id")).order_by("entry_no")
    return [{"entry_no": one.entry_no, "id": str(one.id), "description": str(one)} for one in linked]


def scenario_json(scenario: Scenario) -> Json:
    return {
        "code": scenario.code,
        "caption": scenario.caption,
        "about": scenario.subject,
        "told_when": scenario.sentence,
        "is_failure": scenario.is_failure,
        "needs_minutes": scenario.needs_minutes,
    }


def message_json(message: Message, *, in_full: bool = False) -> Json:
    """A message; ``in_full`` with its words, facts and attempts."""
    found: Json = {
        "id": message.pk,
        "uuid": str(message.uuid),
        "company": message.company.code,
        "channel": message.channel,
        "recipient": message.recipient,
        "address": message.address or None,
        "state": message.state,
        "scenario": message.scenario,
        "scenarios": message.scenarios,
        "template": message.template,
        "subject": message.subject,
        "about": f"{message.about_kind}:{message.about_reference}" if message.about_kind else None,
        "source": f"{message.source_kind}:{message.source_reference}" if message.source_kind else None,
        "held_back": message.held_back,
        "told_as": message.told_as,
        "is_test": message.is_test,
        "attempts": message.attempts,
        "last_error": message.last_error,
    }
    for name in ("occurred_at", "queued_at", "next_attempt_at", "sent_at", "failed_at"):
        found[name] = moment(getattr(message, name))
    if in_full:
        found |= _rest_of(message)
    return found


def _rest_of(message: Message) -> dict[str, Any]:
    return {
        "language": message.language,
        "time_zone": message.time_zone,
        "facts": message.facts,
        "text": message.text,
        "html": message.html,
        "delivery_attempts": [
            {
                "number": one.number,
                "started_at": moment(one.started_at),
                "ended_at": moment(one.ended_at),
                "outcome": one.outcome,
                "error": one.error,
            }
            for one in message.delivery_attempts.order_by("number")
        ],
    }
