"""Occasions, lists and messages for the tests of the notifications, written as rows."""

import itertools
from datetime import datetime
from typing import Any

from jobqueue.models import Company
from jobqueue.scheduler.inline import run_due_tasks
from notifications.models import DefaultList, Message, NotificationLine, NotificationList
from notifications.notify import Occasion, notify
from tests.builders import NOW, default_company

_numbers = itertools.count(1)


def make_list(*lines: tuple[Any, str] | tuple[Any, str, int], company: Company | None = None, **fields):
    """A list; each line is recipient (user, address or target), scenario and perhaps a repeat interval."""
    company = company or default_company()
    found = NotificationList.objects.create(
        company=company, name=fields.pop("name", f"List {next(_numbers)}"), **fields
    )
    for recipient, scenario, *repeat in lines:
        add_line(found, recipient, scenario, repeat_minutes=repeat[0] if repeat else 0)
    return found


def add_line(to: NotificationList, recipient: Any, scenario: str, **fields) -> NotificationLine:
    who = "address" if isinstance(recipient, str) else "user" if hasattr(recipient, "username") else "target"
    return NotificationLine.objects.create(list=to, scenario=scenario, **{who: recipient}, **fields)


def make_default_list(*lines, company: Company | None = None) -> NotificationList:
    found = make_list(*lines, company=company)
    DefaultList.objects.create(company=found.company, list=found)
    return found


def occasion(*codes: str, moment: datetime = NOW, **fields) -> Occasion:
    values: dict[str, Any] = {
        "company": default_company(),
        "template": "alarm",
        "facts": {"name": "Nightly", "happened": "Something happened."},
        "about": ("package", "7"),
        "source": ("package_run", "70"),
    }
    return Occasion(scenarios=codes, moment=moment, **(values | fields))


def tell(*codes: str, **fields) -> dict[str, list[str]]:
    """Tells of an occasion; who is told, by address or name, with the scenarios of their message."""
    return {who_gets(message): message.scenarios for message in notify(occasion(*codes, **fields))}


def who_gets(message: Message) -> str:
    return message.user.username if message.user is not None else message.address or message.recipient


def deliver(now: datetime) -> int:
    """Executes what is due at ``now``, and what that makes due at the same moment."""
    return run_due_tasks(now=now, until_idle=True)
