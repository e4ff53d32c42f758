from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from config import health
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.installation import Installation
from jobqueue.scheduler.models import Cluster, ScheduledTask


def make_cluster(*, lease_seconds: int = 30, **fields) -> Cluster:
    now = database_now()
    values = {"host": "h", "machine": "m", "pid": 1, "process_start": 1, "workers": 2, "heartbeat_at": now}
    return Cluster.objects.create(
        **{**values, "lease_until": now + timedelta(seconds=lease_seconds), **fields}
    )


def make_task(*, waited_seconds: int, **fields) -> ScheduledTask:
    due = database_now() - timedelta(seconds=waited_seconds)
    return ScheduledTask.objects.create(
        main_routine="r", not_before=due, rank=due, timeout_seconds=1, **fields
    )


def checks(client) -> tuple[int, dict[str, str], dict[str, str]]:
    answer = client.get("/readyz")
    found = answer.json()["checks"]
    return (
        answer.status_code,
        {name: check["status"] for name, check in found.items()},
        {name: check["reason"] for name, check in found.items()},
    )


def test_the_process_answers_without_touching_the_database(client):
    answer = client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_an_installation_with_a_live_worker_and_no_backlog_is_ready(client):
    make_cluster()
    make_task(waited_seconds=-60)
    status, words, _ = checks(client)
    assert status == 200
    assert words == dict.fromkeys(("database", "migrations", "installation", "workers", "tasks"), "ok")


@pytest.mark.django_db
def test_on_a_copied_database_it_is_not_ready_and_names_no_site(client):
    make_cluster()
    Installation.objects.update_or_create(pk=1, defaults={"site_id": "acme-production"})
    status, words, reasons = checks(client)
    assert (status, words["installation"], words["workers"]) == (503, "fail", "ok")
    assert "until an administrator adopts it" in reasons["installation"]
    assert "acme" not in reasons["installation"]


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [None, {"lease_seconds": -1}, {"state": "ended"}, {"state": "draining"}])
def test_without_a_live_worker_it_is_not_ready_and_says_what_to_start(client, fields):
    if fields is not None:
        make_cluster(**fields)
    status, words, reasons = checks(client)
    assert (status, words["workers"], words["database"]) == (503, "fail", "ok")
    assert "manage.py jobworker" in reasons["workers"]


@pytest.mark.django_db
def test_an_old_backlog_is_named_with_its_age(client, settings):
    settings.READY_TASK_AGE_SECONDS = 60
    make_cluster()
    make_task(waited_seconds=90)
    status, words, reasons = checks(client)
    assert (status, words["tasks"]) == (503, "fail")
    assert "waited 9" in reasons["tasks"]


@pytest.mark.django_db
def test_tasks_that_may_not_start_yet_are_no_backlog(client, settings):
    settings.READY_TASK_AGE_SECONDS = 60
    make_cluster()
    make_task(waited_seconds=90, is_ready=False)
    make_task(waited_seconds=90, state=ScheduledTask.State.RUNNING)
    assert checks(client)[0] == 200


@pytest.mark.django_db
def test_missing_migrations_are_counted_and_stop_later_checks(client, monkeypatch):
    monkeypatch.setattr(health, "_migrations_are_applied", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    status, words, reasons = checks(client)
    assert (status, words["migrations"]) == (503, "fail")
    assert reasons["migrations"].startswith("1 migrations are not applied")
    assert reasons["workers"] == "Not checked, because of 'migrations'."


def test_a_silent_database_fails_without_telling_strangers_about_it(client, monkeypatch):
    def refuse() -> None:
        raise OperationalError('connection to server at "db.internal", user "jobs" failed')

    monkeypatch.setitem(health.CHECKS, "database", refuse)
    status, words, reasons = checks(client)
    assert status == 503
    assert set(words.values()) == {"fail"}
    assert "db.internal" not in str(reasons)


@pytest.mark.parametrize("address", ["/livez", "/readyz"])
def test_probes_only_read(client, address):
    assert client.post(address).status_code == 405
