"""Limits and turns with several real clusters on one database, by what the ledger says afterwards."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from jobqueue import lifecycle
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus, Status
from tests.builders import actor_of, default_company, make_category, make_company, make_superuser
from tests.jobobjects import jobs
from tests.jobqueue.scheduler.real_worker import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def ready(*, user, company=None, seconds="0.1", due_in=0.0, **values) -> Entry:
    """A released entry that sleeps for some seconds."""
    now = database_now()
    return lifecycle.create_ready(
        company or default_company(),
        {
            "object_id": jobs.SLEEP,
            "parameters": {"seconds": seconds},
            "earliest_start_at": now + timedelta(seconds=due_in),
            **values,
        },
        actor=actor_of(user),
        now=now - timedelta(seconds=1),
    )


def runs(entries: list[Entry]) -> list[LogEntry]:
    """Their rows, once all have succeeded."""
    rows = LogEntry.objects.filter(entry_id__in=[entry.id for entry in entries]).select_related(
        "user", "company"
    )
    wait_for(lambda: rows.filter(status=LogStatus.SUCCESS).count() == len(entries), seconds=60)
    return list(rows)


def most_together(rows: list[LogEntry]) -> int:
    """The most of these runs that were in process at the same moment, by start and end in the ledger."""
    return max(sum(row.started_at <= moment < row.ended_at for row in rows) for moment in starts(rows))


def starts(rows: list[LogEntry]) -> list[datetime]:
    return sorted(row.started_at for row in rows)


def test_limits_of_site_users_and_categories_hold_over_three_clusters(start_worker):
    limits = {"site_limit": 4, "user_limit": 2, "lease_seconds": 30}
    for _ in range(3):
        start_worker(workers=2, **limits)
    make_category("PAIR", slots=2)
    make_category("SINGLE")
    users = [make_superuser(name) for name in ("ann", "ben", "cem")]
    with transaction.atomic():
        entries = [
            ready(user=user, category_code=("PAIR", "SINGLE", "")[number % 3], due_in=1.5)
            for number in range(12)
            for user in users
        ]
    rows = runs(entries)
    assert {row.attempt for row in rows} == {0}
    assert most_together(rows) <= 4
    for user in users:
        assert most_together([row for row in rows if row.user_id == user.pk]) <= 2
    for code, slots in (("PAIR", 2), ("SINGLE", 1)):
        assert most_together([row for row in rows if row.category_code == code]) <= slots
    assert len({row.worker_id for row in rows}) >= 3, "no cluster did all of it"


def test_who_waits_for_a_category_keeps_no_worker(start_worker):
    """Twenty entries wait behind one that runs long; both workers are there for everybody else."""
    start_worker(workers=2)
    make_category("SINGLE")
    user = make_superuser()
    long = ready(user=user, category_code="SINGLE", seconds="60")
    wait_for(lambda: LogEntry.objects.filter(entry_id=long.id, status=LogStatus.IN_PROCESS).exists())
    waiting = [ready(user=user, category_code="SINGLE", seconds="0") for _ in range(20)]
    wait_for(lambda: Entry.objects.filter(status=Status.WAITING).count() == 20)
    wait_for(lambda: not ScheduledTask.objects.filter(state=1).exists())
    others = [ready(user=user, seconds="0.1") for _ in range(5)]
    done = runs(others)
    in_front = LogEntry.objects.get(entry_id=long.id)
    assert in_front.status == LogStatus.IN_PROCESS, "they were done beside it"
    assert max(row.started_at - row.due_at for row in done) < timedelta(seconds=3)
    lifecycle.cancel_run(Entry.objects.get(pk=long.pk), actor=actor_of(user), reason="Long enough")
    assert most_together(runs(waiting)) == 1


def test_a_backlog_of_one_company_does_not_keep_another_waiting(start_worker):
    for _ in range(2):
        start_worker(workers=1)
    big, small, user = make_company("big"), make_company("small"), make_superuser()
    with transaction.atomic():
        backlog = [ready(user=user, company=big, seconds="0.05", due_in=1) for _ in range(80)]
    wait_for(lambda: LogEntry.objects.filter(company=big, status=LogStatus.SUCCESS).count() >= 4)
    mine = runs([ready(user=user, company=small, seconds="0.05") for _ in range(3)])
    rows = runs(backlog)
    for one in mine:
        before = Counter(one.due_at < row.started_at < one.started_at for row in rows)[True]
        assert before <= 40, "the small company's had their turns"
    assert most_together(rows) == 2
