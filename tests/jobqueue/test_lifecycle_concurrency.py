"""Several people at once: the guard lets one through, and nobody is left with a second task."""

import pytest

from jobqueue import lifecycle
from jobqueue.models import Entry, EntryChange, ScheduledTask
from jobqueue.states import Status
from tests.at_once import at_once
from tests.builders import NOW, actor_of, make_entry, make_superuser

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 4


def test_setting_ready_at_once_makes_one_task():
    entry, actor = make_entry(), actor_of(make_superuser())
    answers = at_once(*[lambda: lifecycle.set_ready(entry, actor=actor, now=NOW)] * PEOPLE)
    assert answers == [""] * PEOPLE
    assert ScheduledTask.objects.count() == 1
    assert EntryChange.objects.filter(action="set-ready").count() == 1


def test_run_now_at_once_makes_one_extra_run():
    entry, actor = make_entry(), actor_of(make_superuser())
    answers = at_once(*[lambda: lifecycle.run_now(entry, actor=actor, now=NOW)] * PEOPLE)
    assert answers == [""] * PEOPLE
    assert ScheduledTask.objects.count() == 1
    assert EntryChange.objects.filter(action="run-now").count() == 1


def test_restarting_at_once_leaves_the_task_the_entry_names():
    entry, actor = make_entry(status=Status.ERROR), actor_of(make_superuser())
    answers = at_once(*[lambda: lifecycle.restart(entry, actor=actor, now=NOW)] * PEOPLE)
    assert set(answers) <= {"", "changed_meanwhile"}
    assert ScheduledTask.objects.get().pk == Entry.objects.get().system_task_id


def test_holding_and_releasing_at_once_ends_in_one_of_both():
    entry, actor = make_entry(), actor_of(make_superuser())
    turns = iter([lifecycle.set_ready, lifecycle.set_on_hold] * PEOPLE)
    answers = at_once(*[lambda: next(turns)(entry, actor=actor, now=NOW)] * PEOPLE)
    assert set(answers) <= {"", "changed_meanwhile"}
    after = Entry.objects.get()
    assert ScheduledTask.objects.count() == (1 if after.status == Status.READY else 0)
    assert after.status in (Status.READY, Status.ON_HOLD)


def test_deleting_at_once_deletes_once():
    entry, actor = make_entry(), actor_of(make_superuser())
    answers = at_once(*[lambda: lifecycle.delete_entry(entry, actor=actor, now=NOW)] * PEOPLE)
    assert answers.count("") == 1
    assert set(answers) <= {"", "not_found", "changed_meanwhile"}
    assert EntryChange.objects.count() == 1
