"""A copied database under a real worker: nothing runs before it is adopted, and a restored one is noticed."""

import os
import shutil
import sqlite3
import subprocess
import time
from datetime import timedelta

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.scheduler import create_task, database_now
from jobqueue.scheduler.installation import Installation
from jobqueue.scheduler.models import ScheduledTask
from tests import builders
from tests.jobqueue.scheduler.real_worker import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def backup() -> dict[str, object]:
    return Installation.objects.values().get()


def restore(row: dict[str, object]) -> None:
    Installation.objects.update(**{name: value for name, value in row.items() if name != "id"})


def beats(count: int) -> None:
    reached = Installation.objects.get().heartbeat_number + count
    wait_for(lambda: Installation.objects.get().heartbeat_number >= reached)


def waits_unclaimed() -> None:
    """Nothing takes the due task within what would be many claims."""
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert ScheduledTask.objects.filter(main_routine="test.note", state=0, claim_number=0).exists()
        time.sleep(0.1)


def test_a_database_under_another_site_id_starts_held_and_runs_when_it_is_adopted(
    start_worker, notes, tmp_path
):
    Installation.objects.create(site_id="acme", heartbeat_number=12)
    create_task("test.note", context="once")
    start_worker(settles=False, site_id="acme-test", heartbeat_dir=str(tmp_path))
    waits_unclaimed()
    Installation.objects.update(site_id="acme-test")
    wait_for(lambda: notes("ran"))


def test_a_restore_under_a_running_worker_holds_it_until_the_adoption(
    start_worker, notes, settings, tmp_path
):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "HEARTBEAT_DIR": tmp_path}
    start_worker(heartbeat_dir=str(tmp_path))
    beats(1)
    row = backup()
    beats(2)
    restore(row)
    wait_for(lambda: Installation.objects.get().held_reason)
    create_task("test.note", context="once")
    waits_unclaimed()
    lifecycle.adopt(actor=builders.actor_of(builders.make_superuser()), keep_ready=True)
    wait_for(lambda: notes("ran"))
    beats(1)


def test_a_worker_that_starts_again_on_a_restored_database_is_held(start_worker, notes, tmp_path):
    first = start_worker(heartbeat_dir=str(tmp_path))
    beats(1)
    row = backup()
    beats(2)
    first.stop()
    restore(row)
    create_task("test.note", context="once")
    start_worker(settles=False, heartbeat_dir=str(tmp_path))
    waits_unclaimed()
    assert not notes("ran")


def test_a_worker_that_stops_and_starts_again_goes_on(start_worker, notes, tmp_path):
    start_worker(heartbeat_dir=str(tmp_path)).stop()
    start_worker(heartbeat_dir=str(tmp_path))
    create_task("test.note", context="once")
    wait_for(lambda: notes("ran"))


@pytest.mark.skipif(connection.vendor != "sqlite", reason="copies a file")
def test_a_copied_file_is_adopted_from_the_command_line(child_environment, manage, tmp_path):
    builders.default_company()
    builders.make_superuser("admin")
    entry = builders.make_recurring_entry(status=0)
    long_ago = database_now() - timedelta(hours=1)
    Installation.objects.create(site_id="acme", heartbeat_number=12, heartbeat_at=long_ago)
    copy = tmp_path / "copy.sqlite3"
    with sqlite3.connect(connection.settings_dict["NAME"]) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    environment = {
        **os.environ,
        **child_environment,
        "DATABASE_URL": f"sqlite:///{copy}",
        "SITE_ID": "acme-test",
        "VAR_DIR": str(tmp_path / "var"),
    }
    shutil.copytree(os.environ["VAR_DIR"], tmp_path / "var", ignore=shutil.ignore_patterns("*.sqlite3*"))
    examined: subprocess.CompletedProcess[str] = manage("jobqueue", "doctor", environment=environment)
    assert (examined.returncode, "another installation" in examined.stdout) == (1, True)
    adopted = manage("jobqueue", "adopt", "--as", "admin", environment=environment)
    assert adopted.returncode == 0, adopted.stderr
    assert "1 entry was set On Hold" in adopted.stdout
    with sqlite3.connect(copy) as rows:
        assert rows.execute("SELECT status, hold_kind FROM jobqueue_entry").fetchall() == [(3, "copy")]
    entry.refresh_from_db()
    assert entry.status == 0, "the original is untouched"
    again = manage("jobqueue", "adopt", "--as", "admin", environment=environment)
    assert (again.returncode, "nothing to adopt" in again.stderr) == (1, True)
