"""Renaming and deleting categories (*Job queue reference, Job Queue Category*)."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from jobqueue import scheduler
from jobqueue.actors import Actor
from jobqueue.categories import request_wake
from jobqueue.errors import Invalid, Problem
from jobqueue.events import ask, before_delete_category
from jobqueue.models import Category, Entry, LogEntry
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus

MAX_CODE = 10


def entries_using(category: Category) -> int:
    """How many entries name the category: say so before it is deleted."""
    return Entry.objects.filter(company_id=category.company_id, category_code=category.code).count()


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


def _require_free_code(category: Category, code: str) -> None:
    if not code or len(code) > MAX_CODE:
        raise Invalid(
            [Problem("code", "invalid", f"A category code has 1 to {MAX_CODE} characters. Shorten it.")]
        )
    if Category.objects.filter(company_id=category.company_id, code=code).exclude(pk=category.pk).exists():
        raise Invalid(
            [Problem("code", "taken", f"There is a category “{code}” already. Choose another code.")]
        )
