"""Several people at once: the guard lets one through, and nobody is left with a second task."""

import threading

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry, EntryChange, ScheduledTask
from jobqueue.states import Status
from tests.builders import NOW, actor_of, make_entry, make_superuser

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 4


def at_once(act) -> list[str]:
    """Runs ``act`` in several threads released together; the codes of the refusals, empty texts for successes."""
    barrier, answers = threading.Barrier(PEOPLE), []

    def one() -> None:
        try:
            barrier.wait(timeout=10)
            act()
            answers.append("")
        except JobQueueError as refusal:
            answers.append(refusal.code)
        except Exception as error:  # what the test is about: nothing else may come through
            answers.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return sorted(answers)


def test_setting_ready_at_once_makes_one_task():
    entry, actor = make_entry(), actor_of(make_superuser())
    answers = at_once(lambda: lifecycle.set_ready(entry, actor=actor, now=NOW))
    assert answers == [""] * PEOPLE
    assert ScheduledTask.objects.count() == 1
    assert EntryChange.objects.filter(action="set-ready").count() == 1


def test_run_now_at_once_makes_one_extra_run():
    entry, actor = make_entry(), actor_of(make_superuser())
    answers = at_once(lambda: lifecycle.run_now(entry, actor=actor, now=NOW))
    assert answers == [""] * PEOPLE
    assert ScheduledTask.objects.count() == 1
    assert EntryChange.objects.filter(action="run-now").count() == 1


def test_restarting_at_once_leaves_the_task_the_entry_names():
    entry, actor = make_entry(status=Status.ERROR), actor_of(make_superuser())
    answers = at_once(lambda: lifecycle.restart(entry, actor=actor, now=NOW))
    assert set(answers) <= {"", "changed_meanwhile"}
    assert ScheduledTask.objects.get().pk == Entry.objects.get().system_task_id


def test_holding_and_releasing_at_once_ends_in_one_of_both():
    entry, actor = make_entry(), actor_of(make_superuser())
    turns = iter([lifecycle.set_ready, lifecycle.set_on_hold] * PEOPLE)
    answers = at_once(lambda: next(turns)(entry, actor=actor, now=NOW))
    assert set(answers) <= {"", "changed_meanwhile"}
    after = Entry.objects.get()
    assert ScheduledTask.objects.count() == (1 if after.status == Status.READY else 0)
    assert after.status in (Status.READY, Status.ON_HOLD)


def test_deleting_at_once_deletes_once():
    entry, actor = make_entry(), actor_of(make_superuser())
    answers = at_once(lambda: lifecycle.delete_entry(entry, actor=actor, now=NOW))
    assert answers.count("") == 1
    assert set(answers) <= {"", "not_found", "changed_meanwhile"}
    assert EntryChange.objects.count() == 1
