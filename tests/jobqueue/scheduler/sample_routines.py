"""Routines of the scheduler's tests. What they did is kept as lines of a file, so that other processes can be asked."""

import os
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

from django.db import connection

from jobqueue.errors import NonRetriable
from jobqueue.scheduler import ClaimedTask, RunningTask, StaleClaim, routine, standby
from jobqueue.scheduler.outcome import finish_task, start_task


def note(what: str, detail: object = "") -> None:
    """Appends one line: moment, what, process, detail."""
    with Path(os.environ["SCHEDULER_TEST_NOTES"]).open("a") as file:
        file.write(
            f"{time.time():.4f} {what} {os.getpid()} {str(detail).splitlines()[0] if detail != '' else ''}\n"
        )


def notes(what: str | None = None) -> list[list[str]]:
    """The lines written so far, split into words; only those about ``what`` if given."""
    path = Path(os.environ["SCHEDULER_TEST_NOTES"])
    lines = [line.split(" ", 3) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if what is None or line[1] == what]


@routine("test.note")
def write_note(task: RunningTask) -> None:
    note("ran", task.context)


@routine("test.nothing")
def nothing(task: RunningTask) -> None:
    pass


@routine("test.fail")
def fail(task: RunningTask) -> None:
    note("failing", task.id)
    raise ValueError("the routine is broken")


@routine("test.fail_for_good")
def fail_for_good(task: RunningTask) -> None:
    raise NonRetriable("no attempt can cure this")


@routine("test.fail_idempotent", idempotent=True)
def fail_idempotent(task: RunningTask) -> None:
    note("failing", task.attempt)
    raise ValueError("not yet")


@routine("test.spoil_transaction")
def spoil_transaction(task: RunningTask) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_such_table")


@routine("test.record_failure")
def record_failure(task: RunningTask) -> None:
    note("recorded", f"{task.error_kind}|{task.id}|{task.error_message}")


@routine("test.failing_failure")
def failing_failure(task: RunningTask) -> None:
    note("failure_tried", task.attempt)
    raise RuntimeError("the failure routine is broken too")


@routine("test.self_managed", self_managed=True)
def self_managed(claim: ClaimedTask) -> None:
    task = start_task(claim)
    note("ran", task.context)
    finish_task(claim)


@routine("test.self_managed_fail", self_managed=True)
def self_managed_fail(claim: ClaimedTask) -> None:
    start_task(claim)
    raise ValueError("after the start")


@routine("test.self_managed_unstarted", self_managed=True)
def self_managed_unstarted(claim: ClaimedTask) -> None:
    note("before_start", claim.claim_number)
    raise ValueError("before the start")


@routine("test.stale", self_managed=True)
def stale(claim: ClaimedTask) -> None:
    raise StaleClaim("somebody was faster")


@routine("test.sleep")
def sleep(task: RunningTask) -> None:
    note("start", task.id)
    time.sleep(task.context["seconds"])
    note("end", task.id)


@routine("test.hold")
def hold(task: RunningTask) -> None:
    """Goes on until the test calls :func:`release`."""
    note("start", task.id)
    while not _released().exists():
        time.sleep(0.01)
    note("end", task.id)


def _released() -> Path:
    return Path(os.environ["SCHEDULER_TEST_NOTES"]).with_name("released")


def release() -> None:
    """Lets the routines that hold go on."""
    _released().touch()


@routine("test.swallow")
def swallow(task: RunningTask) -> None:
    """Ignores every interruption: only a kill ends it."""
    note("start", task.id)
    until = time.monotonic() + task.context["seconds"]
    while time.monotonic() < until:
        try:
            time.sleep(0.1)
        except BaseException:
            note("swallowed", task.id)


@routine("test.query")
def query(task: RunningTask) -> None:
    """Keeps the database server busy (PostgreSQL)."""
    note("start", task.id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [task.context["seconds"]])


@routine("test.kill_worker")
def kill_worker(task: RunningTask) -> None:
    note("start", task.id)
    os.kill(os.getpid(), signal.SIGKILL)


@routine("test.subprocess")
def start_subprocess(task: RunningTask) -> None:
    process = subprocess.Popen(["sleep", "300"])
    note("start", process.pid)
    process.wait()


if os.environ.get("SCHEDULER_TEST_NEWER"):

    @routine("test.newer")
    def newer(task: RunningTask) -> None:
        """Known to the newer version of the code only."""
        note("newer", task.context)


def plain_function(text: str) -> str:
    """For django-q2's own ``async_task``."""
    note("plain", text)
    return text.upper()


@standby.duty("test", rank=1)
def stand_by(now: datetime) -> None:
    note("standby", f"{os.getppid()} {now.isoformat()}")
    if os.environ.get("STANDBY_HANGS"):
        time.sleep(60)
