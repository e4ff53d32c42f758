"""Rows for the contender Jobwarden: entries made the way people make them, and copies of their rows."""

import os
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

BATCH = 500


def set_up() -> None:
    """Django with the product's settings and the benchmark's job object."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("EXTRA_APPS", "bench.apps.BenchConfig")
    import django

    django.setup()


def nothing() -> int:
    """Number of the job object that does nothing."""
    from bench.jobs import NOTHING

    return NOTHING


def actor() -> Any:
    """Who makes the entries, and runs them."""
    from django.contrib.auth import get_user_model

    from jobqueue.actors import Actor
    from jobqueue.states import Origin

    user, _ = get_user_model().objects.get_or_create(
        username="bench", defaults={"is_superuser": True, "is_staff": True}
    )
    return Actor(user=user, origin=Origin.PROGRAM)


def make_ready(*, due_at: datetime | None, **values: Any) -> Any:
    """One entry, one-off unless ``values`` say otherwise, made and released the way people do it."""
    from jobqueue import companies, lifecycle

    values = {"object_id": nothing(), "description": "Do nothing", **values}
    if due_at is not None:
        values["earliest_start_at"] = due_at
    entry = lifecycle.create_entry(companies.default(), values, actor=actor())
    return lifecycle.set_ready(entry, actor=actor())


def fill(due: Sequence[datetime | None]) -> None:
    """One ready one-off entry per moment (None: at once), in one transaction: one is made through the verbs, the others
    are copies of its rows, which are the same rows in less time."""
    from django.db import transaction

    from jobqueue.models import Entry, ScheduledTask

    with transaction.atomic():
        entry = make_ready(due_at=due[0])
        task = ScheduledTask.objects.get(pk=entry.system_task_id)
        for first in range(1, len(due), BATCH):
            entries, tasks = [], []
            for moment in due[first : first + BATCH]:
                copy, copied_task = _copy(entry, entry_no=None, id=uuid.uuid4()), _copy(task, id=uuid.uuid4())
                copy.system_task_id, copied_task.record = copied_task.id, copy.id
                if moment is not None:
                    copy.due_at = copy.earliest_start_at = moment
                    copied_task.not_before = copied_task.rank = moment
                entries.append(copy)
                tasks.append(copied_task)
            Entry.objects.bulk_create(entries)
            ScheduledTask.objects.bulk_create(tasks)


def empty_tables() -> None:
    """Migrates, and deletes what an earlier measurement left."""
    from django.core.management import call_command
    from django.db import connection

    from jobqueue.models import Entry, EntryChange, LogEntry, LogLine, ScheduledTask

    call_command("migrate", verbosity=0)
    models: list[Any] = [ScheduledTask, LogLine, LogEntry, EntryChange, Entry]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in models)} CASCADE")
        else:
            for model in models:
                model._default_manager.all().delete()


def analyze() -> None:
    """Tells the server's planner what is there: a table filled a moment ago looks empty to it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def forget_people() -> None:
    """Deletes the companies, users and categories an earlier large site left."""
    from django.contrib.auth import get_user_model

    from jobqueue.models import Category, Company

    Category.objects.all().delete()
    Company.objects.filter(is_default=False).delete()
    get_user_model().objects.filter(username__regex=r"^bench[0-9]+$").delete()


def _copy(row: Any, **changed: Any) -> Any:
    copy = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    for name, value in changed.items():
        setattr(copy, name, value)
    return copy
