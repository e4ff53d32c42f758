"""Creating, changing and deleting categories (*Job queue reference, Job Queue Category*)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from jobqueue import scheduler
from jobqueue.actors import Actor
from jobqueue.categories import request_wake
from jobqueue.errors import Invalid, Problem
from jobqueue.events import ask, before_delete_category
from jobqueue.models import Category, Company, Entry, LogEntry
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus

MAX_CODE = 10


def entries_using(category: Category) -> int:
    """How many entries name the category: say so before it is deleted."""
    return Entry.objects.filter(company_id=category.company_id, category_code=category.code).count()


def create_category(company: Company, values: Mapping[str, Any], *, actor: Actor) -> Category:
    """Stores a new category; ``values`` holds its code and perhaps description and slots. Raises ``Invalid``."""
    require(actor, "administer", company)
    category = Category(company=company, code=str(values.get("code", "")).strip().upper())
    with transaction.atomic():
        Company.objects.select_for_update(no_key=True).get(
            pk=company.pk
        )  # one after the other: no code twice
        _require_free_code(category, category.code)
        _apply(category, values)
        category.save(force_insert=True)
    return category


def change_category(
    category: Category, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> Category:
    """Changes description and slots, and renames the category if ``values`` holds another code. Raises ``Invalid``."""
    require(actor, "administer", category.company)
    with transaction.atomic():
        code = str(values.get("code", category.code)).strip().upper()
        if code != category.code:
            rename_category(category, code, actor=actor, now=now)
        _apply(category, values)
        category.save(update_fields=["description", "slots"])
        if "slots" in values:
            request_wake(category.company_id, category.code)  # more of them may run now
    return category


def rename_category(category: Category, code: str, *, actor: Actor, now: datetime | None = None) -> Category:
    """Gives the category another code, also in entries that use it and runs in process; the log keeps the old one."""
    now = now or database_now()
    require(actor, "administer", category.company)
    code = code.strip().upper()
    with transaction.atomic():
        Category.objects.select_for_update().get(pk=category.pk)  # first, as whoever ends a run does
        _require_free_code(category, code)
        LogEntry.objects.filter(
            company_id=category.company_id, category_code=category.code, status=LogStatus.IN_PROCESS
        ).update(category_code=code)
        Entry.objects.filter(company_id=category.company_id, category_code=category.code).update(
            category_code=code, revision=F("revision") + 1, modified_at=now
        )
        category.code = code
        category.save(update_fields=["code"])
    return category


def delete_category(category: Category, *, actor: Actor) -> int:
    """Deletes the category; returns how many entries still name it and no longer take turns.

    The next enqueueing of one of them makes the category again. An extension may refuse: a package needs the category.
    """
    require(actor, "administer", category.company)
    with transaction.atomic():
        ask(before_delete_category, category=category, actor=actor)
        if category.recovery_task_id is not None:
            scheduler.cancel_task(category.recovery_task_id)
        dangling = entries_using(category)
        request_wake(category.company_id, category.code)
        category.delete()
    return dangling


def _apply(category: Category, values: Mapping[str, Any]) -> None:
    category.description = str(values.get("description", category.description)).strip()
    category.slots = values.get("slots", category.slots)
    try:
        category.clean_fields(exclude=["company", "code"])
    except ValidationError as error:
        raise Invalid(
            [Problem(field, "invalid", " ".join(messages)) for field, messages in error.message_dict.items()]
        ) from error


def _require_free_code(category: Category, code: str) -> None:
    if not code or len(code) > MAX_CODE:
        raise Invalid(
            [Problem("code", "invalid", f"A category code has 1 to {MAX_CODE} characters. Shorten it.")]
        )
    if Category.objects.filter(company_id=category.company_id, code=code).exclude(pk=category.pk).exists():
        raise Invalid(
            [Problem("code", "taken", f"There is a category “{code}” already. Choose another code.")]
        )
