"""Turns: in a backlog companies with due work take turns, in rank order within each, at a bounded cost."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobqueue.scheduler import create_task, database_now, fixed_clock
from jobqueue.scheduler.claim import claim, seconds_until_due
from jobqueue.scheduler.claim_sql import claim_statement
from jobqueue.scheduler.lease import register_cluster
from jobqueue.scheduler.models import ScheduledTask
from jobqueue.scheduler.turns import Turns, in_turn, served_after
from tests.builders import make_company, make_user

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
CODES = ("", "a", "b", "c")
"""Companies of the property test; the first stands for tasks of none."""


def limit(settings, **limits):
    settings.JOBQUEUE = {**settings.JOBQUEUE, **limits}


def at(minutes, **options):
    return create_task("test.note", not_before=NOON + timedelta(minutes=minutes), **options)


def backlog(company, count, **options):
    """Tasks of a company, due one minute after the other, all in the past."""
    return [at(-5000 + number, company=company, **options) for number in range(count)]


def claimed(count, turns):
    with fixed_clock(NOON):
        return [found.id for found in claim(count, cluster_id=None, turns=turns)]


@pytest.mark.django_db
def test_a_newly_due_task_does_not_wait_behind_another_companys_backlog():
    big, small = make_company("big"), make_company("small")
    theirs = backlog(big, 30)
    turns = Turns()
    assert claimed(4, turns) == theirs[:4]
    mine = at(-1, company=small)
    assert claimed(1, turns) == [mine]
    assert claimed(2, turns) == theirs[4:6]


@pytest.mark.django_db
@pytest.mark.parametrize("batch", [1, 2, 5, 16])
def test_backlogs_are_served_in_turns_whatever_the_size_of_a_claim(batch):
    companies = [make_company(code) for code in ("one", "two", "three")]
    for company in companies:
        backlog(company, 20)
    turns, found = Turns(), []
    while len(found) < 45:
        found += claimed(batch, turns)
    owners = dict(ScheduledTask.objects.values_list("pk", "company__code"))
    for until in range(3, 46, 3):
        assert set(Counter(owners[task] for task in found[:until]).values()) == {until // 3}


@pytest.mark.django_db
def test_priority_and_due_moment_order_the_tasks_of_one_company_only():
    loud, quiet = make_company("loud"), make_company("quiet")
    backlog(loud, 6, priority=-1)
    late, urgent = at(-3, company=quiet), at(-2, company=quiet, priority=-1)
    assert [task for task in claimed(6, Turns()) if task in (late, urgent)] == [urgent, late]
    assert ScheduledTask.objects.filter(state=1, company=quiet).count() == 2


@pytest.mark.django_db
def test_tasks_of_no_company_take_turns_as_one():
    company, _ = make_company("one"), make_company("two")
    backlog(company, 10)
    system = at(-1)
    assert system in claimed(2, Turns())


@pytest.mark.django_db
def test_no_claim_is_left_short_while_anything_is_due():
    big, small = make_company("big"), make_company("small")
    backlog(big, 30)
    backlog(small, 2)
    assert len(claimed(20, Turns())) == 20
    assert ScheduledTask.objects.filter(state=1, company=small).count() == 2


@pytest.mark.django_db
def test_who_had_nothing_due_saves_nothing_up():
    big, small = make_company("big"), make_company("small")
    backlog(big, 40)
    turns = Turns()
    claimed(20, turns)
    backlog(small, 20)
    owners = dict(ScheduledTask.objects.values_list("pk", "company__code"))
    assert Counter(owners[task] for task in claimed(11, turns)) == {"big": 5, "small": 6}


@pytest.mark.django_db
def test_limits_hold_in_turns_too(settings):
    limit(settings, SITE_LIMIT=6, USER_LIMIT=2)
    big, small = make_company("big"), make_company("small")
    busy, other = make_user(), make_user()
    backlog(big, 50, user=busy)
    backlog(small, 50, user=busy)
    others = backlog(small, 5, user=other)
    turns = Turns()
    first = claimed(20, turns)
    rows = ScheduledTask.objects.filter(pk__in=first)
    assert Counter(rows.values_list("user", flat=True)) == {busy.pk: 2, other.pk: 2}
    assert rows.filter(user=busy, company=small).count() == 1, "a user of two companies serves both"
    assert set(others[:2]) <= set(first)
    assert claimed(20, turns) == []
    for _ in range(4):
        backlog(big, 1)
    assert len(claimed(20, turns)) == 2


@pytest.mark.django_db
def test_one_company_never_asks_for_turns():
    company = make_company("only")
    type(company).objects.exclude(pk=company.pk).delete()
    backlog(company, 10)
    turns = Turns()
    assert len(claimed(2, turns)) == 2
    assert not turns.are_needed()


@pytest.mark.django_db
def test_turns_end_with_the_backlog_and_begin_with_the_next():
    companies = [make_company("one"), make_company("two")]
    backlog(companies[0], 3)
    turns = Turns()
    assert turns.are_needed()
    claimed(5, turns)
    turns.look(0.5)
    assert not turns.are_needed()
    turns.look(None)
    assert not turns.are_needed()
    backlog(companies[1], 3)
    claimed(2, turns)
    assert turns.are_needed()


@pytest.mark.django_db
def test_what_a_limit_leaves_overdue_is_a_backlog(settings):
    """A claim under a limit is never full, however much is due."""
    limit(settings, SITE_LIMIT=2)
    big, small = make_company("big"), make_company("small")
    turns = Turns()
    turns.look(None)
    theirs = backlog(big, 10)
    assert claimed(8, turns) == theirs[:2]
    assert claimed(8, turns) == []
    turns.look(-1.0)
    mine = at(-1, company=small)
    ScheduledTask.objects.filter(pk=theirs[0]).delete()
    assert claimed(8, turns) == [mine]


@pytest.mark.django_db
def test_routines_somebody_else_knows_are_left_out_of_every_claim():
    make_company("two")
    known, stranger = at(-1), at(-2)
    ScheduledTask.objects.filter(pk=stranger).update(main_routine="other.routine")
    failing = at(-3)
    ScheduledTask.objects.filter(pk=failing).update(failure_routine="other.failed", error_kind="exception")
    strangers = {"other.routine", "other.failed"}
    with fixed_clock(NOON):
        found = claim(10, cluster_id=None, turns=Turns(), strangers=strangers)
        assert [one.id for one in found] == [known]
        assert claim(10, cluster_id=None, strangers=strangers) == []
    assert seconds_until_due(strangers=strangers) is None
    assert seconds_until_due() < 0


TASKS = st.lists(
    st.tuples(st.sampled_from(CODES), st.integers(-1, 1), st.integers(0, 30)),
    min_size=1,
    max_size=24,
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=TASKS, sizes=st.lists(st.integers(1, 7), min_size=1, max_size=8), arrivals=TASKS)
def test_every_claim_is_the_fair_order_of_what_is_due(tasks, sizes, arrivals):
    """Against a plain model: of the companies with due work, whoever has had the fewest turns, then the older head."""
    ScheduledTask.objects.all().delete()
    companies = {code: make_company(code) for code in CODES if code}
    due, different = defaultdict(list), count()

    def add(code, priority, minutes):
        moment = NOON - timedelta(minutes=minutes, microseconds=next(different))
        task = create_task("test.note", company=companies.get(code), not_before=moment, priority=priority)
        due[code].append((moment + priority * FIVE_MINUTES, task))

    for task in tasks:
        add(*task)
    turns, had = Turns(), Counter()
    for number, size in enumerate(sizes):
        if number < len(arrivals):
            add(*arrivals[number])
        expected = []
        while len(expected) < size and any(due.values()):
            code = min((code for code in due if due[code]), key=lambda code: (had[code], min(due[code])))
            head = min(due[code])
            due[code].remove(head)
            expected.append(head[1])
            had[code] += 1
            for other in CODES:
                had[other] = max(had[other], had[code] - 1)
        assert claimed(size, turns) == expected


def test_the_order_of_a_claim_and_the_memory_after_it():
    rows = [(1, 10, "x"), (2, 11, "x"), (3, 12, None), (0, 13, "y"), (5, 14, "y")]
    rows = [(rank, task, None if company is None else COMPANIES[company]) for rank, task, company in rows]
    assert [row[1] for row in in_turn(rows, served=frozenset())] == [13, 10, 12, 11, 14]
    assert [row[1] for row in in_turn(rows, served=frozenset({COMPANIES["y"]}))] == [10, 12, 13, 11, 14]
    assert served_after("aab", served=frozenset("b")) == {"a", "b"}


COMPANIES = {"x": UUID(int=1), "y": UUID(int=2)}


@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="plans as PostgreSQL tells them")
@pytest.mark.parametrize("in_turns", [False, True], ids=["by rank", "in turns"])
def test_a_claim_reads_a_bounded_number_of_rows_whatever_the_backlog(in_turns):
    """Ten thousand due and ten thousand future tasks of one company: neither is stepped over."""
    companies = [make_company(code) for code in ("one", "two", "three")]
    now = database_now()
    for company, tasks, minutes in ((0, 10_000, -60), (0, 10_000, 60), (1, 50, -1), (2, 50, 60)):
        ScheduledTask.objects.bulk_create(
            ScheduledTask(
                main_routine="test.note", company=companies[company], timeout_seconds=60, not_before=moment,
                rank=moment, priority=0,
            )
            for number in range(tasks)
            for moment in [now + timedelta(minutes=minutes, milliseconds=number)]
        )  # fmt: skip
    asked = 20
    statement = claim_statement(
        postgresql=True,
        in_cluster=True,
        site_limit=False,
        user_limit=False,
        in_turns=in_turns,
        strangers=False,
    )
    turns = Turns()
    cluster_id = register_cluster(name="test", workers=2, version="1")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobqueue_scheduledtask")
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}",
            {"now": now, "count": asked, "pool": asked, "cluster_id": cluster_id, **turns.parameters()},
        )
        plan = cursor.fetchone()[0]
    plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if node.get("Relation Name") == "jobqueue_scheduledtask" and "Scan" in node["Node Type"]
    )
    looks = 3 * (len(companies) + 2 if in_turns else 1)
    assert 0 < read <= looks * asked + 3 * asked


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)
