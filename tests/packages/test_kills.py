"""Real workers killed within and between the lines of a run: nothing runs twice for that reason, nothing is lost.

Source: *Packages reference, Crashes and restarts*. The lines' jobs are atomic, so their effects count their successes.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from jobqueue.models import LogEntry, ScheduledTask
from jobqueue.scheduler import database_now
from jobqueue.scheduler.models import Cluster
from jobqueue.states import LogStatus
from packages import lifecycle
from packages.models import Package, Run
from packages.states import Outcome, PackageStatus
from tests.jobobjects import jobs
from tests.jobobjects.models import Effect
from tests.jobqueue.scheduler.real_worker import RealWorker, wait_for
from tests.packages.building import (
    active,
    add_line,
    boss_of,
    last_run,
    make_package,
    nightly,
    reloaded,
    results_of,
    runs_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

LINES = ("First", "Second", "Third")
ALL_WELL = ["Success"] * 3
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Start = Callable[..., RealWorker]


@pytest.fixture
def start(child_environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts real workers that know the killing app; they are gone after the test."""
    started = []

    def begin(*, kill_at: str = "", **options) -> RealWorker:
        environment = {
            **os.environ,
            **child_environment,
            "EXTRA_APPS": "tests.jobobjects,tests.packages.killing",
            "KILL_AT": kill_at,
            "KILL_MARK": str(tmp_path / "killed"),
        }
        worker = RealWorker(environment, log=tmp_path / "worker.log", **options)
        started.append(worker)
        return worker

    yield begin
    for worker in started:
        worker.clean_up()


def chain(**values) -> Package:
    """Three lines that leave one effect each, whose runs may be tried again."""
    package = make_package(**values)
    for line in LINES:
        add_line(package, line, object_id=jobs.ATOMIC_EFFECT, max_attempts=5, rerun_delay_seconds=0)
    return reloaded(package)


def ended(package: Package) -> Run | None:
    found = Run.objects.filter(package_uuid=package.uuid).first()
    return found if found is not None and not found.is_open else None


def effects_by_line(package: Package) -> dict[str, int]:
    names = {line.entry.id: line.entry.description for line in package.lines.select_related("entry")}
    return dict(Counter(names[one.entry_id] for one in Effect.objects.all() if one.entry_id in names))


def assert_each_line_succeeded_once(package: Package) -> None:
    found = last_run(package)
    assert (results_of(found), found.outcome) == (ALL_WELL, Outcome.SUCCESS)
    assert effects_by_line(package) == dict.fromkeys(LINES, 1)
    assert LogEntry.objects.filter(status=LogStatus.SUCCESS, description__in=LINES).count() == 3
    assert not LogEntry.objects.filter(status=LogStatus.IN_PROCESS).exists()
    starts = [line.started_at for line in found.lines.all()]
    assert starts == sorted(starts)


POINTS = [
    *(f"{point}:{line}" for line in ("First",) for point in ("execute", "before-step", "after-step")),
    "after-step:Third",
    "release:Second",
]


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_a_step_of_the_run(start, tmp_path, point):
    package = chain()
    start(kill_at=point)
    lifecycle.run_now(package, actor=boss_of(package))
    wait_for(lambda: ended(package), seconds=60)
    assert (tmp_path / "killed").exists()
    assert_each_line_succeeded_once(package)


def test_a_worker_killed_while_it_opens_a_due_run(start, tmp_path):
    package = chain()
    now = database_now()
    values = {"run_on_" + day + "s": True for day in DAYS} | {"minutes_between_runs": 1}
    lifecycle.add_recurrence(package, values, actor=boss_of(package))
    active(package, now=now)
    # Due at once, whatever the minute: only the first due time matters here.
    due_at = now.replace(second=0, microsecond=0)
    Package.objects.filter(pk=package.pk).update(next_run_at=due_at)
    ScheduledTask.objects.filter(pk=reloaded(package).task_id).update(not_before=due_at)
    start(kill_at="release:First")
    wait_for(lambda: ended(package), seconds=60)
    assert (tmp_path / "killed").exists()
    first = Run.objects.order_by("number").first()
    assert first is not None
    assert (first.due_at, first.outcome) == (due_at, Outcome.SUCCESS)
    assert results_of(first) == ALL_WELL
    assert Run.objects.filter(due_at=due_at).count() == 1


def test_the_whole_cluster_killed_in_a_line_and_another_host_takes_over(start, tmp_path):
    package, wake = make_package(), tmp_path / "wake"
    add_line(package, "First", object_id=jobs.ATOMIC_EFFECT)
    sleep = {"seconds": "90", "wake_file": str(wake)}
    add_line(package, "Second", object_id=jobs.SLEEP, parameters=sleep, max_attempts=3)
    add_line(package, "Third", object_id=jobs.ATOMIC_EFFECT)
    worker = start()
    lifecycle.run_now(package, actor=boss_of(package))
    wait_for(lambda: LogEntry.objects.filter(description="Second", status=LogStatus.IN_PROCESS).exists())
    for pid in worker.everything():
        os.kill(pid, signal.SIGKILL)
    worker.process.wait(10)
    assert not ended(package)
    wake.touch()
    start()
    wait_for(lambda: ended(package), seconds=90)
    found = last_run(package)
    assert (results_of(found), found.outcome) == (ALL_WELL, Outcome.SUCCESS)
    assert effects_by_line(package) == {"First": 1, "Third": 1}
    assert found.lines.get(run_order=20).attempts == 2


def test_a_line_without_attempts_left_is_interrupted_and_the_mode_decides(start, tmp_path):
    package = nightly(lines=[("First", 10), ("Second", 20), ("Third", 30)])
    start(kill_at="execute:Second")
    lifecycle.set_active(package, actor=boss_of(package))
    lifecycle.run_now(package, actor=boss_of(package))
    wait_for(lambda: ended(package), seconds=60)
    found = last_run(package)
    assert results_of(found) == ["Success", "Interrupted", "Skipped"]
    assert (found.outcome, reloaded(package).status) == (Outcome.ERROR, PackageStatus.ERROR)
    assert "killed" in found.lines.get(run_order=20).error_message


def test_an_orderly_stop_lets_the_entry_finish_and_the_run_goes_on_after_the_restart(start, tmp_path):
    package, wake = make_package(), tmp_path / "wake"
    add_line(package, "First", object_id=jobs.SLEEP, parameters={"seconds": "90", "wake_file": str(wake)})
    add_line(package, "Second", object_id=jobs.ATOMIC_EFFECT)
    worker = start()
    lifecycle.run_now(package, actor=boss_of(package))
    wait_for(lambda: LogEntry.objects.filter(description="First", status=LogStatus.IN_PROCESS).exists())
    worker.process.send_signal(signal.SIGTERM)
    wait_for(lambda: Cluster.objects.get(pid=worker.pid).state == Cluster.State.DRAINING)
    wake.touch()
    worker.process.wait(40)
    assert results_of(last_run(package))[0] == "Success"
    assert not ended(package)
    start()
    wait_for(lambda: ended(package), seconds=60)
    assert (last_run(package).outcome, last_run(package).lines.get(run_order=10).attempts) == (
        Outcome.SUCCESS,
        1,
    )


def test_cancel_run_ends_the_running_entry_and_names_who_cancelled_it(start):
    package = make_package(on_error="continue")
    add_line(package, "First", object_id=jobs.SLEEP, parameters={"seconds": "120"}, max_attempts=3)
    add_line(package, "Second", object_id=jobs.ATOMIC_EFFECT)
    add_line(package, "Always", object_id=jobs.ATOMIC_EFFECT, line={"always": True})
    start()
    lifecycle.run_now(package, actor=boss_of(package))
    wait_for(lambda: LogEntry.objects.filter(description="First", status=LogStatus.IN_PROCESS).exists())
    lifecycle.cancel_run(last_run(package), actor=boss_of(package), reason="wrong data")
    found = wait_for(lambda: ended(package), seconds=30)
    assert (results_of(found), found.outcome) == (["Error", "Not Run", "Not Run"], Outcome.ERROR)
    line = found.lines.get(run_order=10)
    assert (line.attempts, line.error_message) == (1, f"Cancelled by {package.created_by}: wrong data")
    assert LogEntry.objects.get(description="First").status == LogStatus.CANCELLED
    assert effects_by_line(package) == {}


def test_workers_killed_at_random_while_runs_go_on(start):
    packages = [chain(name=f"Chain {number}") for number in range(3)]
    worker = start(workers=3)
    for package in packages:
        lifecycle.run_now(package, actor=boss_of(package))
    stop = threading.Event()

    def kill_now_and_then() -> None:
        try:
            while not stop.wait(0.35):
                for pid in worker.worker_pids()[:1]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
        finally:
            connection.close()

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        wait_for(lambda: Effect.objects.count() >= 5, seconds=60)
    finally:
        stop.set()
        killer.join()
    wait_for(lambda: all(ended(package) for package in packages), seconds=60)
    for package in packages:
        assert runs_of(package) == [("manual", Outcome.SUCCESS)]
        assert effects_by_line(package) == dict.fromkeys(LINES, 1)
