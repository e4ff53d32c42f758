"""A simulation changes nothing: every row of every table is as before, through every door, whatever extensions do."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import caches
from django.core.management import call_command
from rest_framework.test import APIClient

from jobqueue import api_tokens, lifecycle
from jobqueue.models import Category, Entry
from jobqueue.scheduler import database_now
from jobqueue.states import Status
from refresher import events, registration
from refresher.asking import setup_of
from refresher.models import MonitoredJob
from refresher.passing import simulate_pass
from refresher.states import Action
from tests.admin.conftest import address
from tests.builders import NOW, actor_of, default_company, make_category, make_superuser
from tests.jobqueue.driving import connected
from tests.refresher.situations import external_mode, login_mode, lose_task, make_runner, ready_job

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BESIDE_THE_POINT = {"sessions.session", "jobqueue.apitoken"}
"""Signing in and using a token leave their own marks."""


def whole_database() -> dict[str, list[dict[str, Any]]]:
    return {
        model._meta.label_lower: sorted(model._base_manager.values(), key=str)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label_lower not in BESIDE_THE_POINT
    }


def of_all_kinds() -> None:
    """Jobs a pass would restart, correct, create, adopt, leave and fail."""
    for status in (Status.ERROR, Status.READY, Status.FINISHED):
        entry, _ = ready_job()
        lose_task(entry)
        Entry.objects.filter(pk=entry.pk).update(status=status, system_task_id=None)
    changed, _ = ready_job()
    Entry.objects.filter(pk=changed.pk).update(max_attempts=9, description="Changed")
    gone, _ = ready_job(is_protected=True)
    gone.delete()
    lost, _ = ready_job()
    lost.delete()
    held, _ = ready_job()
    lifecycle.set_on_hold(held, actor=actor_of(make_superuser()), now=NOW)
    ready_job(runner=make_runner(failed_attempts=15))


def meddling(registrar, **named):
    """An app that does in its receiver what it must not."""
    registrar.recurring(90001, key="posting", minutes=60, description="Posting")
    make_category("MEDDLED")
    MonitoredJob.objects.update(description="Meddled")


def meddling_with_the_entry(job, entry, **named):
    Entry.objects.filter(pk=entry.pk).update(description="Meddled")
    raise ZeroDivisionError("and fails")


def breaking_the_database(job, values, **named):
    Entry.objects.create()  # violates the constraints, which breaks a PostgreSQL transaction


def by_verb(client) -> None:
    simulate_pass(default_company(), actor=actor_of(client.user))


def by_page(client) -> None:
    assert client.get(address("refresher/monitoredjob/simulate/")).status_code == 200


def by_posted_page(client) -> None:
    assert client.post(address("refresher/monitoredjob/simulate/")).status_code == 200


def by_card(client) -> None:
    for key in MonitoredJob.objects.values_list("pk", flat=True):
        assert client.get(address(f"refresher/monitoredjob/{key}/change/")).status_code == 200


def by_losses(client) -> None:
    assert client.get(address("refresher/monitoredjob/recreate/")).status_code == 200


def by_distribution(client) -> None:
    # Where runners come only in a sign-in there is nothing to distribute: back to the list with a sentence.
    assert client.get(address("refresher/monitoredjob/distribute/")).status_code in (200, 302)


def by_api(client) -> None:
    api = APIClient(HTTP_AUTHORIZATION=f"Bearer {client.token}")
    answer = api.post(f"/api/v1/companies/{default_company().code}/refresh-simulate/")
    assert answer.status_code == 200, answer.content


def by_command(client) -> None:
    call_command("refresher", "simulate", "--as", client.user.username, stdout=StringIO())


DOORS = [by_verb, by_page, by_posted_page, by_card, by_losses, by_distribution, by_api, by_command]


@pytest.mark.parametrize("mode", [external_mode, login_mode])
@pytest.mark.parametrize("door", DOORS, ids=lambda one: one.__name__)
def test_looking_at_what_a_pass_would_do_changes_not_one_row(signed_in, door, mode):
    mode()
    of_all_kinds()
    client = signed_in()
    _, client.token = api_tokens.make_personal(
        actor_of(client.user), name="t", scopes=["view"], now=database_now(), expires_at=database_now() + DAY
    )
    caches["shared"].clear()
    client.get(address(""))  # what is made on the first look, whoever looks
    with (
        connected(events.register_jobs, meddling),
        connected(events.before_modify_entry, meddling_with_the_entry),
    ):
        assert registration.is_used()
        before = whole_database()
        door(client)
        after = whole_database()
    for table, rows in before.items():
        assert after[table] == rows, table
    assert not Category.objects.filter(code="MEDDLED").exists()


def test_an_extension_that_breaks_the_transaction_spoils_its_own_job_only(db):
    external_mode()
    first, _ = ready_job()
    lose_task(first)
    second, _ = ready_job()
    lose_task(second)

    def break_the_first(job, values, **named):
        if job.entry_id == first.id:
            breaking_the_database(job, values)

    with connected(events.before_restore_entry, break_the_first):
        (result,) = simulate_pass(default_company(), actor=actor_of(make_superuser()), now=NOW)
    assert [one.action for one in result.outcomes] == [Action.FAILED, Action.RESTARTED]


def test_a_simulation_needs_no_set_up_row_to_say_what_would_be_done(db):
    assert simulate_pass(default_company(), actor=actor_of(make_superuser()), now=NOW)[0].outcomes == []
    assert setup_of(default_company()).enabled
