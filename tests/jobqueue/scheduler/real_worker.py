"""A real ``jobworker`` under a test: its processes, and waiting for what it does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db.models import Q

from jobqueue.scheduler import database_now
from jobqueue.scheduler.models import Cluster, ScheduledTask, WorkerSession

T = TypeVar("T")


def wait_for(condition: Callable[[], T], *, seconds: float = 20) -> T:
    """Waits until the condition is true and returns its value; fails the test after ``seconds``."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < until, f"not true within {seconds} s"
        time.sleep(0.005)


def exists(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    """Living children of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [child for child in found if exists(child)]


class RealWorker:
    """One supervisor process and the cluster below it."""

    def __init__(
        self,
        environment: dict[str, str],
        *,
        log: Path,
        workers: int = 2,
        settles: bool = True,
        **overrides: object,
    ) -> None:
        self.log = log
        known = set(Cluster.objects.values_list("pk", flat=True))
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(settings.BASE_DIR / "manage.py"),
                    "jobworker",
                    "--workers",
                    str(workers),
                ],
                env={
                    **environment,
                    "DJANGO_SETTINGS_MODULE": "tests.jobqueue.scheduler.worker_settings",
                    "WORKER_SETTINGS": json.dumps({key.upper(): value for key, value in overrides.items()}),
                },
                stdout=output,
                stderr=output,
            )
        self.pid = self.process.pid
        try:
            wait_for(lambda: self._ready(workers, known, settles), seconds=90)
        except BaseException:
            self.clean_up()  # or it works on in the tests that follow
            raise

    def _ready(self, workers: int, known: set[int], settles: bool) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return len(self.sessions()) >= workers and not (settles and self._settling_in())

    def _settling_in(self) -> bool:
        """Whether tasks of the job queue itself, which starting workers makes due, are still to be done."""
        others = ScheduledTask.objects.exclude(main_routine__startswith="test.")
        return others.filter(Q(state__gt=0) | Q(is_ready=True, not_before__lte=database_now())).exists()

    def clusters(self) -> list[Cluster]:
        """The open clusters of this supervisor, oldest first."""
        return list(Cluster.objects.filter(pid=self.pid, state__in=["live", "draining"]).order_by("pk"))

    def sessions(self) -> list[WorkerSession]:
        """The worker processes of the newest cluster."""
        newest = self.clusters()[-1:]
        return list(WorkerSession.objects.filter(cluster__in=newest, ended_at=None))

    def worker_pids(self) -> list[int]:
        return [session.pid for session in self.sessions()]

    def sentinel(self) -> int:
        """The newest sentinel."""
        return max(pid for pid in children(self.pid) if children(pid))

    def everything(self) -> list[int]:
        """All processes below the supervisor, and itself."""
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children(pid)
        return found

    def stop(self) -> float:
        """TERM; returns the seconds until it had ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)
        return time.monotonic() - began

    def clean_up(self) -> None:
        """After the test: nothing of it survives."""
        left = self.everything() if self.process.poll() is None else []
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)
