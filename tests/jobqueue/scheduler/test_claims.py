"""Claims: order, priorities, exact limits, and never the same task twice."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from jobqueue.scheduler import create_task, fixed_clock
from jobqueue.scheduler.claim import claim
from jobqueue.scheduler.models import ScheduledTask
from tests.builders import make_user

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def limit(settings, **limits):
    settings.JOBQUEUE = {**settings.JOBQUEUE, **limits}


def at(minutes, **options):
    return create_task("test.note", not_before=NOON + timedelta(minutes=minutes), **options)


def claimed_ids(count):
    return [claimed.id for claimed in claim(count, cluster_id=None)]


@pytest.mark.django_db
def test_tasks_are_claimed_by_due_moment_moved_by_priority():
    """High counts as due five minutes earlier, low five minutes later: urgent first, nothing starves."""
    normal = at(-10)
    high_much_later = at(-4, priority=-1)
    high = at(-6, priority=-1)
    low_much_earlier = at(-17, priority=1)
    low = at(-13, priority=1)
    with fixed_clock(NOON):
        assert claimed_ids(10) == [low_much_earlier, high, normal, high_much_later, low]


@pytest.mark.django_db
def test_only_due_and_ready_tasks_are_claimed_and_each_once():
    due = at(0)
    at(1, priority=-1)
    at(-1, is_ready=False)
    with fixed_clock(NOON):
        assert claimed_ids(10) == [due]
        assert claimed_ids(10) == []
        assert claim(0, cluster_id=None) == []


@pytest.mark.django_db
def test_a_claim_takes_no_more_than_asked_whatever_the_priorities():
    tasks = [at(-minutes, priority=minutes % 3 - 1) for minutes in range(12)]
    with fixed_clock(NOON):
        first, second = claimed_ids(5), claimed_ids(20)
    assert len(first) == 5
    assert sorted(first + second) == sorted(tasks)
    assert set(ScheduledTask.objects.values_list("claim_number", "state")) == {(1, 1)}


@pytest.mark.django_db
def test_the_site_limit_counts_claimed_and_running_tasks(settings):
    limit(settings, SITE_LIMIT=3)
    tasks = [at(-minutes) for minutes in range(5)]
    with fixed_clock(NOON):
        assert len(claimed_ids(2)) == 2
        ScheduledTask.objects.filter(state=1).update(state=2)
        assert len(claimed_ids(10)) == 1
        assert claimed_ids(10) == []
        ScheduledTask.objects.filter(state=2).first().delete()
        assert claimed_ids(10) == [tasks[1]]


@pytest.mark.django_db
def test_the_user_limit_lets_others_pass_and_spares_system_tasks(settings):
    limit(settings, USER_LIMIT=2)
    busy, other = make_user(), make_user()
    busy_tasks = [at(-60 + number, user=busy) for number in range(6)]
    other_task, system_tasks = at(-1, user=other), [at(-1) for _ in range(4)]
    with fixed_clock(NOON):
        first = claimed_ids(20)
        assert set(first) == {*busy_tasks[:2], other_task, *system_tasks}
        assert claimed_ids(20) == []
        ScheduledTask.objects.filter(pk=busy_tasks[0]).delete()
        assert claimed_ids(20) == [busy_tasks[2]]


@pytest.mark.django_db
def test_a_user_with_a_long_backlog_at_the_limit_does_not_hide_the_others(settings):
    limit(settings, USER_LIMIT=1)
    busy, other = make_user(), make_user()
    for number in range(300):
        at(-600 + number, user=busy)
    other_task = at(-1, user=other)
    with fixed_clock(NOON):
        found = claimed_ids(5) + claimed_ids(5)
    assert len(found) == 2
    assert other_task in found


@pytest.mark.django_db
def test_both_limits_hold_together(settings):
    limit(settings, SITE_LIMIT=3, USER_LIMIT=2)
    users = [make_user() for _ in range(3)]
    for number in range(9):
        at(-60 + number, user=users[number % 3])
    with fixed_clock(NOON):
        claimed = claimed_ids(10)
    counts = Counter(ScheduledTask.objects.filter(pk__in=claimed).values_list("user_id", flat=True))
    assert sum(counts.values()) == 3
    assert max(counts.values()) <= 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limits", [{}, {"SITE_LIMIT": 7, "USER_LIMIT": 2}], ids=["unlimited", "limited"])
def test_many_claimants_never_share_a_task_nor_exceed_a_limit(settings, limits):
    limit(settings, **limits)
    users = [make_user() for _ in range(6)]
    for number in range(120):
        create_task("test.note", user=users[number % 6])
    found, errors = [], []
    together = threading.Barrier(4)

    def claimant():
        try:
            together.wait()
            for _ in range(15):
                found.extend(claimed.id for claimed in claim(3, cluster_id=None))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=claimant) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(found) == len(set(found))
    held = Counter(ScheduledTask.objects.filter(state=1).values_list("user_id", flat=True))
    assert sum(held.values()) == len(found) == (7 if limits else 120)
    assert max(held.values()) <= limits.get("USER_LIMIT", 120)
