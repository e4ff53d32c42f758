"""Adding, changing and removing the lines of a list."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotFound, Problem
from jobqueue.scheduler import database_now
from notifications.line_rules import apply, problems_of
from notifications.models import NotificationLine, NotificationList
from notifications.verbs.guards import changeable, touch


def add_line(
    to: NotificationList,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    as_owner: bool = False,
    now: datetime | None = None,
) -> NotificationLine:
    """Adds a recipient in a scenario.

    ``values``: exactly one of ``user`` (row, key or user name), ``address``, ``target`` (row, key or name);
    ``scenario`` (code), ``threshold_minutes`` where the scenario needs it, ``repeat_minutes``.

    Raises ``NotAllowed``, ``NotFound``, what refuses the change of a locked list, and ``Invalid`` with all problems.
    """
    with transaction.atomic():
        row = changeable(to, actor=actor, change="add-line", as_owner=as_owner)
        line = NotificationLine(list=row)
        _store(line, values, now=now or database_now())
    return line


def change_line(
    line: NotificationLine,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    as_owner: bool = False,
    now: datetime | None = None,
) -> NotificationLine:
    """Changes a line; what is not given stays. A new recipient replaces the old one of whatever kind."""
    with transaction.atomic():
        changeable(line.list, actor=actor, change="change-line", as_owner=as_owner)
        fresh = NotificationLine.objects.select_related("list__company").filter(pk=line.pk).first()
        if fresh is None:
            raise NotFound("The line does not exist any more; somebody removed it.")
        _store(fresh, values, now=now or database_now())
    return fresh


def remove_line(line: NotificationLine, *, actor: Actor, as_owner: bool = False) -> None:
    """Removes the line; what is on its way to its recipient is still sent."""
    with transaction.atomic():
        row = changeable(line.list, actor=actor, change="remove-line", as_owner=as_owner)
        deleted, _ = NotificationLine.objects.filter(pk=line.pk, list=row).delete()
        if deleted:
            touch(row, now=database_now())


def _store(line: NotificationLine, values: Mapping[str, Any], *, now: datetime) -> None:
    problems = apply(line, values)
    unread = {problem.field for problem in problems}
    problems += [problem for problem in problems_of(line) if problem.field not in unread]
    if problems:
        raise Invalid(problems)
    try:
        with transaction.atomic():
            line.save()
    except IntegrityError as error:
        words = f"“{line.recipient}” is on the list for this scenario already."
        raise Invalid([Problem("recipient", "duplicate", words)]) from error
    touch(line.list, now=now)
