"""A real worker that is busy for long: people hear all the same that a run waits."""

import os
from datetime import timedelta

import pytest

from jobqueue.models import LogEntry, ScheduledTask
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus
from notifications.models import Message
from packages import lifecycle
from packages.models import Package
from tests.jobobjects import jobs
from tests.jobqueue.scheduler.real_worker import RealWorker, wait_for
from tests.packages.building import (
    active,
    add_line,
    boss_of,
    last_run,
    make_package,
    nightly,
    reloaded,
    with_recipients,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def one_busy_worker(child_environment, tmp_path):
    """One worker, occupied by a job of 90 seconds; its stand-by looks after a second."""
    busy = make_package(name="Long")
    add_line(busy, "Long job", object_id=jobs.SLEEP, parameters={"seconds": "90"})
    environment = {**os.environ, **child_environment}
    worker = RealWorker(environment, log=tmp_path / "worker.log", workers=1, standby_seconds=1)
    try:
        lifecycle.run_now(busy, actor=boss_of(busy))
        wait_for(lambda: LogEntry.objects.filter(status=LogStatus.IN_PROCESS).exists())
        yield busy
    finally:
        worker.clean_up()
        print((tmp_path / "worker.log").read_text())  # noqa: T201


def test_the_mail_leaves_while_the_only_worker_is_busy(one_busy_worker):
    package = with_recipients(nightly(late_tolerance_minutes=0), [("mia", "package_missed")])
    now = database_now()
    active(package, now=now)
    due_at = now - timedelta(minutes=1)
    Package.objects.filter(pk=package.pk).update(next_run_at=due_at)
    ScheduledTask.objects.filter(pk=reloaded(package).task_id).update(not_before=due_at)
    sent = Message.objects.filter(state=Message.State.SENT)
    wait_for(sent.exists, seconds=30)
    assert [one.scenarios for one in Message.objects.all()] == [["package_missed"]]
    assert sent.get().facts["missed_state"] == "waiting"
    assert reloaded(package).next_run_at == due_at
    assert last_run(one_busy_worker).is_open
