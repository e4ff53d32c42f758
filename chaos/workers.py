"""Real ``manage.py jobworker`` processes, and which process below them is which."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from chaos.notes import Reader
from chaos.places import ROOT, Place
from jobqueue.scheduler.models import Cluster, WorkerSession

T = TypeVar("T")


class Kind(StrEnum):
    """The processes of a worker. The supervisor is the parent of its cluster."""

    SUPERVISOR = "supervisor"
    SENTINEL = "sentinel"
    BROKER = "broker process"
    MONITOR = "monitor"
    IDLE = "idle worker"
    BUSY = "busy worker"


class NotReached(Exception):
    """Something that had to happen did not; the message says what."""


def wait_for(condition: Callable[[], T], *, what: str, seconds: float = 30, every: float = 0.01) -> T:
    """The first true value of the condition; raises ``NotReached`` after ``seconds``. Errors count as not yet."""
    until, problem = time.monotonic() + seconds, ""
    while True:
        try:
            value = condition()
            if value:
                return value
        except Exception as error:
            problem = f" ({error})"
            time.sleep(0.1)
            _new_connection()
        if time.monotonic() > until:
            raise NotReached(f"{what} within {seconds:g} s{problem}")
        time.sleep(every)


def _new_connection() -> None:
    from django.db import connection

    connection.close()


class JobWorker:
    """One supervisor with the processes below it. ``variables`` are added to its environment."""

    def __init__(
        self,
        place: Place,
        *,
        workers: int = 2,
        name: str = "worker",
        tree: Path = ROOT,
        variables: dict[str, str] | None = None,
        **settings: object,
    ) -> None:
        self.log = place.folder / f"{name}.log"
        self._notes = Reader(place.folder / "notes")
        self._workers = workers
        overrides = {"CHAOS_JOBQUEUE": json.dumps({key.upper(): value for key, value in settings.items()})}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(tree / "manage.py"),
                    "jobworker",
                    "--workers",
                    str(workers),
                    "--name",
                    name,
                ],
                env={**place.environment, "LOG_LEVEL": "info", **overrides, **(variables or {})},
                cwd=tree,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def wait_until_ready(self) -> "JobWorker":
        """Waits until all its workers have registered."""
        wait_for(self._is_ready, what=f"the worker started ({self.log})", seconds=60, every=0.05)
        return self

    def pid_of(self, kind: Kind, *, held: int | None) -> int:
        """A process of that kind in the newest cluster; ``held`` is the worker process that stands at a gate."""
        found = wait_for(lambda: self._find(kind, held), what=f"there is one {kind}", seconds=15)
        return found

    def find(self, kind: Kind) -> int | None:
        """The same as they are at this moment; None if there is none."""
        return self._find(kind, None)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def worker_pids(self) -> set[int]:
        """The worker processes of the newest cluster."""
        newest = Cluster.objects.filter(pid=self.pid, state="live").order_by("-pk").first()
        rows = WorkerSession.objects.filter(cluster=newest, ended_at=None) if newest else []
        return {row.pid for row in rows if exists(row.pid)}

    def tree(self) -> list[int]:
        """All processes below the supervisor, and itself."""
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children(pid)
        return found

    def send(self, signal_number: int) -> None:
        """A signal to the supervisor."""
        os.kill(self.pid, signal_number)

    def stop(self, *, seconds: float = 40) -> int:
        """TERM; returns the exit code."""
        if self.alive:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotReached(f"the worker ended within {seconds:g} s after TERM") from None

    def kill(self) -> None:
        """Ends everything below it, and itself."""
        for pid in self.tree() if self.alive else []:
            with _gone():
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)

    def _is_ready(self) -> bool:
        if not self.alive:
            raise NotReached(f"the worker goes on; it ended: {self.log.read_text()[-2000:]}")
        return len(self.worker_pids()) >= self._workers

    def _find(self, kind: Kind, held: int | None) -> int | None:
        if kind is Kind.SUPERVISOR:
            return self.pid
        sentinel = max((pid for pid in children(self.pid) if children(pid)), default=None)
        if kind is Kind.SENTINEL or sentinel is None:
            return sentinel
        below, workers = set(children(sentinel)), self.worker_pids()
        brokers = {found.pid for found in self._notes.all("broker")} & below
        if len(workers) < self._workers:
            return None
        others = below - workers - brokers
        return {
            Kind.BROKER: next(iter(brokers), None),
            Kind.MONITOR: next(iter(others)) if len(others) == 1 else None,
            Kind.IDLE: next(iter(workers - self._working() - {held}), None),
            Kind.BUSY: held if held in workers else next(iter(workers & self._working()), None),
        }[kind]

    def _working(self) -> set[int]:
        """Processes inside a job's body."""
        last = {found.pid: found.what for found in self._notes.all("start", "end")}
        return {pid for pid, what in last.items() if what == "start"}


class _gone:
    """A process that is gone needs no signal."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, ProcessLookupError)


def exists(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    return state_of(pid) not in "ZX"


def state_of(pid: int) -> str:
    """The kernel's letter for the state of a process; X if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def children(pid: int) -> list[int]:
    """Living children of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [child for child in found if exists(child)]
