"""Which list, line and message are meant."""

from argparse import Namespace

from jobqueue.actors import Actor
from jobqueue.command_line.acting import companies_of, number_of
from jobqueue.errors import NotFound, Refused
from jobqueue.permissions import require
from notifications.models import Message, NotificationLine, NotificationList


def list_of(options: Namespace, actor: Actor) -> NotificationList:
    """The list named by its name (of a shared list) or number, in the given company or any the user may work in."""
    key = options.list.strip()
    rows = NotificationList.objects.select_related("company").filter(company__in=companies_of(options, actor))
    named = list(rows.filter(owner_kind="", name__iexact=key)[:2])
    if len(named) > 1:
        raise Refused(
            f"More than one company has a list “{key}”. Name the company with --company, or give the number.",
            code="which_list",
        )
    number = number_of(key)
    found = named[0] if named else rows.filter(pk=number).first() if number is not None else None
    if found is None:
        raise NotFound(f"There is no notification list “{key}”. “notifications lists” shows what there is.")
    require(actor, "view", found.company)
    return found


def line_of(options: Namespace, actor: Actor) -> NotificationLine:
    """The line named by its number."""
    rows = NotificationLine.objects.select_related("list__company", "user", "target")
    number = number_of(options.line.strip())
    found = None
    if number is not None:
        found = rows.filter(list__company__in=companies_of(options, actor), pk=number).first()
    if found is None:
        raise NotFound(f"There is no line {options.line}. “notifications show” prints the lines of a list.")
    require(actor, "view", found.list.company)
    return found


def message_of(options: Namespace, actor: Actor) -> Message:
    """The message named by its number."""
    rows = Message.objects.select_related("company", "user", "target")
    number = number_of(options.message.strip())
    found = None
    if number is not None:
        found = rows.filter(company__in=companies_of(options, actor), pk=number).first()
    if found is None:
        raise NotFound(
            f"There is no message {options.message}. “notifications messages” shows what there is."
        )
    require(actor, "view", found.company)
    return found
