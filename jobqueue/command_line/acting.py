"""Who acts on the command line, and which rows are meant."""

from argparse import Namespace
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import NotFound, Refused
from jobqueue.models import Company, Entry, EntryChange, LogEntry
from jobqueue.permissions import require
from jobqueue.states import ObjectType, Origin

MAX_NUMBER = 2**63 - 1


def actor_of(options: Namespace) -> Actor:
    """The user named by ``--as``, else the only active superuser."""
    users = get_user_model()._default_manager
    if options.acting_user:
        user = users.filter(**{get_user_model().USERNAME_FIELD: options.acting_user}).first()
        if user is None:
            raise NotFound(f"There is no user “{options.acting_user}”. Check the name given with --as.")
        return Actor(user=user, origin=Origin.COMMAND)
    superusers = list(users.filter(is_superuser=True, is_active=True)[:2])
    if len(superusers) != 1:
        count = "no" if not superusers else "more than one"
        raise Refused(
            f"There is {count} active superuser. Name the acting user with --as USER.", code="who_acts"
        )
    return Actor(user=superusers[0], origin=Origin.COMMAND)


def company_of(options: Namespace, actor: Actor) -> Company:
    """The company named by ``--company``, else the one the user starts in."""
    if options.company:
        return companies.get(options.company, actor.user)
    return companies.start_company(actor.user)


def companies_of(options: Namespace, actor: Actor) -> list[Company]:
    """Where a row may be that is named without its company: in ``--company``, else wherever the user may work."""
    return [company_of(options, actor)] if options.company else list(companies.visible_to(actor.user))


def entry_of(options: Namespace, actor: Actor) -> Entry:
    """The entry named by its Entry No. or UUID, in the given company or any the user may work in."""
    key = options.entry.strip()
    found = None
    lookup = lookup_of(key, number="entry_no", uuid="id")
    if lookup is not None:
        rows = Entry.objects.select_related("company", "user")
        found = rows.filter(company__in=companies_of(options, actor), **lookup).first()
    if found is None:
        raise NotFound(f"There is no job queue entry {key}. “jobqueue list” shows what there is.")
    require(actor, "view", found.company)
    return found


def entry_id_of(options: Namespace, actor: Actor) -> UUID:
    """The UUID of the entry meant; a UUID also finds an entry that is gone and left its log and history."""
    try:
        return entry_of(options, actor).id
    except NotFound:
        company = _company_of_traces(options, actor)
        if company is None:
            raise
        require(actor, "view", company)
        return UUID(options.entry.strip())


def _company_of_traces(options: Namespace, actor: Actor) -> Company | None:
    """The company in which the named UUID left rows in the log or the history, if the user may work there."""
    entry_id = (lookup_of(options.entry.strip(), number="entry_no", uuid="id") or {}).get("id")
    visible = companies_of(options, actor)
    for traces in (LogEntry.objects, EntryChange.objects) if entry_id else ():
        found = traces.filter(entry_id=entry_id, company__in=visible).select_related("company").first()
        if found is not None:
            return found.company
    return None


def log_entry_of(options: Namespace, actor: Actor) -> LogEntry:
    """The log entry named by its number or UUID."""
    key = options.log_entry.strip()
    lookup = lookup_of(key, number="entry_no", uuid="id")
    rows = LogEntry.objects.select_related("company", "user").filter(
        company__in=companies.visible_to(actor.user)
    )
    found = rows.filter(**lookup).first() if lookup is not None else None
    if found is None:
        raise NotFound(f"There is no log entry {key}. “jobqueue log” shows what there is.")
    require(actor, "view", found.company)
    return found


def assignments(options: Namespace) -> dict[str, Any]:
    """The values given with ``--object`` and ``--set field=value``."""
    values: dict[str, Any] = {}
    if getattr(options, "object", None):
        values |= object_values(options.object)
    for text in options.assignments or []:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise Refused(
                f"“{text}” is not field=value. Write for example --set description=Import.", code="usage"
            )
        values[name.strip()] = value
    return values


def object_values(text: str) -> dict[str, Any]:
    """“Codeunit 50100” or “report:50200” as the two fields; a bare number is a codeunit."""
    *kind, number = text.replace(":", " ").split() or [""]
    kinds = {member.label.lower(): int(member) for member in ObjectType}
    name = " ".join(kind).lower() or "codeunit"
    if name not in kinds or not number.isdecimal() or len(number) > 10:
        raise Refused(
            f"“{text}” names no job object. Write for example --object “Codeunit 50100”.", code="usage"
        )
    return {"object_type": kinds[name], "object_id": int(number)}


def lookup_of(key: str, *, number: str, uuid: str) -> dict[str, Any] | None:
    """How to look up a row named by its number or UUID, by the names of these fields; None for neither."""
    if key.isascii() and key.isdecimal():
        found = number_of(key)
        return None if found is None else {number: found}
    try:
        return {uuid: UUID(key)}
    except ValueError:
        return None


def number_of(key: str) -> int | None:
    """The number of a row as it is written; None for anything the database could not hold."""
    if not (key.isascii() and key.isdecimal()) or len(key) > 19 or int(key) > MAX_NUMBER:
        return None
    return int(key)
