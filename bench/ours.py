"""Contender: Jobwarden with its own ``jobworker`` command and its own settings, full life cycle.

A one-off entry made ready, claimed, started, run as its user, its ledger row written and finalised, its task and itself
removed. ``python -m bench.ours throughput <jobs>`` prints seconds; ``… latency <samples>`` prints milliseconds as JSON.
"""

import json
import os
import random
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path

from bench.worker import running, wait_until

WORKER = [sys.executable, "manage.py", "jobworker"]
BATCH = 500


def measure(jobs: int, *, log: Path) -> float:
    """Seconds from the first start to the last end in the ledger."""
    from django.db import connection
    from django.db.models import Max, Min

    from jobqueue.models import Entry, LogEntry
    from jobqueue.states import LogStatus

    _empty_tables()
    _fill(jobs)
    connection.cursor().execute("ANALYZE")
    with running(WORKER, log=log):
        wait_until(
            lambda: not Entry.objects.filter(object_id=_nothing()).exists(),
            seconds=240,
            what=f"{jobs} Jobwarden jobs",
        )
    outcome = LogEntry.objects.filter(object_id=_nothing(), status=LogStatus.SUCCESS, is_final=True)
    if outcome.count() != jobs:
        raise RuntimeError(f"{outcome.count()} of {jobs} jobs have a success in the ledger.")
    moments = outcome.aggregate(first=Min("started_at"), last=Max("ended_at"))
    return (moments["last"] - moments["first"]).total_seconds()


def latency(samples: int, *, log: Path) -> dict[str, list[float]]:
    """Milliseconds from due to start with an idle worker.

    “due time”: the entry was made ready earlier and comes due, which is how entries start. “Run Now”: from the moment
    it is asked for, so the storing of the request is part of it.
    """
    from jobqueue import lifecycle
    from jobqueue.models import LogEntry
    from jobqueue.scheduler.clock import database_now

    _empty_tables()
    with running(WORKER, log=log):
        first = _make_ready(due_at=None)
        wait_until(
            lambda: LogEntry.objects.filter(entry_id=first.id, is_final=True).exists(),
            seconds=60,
            what="first job",
        )
        time.sleep(1)
        chance, due = random.Random(1), database_now() + timedelta(seconds=5 + samples * 0.02)
        for _ in range(samples):
            due += timedelta(seconds=chance.uniform(0.08, 0.16))
            _make_ready(due_at=due)
        wait_until(
            lambda: LogEntry.objects.filter(is_final=True).count() > samples,
            seconds=120 + samples,
            every=1,
            what="the schedule",
        )
        scheduled = _waits(LogEntry.objects.exclude(entry_id=first.id))

        standing = _make_ready(due_at=database_now() + timedelta(days=1))
        for number in range(samples):
            lifecycle.run_now(standing, actor=_actor())
            wait_until(
                lambda wanted=number + 1: (
                    LogEntry.objects.filter(entry_id=standing.id, is_final=True).count() >= wanted
                ),
                seconds=30,
                every=0.02,
                what="the extra run",
            )
            time.sleep(chance.uniform(0.02, 0.08))
        at_once = _waits(LogEntry.objects.filter(entry_id=standing.id))
    return {"due time": scheduled, "Run Now": at_once}


def _waits(rows) -> list[float]:
    return [
        (started - due).total_seconds() * 1000
        for due, started in rows.order_by("entry_no").values_list("due_at", "started_at")
    ]


def _nothing() -> int:
    from bench.jobs import NOTHING

    return NOTHING


def _actor():
    from django.contrib.auth import get_user_model

    from jobqueue.actors import Actor
    from jobqueue.states import Origin

    user, _ = get_user_model().objects.get_or_create(
        username="bench", defaults={"is_superuser": True, "is_staff": True}
    )
    return Actor(user=user, origin=Origin.PROGRAM)


def _make_ready(*, due_at):
    """One one-off entry, made and released the way people do it."""
    from jobqueue import companies, lifecycle

    values = {"object_id": _nothing(), "description": "Do nothing"}
    if due_at is not None:
        values["earliest_start_at"] = due_at
    entry = lifecycle.create_entry(companies.default(), values, actor=_actor())
    return lifecycle.set_ready(entry, actor=_actor())


def _fill(jobs: int) -> None:
    """Makes one entry ready through the verbs, then stores copies of its rows: the same rows in less time."""
    from django.db import transaction

    from jobqueue.models import Entry, ScheduledTask

    with transaction.atomic():
        entry = _make_ready(due_at=None)
        task = ScheduledTask.objects.get(pk=entry.system_task_id)
        for done in range(1, jobs, BATCH):
            entries, tasks = [], []
            for _ in range(min(BATCH, jobs - done)):
                copy, copied_task = _copy(entry, entry_no=None, id=uuid.uuid4()), _copy(task, id=uuid.uuid4())
                copy.system_task_id, copied_task.record = copied_task.id, copy.id
                entries.append(copy)
                tasks.append(copied_task)
            Entry.objects.bulk_create(entries)
            ScheduledTask.objects.bulk_create(tasks)


def _copy(row, **changed):
    copy = type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})
    for name, value in changed.items():
        setattr(copy, name, value)
    return copy


def _empty_tables() -> None:
    from django.core.management import call_command
    from django.db import connection

    from jobqueue.models import Entry, EntryChange, LogEntry, LogLine, ScheduledTask

    call_command("migrate", verbosity=0)
    models = [ScheduledTask, LogLine, LogEntry, EntryChange, Entry]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in models)} CASCADE")
        else:
            for model in models:
                model._default_manager.all().delete()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("EXTRA_APPS", "bench.apps.BenchConfig")
    import django

    django.setup()
    what, count, log = sys.argv[1], int(sys.argv[2]), Path(os.environ["BENCH_LOG"])
    print(json.dumps(latency(count, log=log)) if what == "latency" else measure(count, log=log))


if __name__ == "__main__":
    main()
