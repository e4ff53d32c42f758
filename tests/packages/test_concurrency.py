"""Several people, schedulers and workers at once (*Packages reference, Concurrency*)."""

import threading
from collections.abc import Callable, Sequence

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.signals import post_save

from jobqueue.models import LogEntry, ScheduledTask
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import LogStatus
from notifications import verbs
from notifications.models import NotificationLine
from packages import lifecycle
from packages.engine import due
from packages.engine.planning import START_ROUTINE
from packages.engine.reconciling import look_round
from packages.lists import private_list
from packages.models import Package, Run, StatusChange
from packages.states import Outcome, PackageStatus, Result
from tests.at_once import at_once
from tests.builders import actor_of, make_user
from tests.jobqueue.driving import connected
from tests.packages.building import (
    FRIDAY_NOON,
    MINUTE,
    TONIGHT,
    active,
    boss_of,
    last_run,
    nightly,
    reloaded,
    run,
    runs_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 4


def worker(until: Sequence[bool]) -> Callable[[], None]:
    """Executes due tasks, as a worker does, until there is nothing left and ``until`` has an item."""

    def work() -> None:
        while True:
            finished = bool(until)
            try:
                executed = run_due_tasks(now=TONIGHT)
            except OperationalError:
                continue  # SQLite: the writer was busy; a worker tries again, too
            if finished and not executed:
                return

    return work


def test_setting_active_at_once_makes_one_next_run():
    package = nightly()
    actor = boss_of(package)
    answers = at_once(*[lambda: lifecycle.set_active(package, actor=actor, now=FRIDAY_NOON)] * PEOPLE)
    assert answers == ["", *["already_active"] * (PEOPLE - 1)]
    assert ScheduledTask.objects.get(main_routine=START_ROUTINE).pk == reloaded(package).task_id
    assert StatusChange.objects.count() == 1


def test_running_now_at_once_makes_one_run():
    package = nightly()
    actor = boss_of(package)
    answers = at_once(*[lambda: lifecycle.run_now(package, actor=actor, now=TONIGHT)] * PEOPLE)
    assert answers == ["", *["already_running"] * (PEOPLE - 1)]
    assert Run.objects.count() == 1
    assert ScheduledTask.objects.filter(main_routine="jobqueue.dispatch").count() == 1


def test_two_schedulers_make_one_run_of_a_due_time():
    package = active(nightly())
    task = package.task_id
    answers = at_once(*[lambda: due.start_due(task, now=TONIGHT)] * PEOPLE)
    assert answers == [""] * PEOPLE
    run()
    assert runs_of(package) == [("scheduled", Outcome.SUCCESS)]


def test_run_now_against_a_scheduled_start_makes_one_run_and_logs_the_loser():
    package = active(nightly())
    actor, task = boss_of(package), package.task_id
    answers = at_once(
        lambda: due.start_due(task, now=TONIGHT),
        lambda: lifecycle.run_now(package, actor=actor, now=TONIGHT),
    )
    assert Run.objects.filter(is_open=True).count() == 1
    by_hand = answers == ["", ""]
    run(TONIGHT + MINUTE)
    if by_hand:
        assert runs_of(package) == [("manual", Outcome.SUCCESS), ("scheduled", Outcome.SKIPPED)]
    else:
        assert answers == ["", "already_running"]
        assert runs_of(package) == [("scheduled", Outcome.SUCCESS)]


@pytest.mark.parametrize("attempt", range(4))
def test_set_on_hold_against_the_start_of_the_next_line(attempt):
    package = nightly()
    actor = boss_of(package)
    lifecycle.run_now(package, actor=actor, now=TONIGHT)
    finished: list[bool] = []

    def hold() -> None:
        while LogEntry.objects.count() < attempt:
            pass
        try:
            lifecycle.set_on_hold(package, actor=actor, now=TONIGHT)
        finally:
            finished.append(True)

    answers = at_once(worker(finished), worker(finished), hold)
    # The run may have ended before the hold came; then there was nothing to hold.
    assert set(answers) <= {"", "already_on_hold"}
    found = last_run(package)
    assert not found.is_open
    results = [line.result for line in found.lines.all()]
    ran = results.count(Result.SUCCESS)
    assert results == [Result.SUCCESS] * ran + [Result.NOT_RUN] * (4 - ran)
    assert LogEntry.objects.filter(status=LogStatus.SUCCESS).count() == ran
    assert not LogEntry.objects.filter(status=LogStatus.IN_PROCESS).exists()
    assert not ScheduledTask.objects.filter(main_routine="jobqueue.dispatch").exists()


def test_a_change_against_set_active_is_made_before_or_not_at_all():
    package = nightly()
    actor, revision = boss_of(package), package.revision
    answers = at_once(
        lambda: lifecycle.set_active(package, actor=actor, now=FRIDAY_NOON),
        lambda: lifecycle.change_package(
            package, {"on_error": "continue"}, actor=actor, expected_revision=revision
        ),
        lambda: lifecycle.remove_line(package.lines.last(), actor=actor),
    )
    assert set(answers) <= {"", "package_locked", "changed_meanwhile"}
    package = reloaded(package)
    assert package.status == PackageStatus.ACTIVE
    assert package.lines.count() == (4 if "package_locked" in answers else package.lines.count())


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_package_cannot_be_set_active_before_a_change_of_its_list_is_stored():
    package = nightly()
    actor, own = boss_of(package), private_list(package)
    busy: list[OperationalError] = []

    def look(**_) -> None:
        thread = threading.Thread(target=lock_package)
        thread.start()
        thread.join()

    def lock_package() -> None:
        try:
            with transaction.atomic():
                Package.objects.select_for_update(nowait=True, no_key=True).get(pk=package.pk)
        except OperationalError as error:
            busy.append(error)
        finally:
            connection.close()

    with connected(post_save, look):
        verbs.add_line(own, {"address": "zoe@example.com", "scenario": "package_error"}, actor=actor)
    assert NotificationLine.objects.filter(list=own).count() == 1
    assert busy


def test_groups_that_end_at_once_start_the_next_line_once():
    package = nightly(
        lines=[("A", 10), ("B", 10), ("C", 10), ("D", 10), ("Last", 20)], run_equal_orders_together=True
    )
    lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
    finished = [True]
    answers = at_once(*[worker(finished)] * 3, lambda: look_round(now=TONIGHT))
    assert answers == [""] * 4
    run()
    found = last_run(package)
    assert (found.outcome, LogEntry.objects.count()) == (Outcome.SUCCESS, 5)


def test_creating_the_same_name_at_once_makes_one_package():
    company = nightly().company
    users = [make_user(groups=["Scheduler"]) for _ in range(PEOPLE)]

    def creating(user):
        return lambda: lifecycle.create_package(company, {"name": "Month end"}, actor=actor_of(user))

    answers = at_once(*[creating(user) for user in users])
    assert answers == ["", *["invalid"] * (PEOPLE - 1)]
