"""The doctor: what it finds, and that it never needs more than is there."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from jobqueue import doctor, secrets
from jobqueue.doctor import State, check, registry
from jobqueue.models import Cluster, Credential, Installation, ScheduledTask
from jobqueue.scheduler import create_task, database_now
from jobqueue.states import LogStatus, Status
from tests import builders

pytestmark = pytest.mark.django_db


def findings(name: str) -> list[doctor.Result]:
    return [result for result in doctor.examine() if result.name == name]


def worst(name: str) -> State:
    return doctor.worst(findings(name))


def make_cluster(**fields) -> Cluster:
    now = database_now()
    values = {"host": "h", "machine": "m", "pid": 1, "process_start": 1, "workers": 2, "heartbeat_at": now}
    return Cluster.objects.create(**{**values, "lease_until": now + timedelta(seconds=30), **fields})


def run_doctor(*arguments: str) -> tuple[int, str]:
    said = StringIO()
    try:
        call_command("jobqueue", "doctor", *arguments, stdout=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def test_every_finding_that_is_not_in_order_says_what_to_do():
    for result in doctor.examine():
        assert result.sentence.endswith((".", ")")), result
        assert (result.state is State.OK) == (not result.fix), result


def test_a_fresh_database_lacks_only_workers_housekeeping_and_mail():
    wrong = {result.name for result in doctor.examine() if result.state is not State.OK}
    assert wrong == {"Workers", "Housekeeping", "Mail"}


def test_the_command_ends_with_1_on_a_failure_and_0_without():
    status, said = run_doctor()
    assert (status, "✗ Workers" in said) == (1, True)
    make_cluster()
    status, said = run_doctor("--json")
    found = json.loads(said)
    assert (status, found["state"]) == (0, "warning")
    assert {"name", "state", "sentence", "fix"} == set(found["checks"][0])


def test_nobody_needs_to_be_an_administrator_to_call_it():
    make_cluster()
    assert run_doctor()[0] == 0


def test_work_that_waits_too_long_is_found():
    make_cluster()
    task = create_task("jobqueue.watch", not_before=database_now() - timedelta(minutes=2))
    assert worst("Due work") is State.WARNING
    ScheduledTask.objects.filter(pk=task).update(not_before=database_now() - timedelta(hours=1))
    assert worst("Due work") is State.FAILURE


def test_tasks_stuck_in_a_workers_hands_are_found():
    past = database_now() - timedelta(hours=2)
    task = create_task("jobqueue.watch")
    ScheduledTask.objects.filter(pk=task).update(state=1, claimed_at=past)
    assert worst("Tasks in hand") is State.FAILURE
    ScheduledTask.objects.filter(pk=task).update(state=2, started_at=past, timeout_seconds=60)
    assert "longer than their timeout" in findings("Tasks in hand")[0].sentence


@pytest.mark.parametrize("status", [Status.IN_PROCESS, Status.READY, Status.WAITING])
def test_entries_without_a_task_are_found_after_a_while(status):
    entry = builders.make_entry(status=status)
    type(entry).objects.update(modified_at=database_now())
    assert worst("Entries left alone") is State.OK
    type(entry).objects.update(modified_at=database_now() - timedelta(hours=1))
    assert status.label in findings("Entries left alone")[0].sentence


def test_a_run_nobody_runs_is_found():
    builders.make_log_entry(builders.make_entry(status=Status.ON_HOLD), status=LogStatus.IN_PROCESS)
    assert "nobody runs them" in findings("Entries left alone")[0].sentence


def test_a_category_whose_recovery_task_is_lost_is_found():
    builders.make_category("BANK")
    builders.make_entry(status=Status.WAITING, category_code="BANK")
    assert "BANK" in findings("Categories")[0].sentence


def test_secrets_stored_with_a_key_that_is_gone_are_found(settings):
    credential = Credential.objects.create(name="bank")
    secrets.set_secret(credential, "s3cr3t", now=database_now())
    assert worst("Credentials") is State.OK
    from cryptography.fernet import Fernet

    settings.JOBQUEUE = {**settings.JOBQUEUE, "CREDENTIAL_KEYS": [Fernet.generate_key().decode()]}
    (result,) = findings("Credentials")
    assert (result.state, "bank" in result.sentence) == (State.FAILURE, True)


def test_a_mail_server_that_does_not_answer_is_found(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert worst("Mail") is State.FAILURE
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert worst("Mail") is State.WARNING


def test_an_unknown_time_zone_is_found():
    builders.make_entry(time_zone="Mars/Olympus")
    assert "Mars/Olympus" in findings("Time zones in use")[0].sentence


def test_a_copied_database_is_found():
    Installation.objects.update_or_create(pk=1, defaults={"site_id": "somebody else"})
    assert worst("Copy guard") is State.FAILURE


def test_traps_in_the_settings_are_found(settings):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "scheduler": True}
    assert any("config.E012" in result.sentence for result in findings("Settings"))


def test_a_full_disk_is_found(monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 5 * 1024 * 1024}))
    assert worst("Disk") is State.FAILURE


def test_without_a_database_the_rest_is_still_checked(monkeypatch):
    def refuse() -> None:
        from django.db import OperationalError

        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    results = doctor.examine()
    assert results[0].state is State.FAILURE
    assert {"Settings", "Disk", "Left out"} <= {result.name for result in results}
    assert "Workers" not in {result.name for result in results}


def test_a_check_that_breaks_is_a_failure_of_its_own_and_other_apps_add_theirs(monkeypatch):
    monkeypatch.setattr(registry, "_checks", dict(registry._checks))

    @check("Outbox", rank=75)
    def outbox():
        raise RuntimeError("no outbox yet")

    (result,) = findings("Outbox")
    assert (result.state, "no outbox yet" in result.sentence) == (State.FAILURE, True)
    assert worst("Database") is State.OK
