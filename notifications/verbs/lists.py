"""Making, changing, copying and deleting lists, and choosing the company's default one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.models import Company
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.validation import switch_of
from notifications import scenarios
from notifications.errors import ListInUse, PrivateList
from notifications.models import DefaultList, EntryLink, NotificationLine, NotificationList
from notifications.verbs.guards import changeable, touch
from notifications.verbs.links import forget_links

FIELDS = ("name", "description", "is_enabled")


def create_list(
    company: Company,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    owner: tuple[str, str] = ("", ""),
    as_owner: bool = False,
    now: datetime | None = None,
) -> NotificationList:
    """Stores a new list; ``values``: ``name``, ``description``, ``is_enabled``.

    With ``owner`` (kind, reference) it is private; an owner has at most one. Raises ``NotAllowed`` or ``Invalid``.
    """
    now = now or database_now()
    if not as_owner:
        require(actor, "schedule" if owner[0] else "administer", company)
    found = NotificationList(company=company, owner_kind=owner[0], owner_reference=owner[1], changed_at=now)
    _apply(found, values)
    with transaction.atomic():
        _save(found)
    return found


def change_list(
    found: NotificationList,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    as_owner: bool = False,
    now: datetime | None = None,
) -> NotificationList:
    """Changes name, description or whether the list is enabled. Raises ``NotAllowed``, ``NotFound``, ``Invalid``."""
    with transaction.atomic():
        row = changeable(found, actor=actor, change="change-list", as_owner=as_owner)
        _apply(row, values)
        row.changed_at, row.remark = now or database_now(), ""
        _save(row)
    return row


def delete_list(found: NotificationList, *, actor: Actor, as_owner: bool = False) -> None:
    """Deletes the list with its lines and links.

    Refused for the company's default list, for a private list unless its owner goes, and while somebody (a package, a
    monitored job) refers to it.
    """
    with transaction.atomic():
        row = changeable(found, actor=actor, change="delete-list", as_owner=as_owner)
        if row.is_private and not as_owner:
            raise PrivateList(
                f"The list “{row}” belongs to its {row.owner_kind} and is deleted together with it. "
                "Remove its lines instead."
            )
        if DefaultList.objects.filter(list=row).exists():
            raise ListInUse(
                f"“{row}” is the default list for failures of “{row.company}”. Choose another default list first."
            )
        entries = list(EntryLink.objects.filter(list=row).values_list("entry_id", flat=True))
        try:
            row.delete()
        except ProtectedError as error:
            users = ", ".join(
                sorted({f"{one._meta.verbose_name} “{one}”" for one in error.protected_objects})[:5]
            )
            raise ListInUse(f"“{found}” is still used by {users}. Take it off there first.") from error
        forget_links(entries, actor=actor)


def copy_lines(
    source: NotificationList, to: NotificationList, *, actor: Actor, as_owner: bool = False
) -> int:
    """Copies the lines ``to`` does not have yet; returns how many. Raises ``NotAllowed``, ``NotFound``."""
    with transaction.atomic():
        row = changeable(to, actor=actor, change="copy-lines", as_owner=as_owner)
        known = {_key(line) for line in row.lines.all()}
        new = [line for line in source.lines.order_by("pk") if _key(line) not in known]
        NotificationLine.objects.bulk_create(
            NotificationLine(
                list=row,
                user_id=line.user_id,
                address=line.address,
                target_id=line.target_id,
                scenario=line.scenario,
                threshold_minutes=line.threshold_minutes,
                repeat_minutes=line.repeat_minutes,
            )
            for line in new
        )
        touch(row, now=database_now())
    return len(new)


def set_default_list(company: Company, found: NotificationList | None, *, actor: Actor) -> None:
    """Chooses the list that hears of the company's failures where nobody else is listed; None: there is none.

    Raises ``NotAllowed``, or ``Invalid`` for a private list, one of another company, and one without failure lines.
    """
    require(actor, "administer", company)
    if found is None:
        DefaultList.objects.filter(company=company).delete()
        return
    if found.company_id != company.pk:
        raise NotAllowed(f"The list “{found}” belongs to another company. Choose one of “{company}”.")
    problem = ""
    if found.is_private:
        problem = f"“{found}” is the private list of a {found.owner_kind}. Choose a shared list."
    elif not any((known := scenarios.find(line.scenario)) and known.is_failure for line in found.lines.all()):
        problem = f"“{found}” names nobody for failures. Add a line with an error scenario first."
    if problem:
        raise Invalid([Problem("list", "not_a_default_list", problem)])
    DefaultList.objects.update_or_create(company=company, defaults={"list": found})


def _apply(found: NotificationList, values: Mapping[str, Any]) -> None:
    unknown = sorted(set(values) - set(FIELDS))
    problems = [
        Problem(
            name, "unknown_field", f"A notification list has no field “{name}”. Fields: {', '.join(FIELDS)}."
        )
        for name in unknown
    ]
    if "name" in values:
        found.name = str(values["name"] or "").strip()
    if "description" in values:
        found.description = str(values["description"] or "").strip()
    if "is_enabled" in values:
        found.is_enabled = _switch(values["is_enabled"], problems)
    if not found.name:
        problems.append(Problem("name", "required", "Give the notification list a name."))
    for name, most in (("name", 100), ("description", 250)):
        text = getattr(found, name)
        if len(text) > most:
            words = f"The {name} has {len(text)} characters; at most {most} are possible. Shorten it."
            problems.append(Problem(name, "too_long", words))
        if not text.isprintable():
            words = f"The {name} holds line breaks or control characters. Remove them."
            problems.append(Problem(name, "invalid", words))
    if problems:
        raise Invalid(problems)


def _switch(value: Any, problems: list[Problem]) -> bool:
    found = switch_of(value)
    if found is None:
        problems.append(Problem("is_enabled", "invalid", f"“{value}” is neither on nor off."))
    return bool(found)


def _save(found: NotificationList) -> None:
    others = NotificationList.objects.filter(company=found.company, owner_kind="").exclude(pk=found.pk)
    if not found.is_private and others.filter(name__iexact=found.name).exists():
        raise Invalid([_taken(found)])
    try:
        with transaction.atomic():
            found.save()
    except IntegrityError as error:
        raise Invalid([_taken(found)]) from error


def _taken(found: NotificationList) -> Problem:
    if found.is_private:
        return Problem("owner", "exists", f"This {found.owner_kind} has a private notification list already.")
    return Problem(
        "name",
        "exists",
        f"“{found.company}” has a notification list “{found.name}” already. Choose another name.",
    )


def _key(line: NotificationLine) -> tuple[Any, ...]:
    return line.user_id, line.address.lower(), line.target_id, line.scenario
