"""Subcommands that change or send something: each calls one verb."""

from argparse import Namespace
from typing import Any

from jobqueue.actors import Actor
from jobqueue.command_line.acting import assignments, company_of, entry_of
from notifications import verbs
from notifications.command_line.acting import line_of, list_of, message_of
from notifications.command_line.representations import line_json, list_json, message_json
from notifications.models import NotificationLine, NotificationList

Answer = tuple[Any, str]


def create(options: Namespace, actor: Actor) -> Answer:
    values = {"name": options.name, **assignments(options)}
    found = verbs.create_list(company_of(options, actor), values, actor=actor)
    return _answer(found, "was created")


def change(options: Namespace, actor: Actor) -> Answer:
    return _answer(
        verbs.change_list(list_of(options, actor), assignments(options), actor=actor), "was changed"
    )


def delete(options: Namespace, actor: Actor) -> Answer:
    found = list_of(options, actor)
    number = found.pk
    verbs.delete_list(found, actor=actor)
    return {"id": number, "name": found.name, "deleted": True}, f"The list “{found}” was deleted."


def add_line(options: Namespace, actor: Actor) -> Answer:
    line = verbs.add_line(list_of(options, actor), assignments(options), actor=actor)
    return _line(line, "was added")


def change_line(options: Namespace, actor: Actor) -> Answer:
    line = verbs.change_line(line_of(options, actor), assignments(options), actor=actor)
    return _line(line, "was changed")


def remove_line(options: Namespace, actor: Actor) -> Answer:
    line = line_of(options, actor)
    number = line.pk
    verbs.remove_line(line, actor=actor)
    return {"id": number, "removed": True}, f"Line {number} “{line}” was removed from “{line.list}”."


def link(options: Namespace, actor: Actor) -> Answer:
    found, entry = list_of(options, actor), entry_of(options, actor)
    verbs.link_entry(entry, found, actor=actor)
    answer = {"list": found.pk, "entry_no": entry.entry_no, "linked": True}
    return answer, f"“{found}” hears of entry {entry.pk} “{entry}”."


def unlink(options: Namespace, actor: Actor) -> Answer:
    found, entry = list_of(options, actor), entry_of(options, actor)
    was_linked = verbs.unlink_entry(entry, found, actor=actor)
    words = "no longer hears" if was_linked else "did not hear"
    answer = {"list": found.pk, "entry_no": entry.entry_no, "linked": False}
    return answer, f"“{found}” {words} of entry {entry.pk} “{entry}”."


def set_default(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    found = list_of(options, actor) if options.list else None
    verbs.set_default_list(company, found, actor=actor)
    if found is None:
        return {"company": company.code, "default_list": None}, f"“{company}” has no default list any more."
    words = f"“{found}” hears of failures of “{company}” that nobody else is listed for."
    return {"company": company.code, "default_list": found.pk}, words


def send_test(options: Namespace, actor: Actor) -> Answer:
    found = list_of(options, actor)
    sent = verbs.send_test(found, actor=actor)
    people = ", ".join(one.recipient for one in sent)
    return [message_json(one) for one in sent], f"A test message is on its way to {people}."


def send_again(options: Namespace, actor: Actor) -> Answer:
    sent = verbs.send_again(message_of(options, actor), actor=actor)
    return message_json(sent), f"Message {sent.pk} is on its way to {sent.recipient}."


def _answer(found: NotificationList, what: str) -> Answer:
    return list_json(found), f"The list “{found}” (no. {found.pk}) {what}."


def _line(line: NotificationLine, what: str) -> Answer:
    words = f"Line {line.pk} {what}: {line.recipient} hears of “{line_json(line)['scenario_caption']}”."
    return line_json(line), words
