"""Starts a contender's real worker program, stops exactly that, and says what it used meanwhile."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import processes

STOP_SECONDS = 20
WARM_SHARE = 0.1
"""The cost of a job is measured from this share of the jobs on: starting programs is not part of it."""


@dataclass(slots=True)
class Running:
    """The started programs; ``servers`` names the server processes that work for them (database, Redis)."""

    leaders: list[int]
    servers: Callable[[], list[int]] = list
    _marks: list[tuple[int, dict[int, float], dict[int, float]]] = field(default_factory=list)

    def pids(self) -> list[int]:
        return processes.of_sessions(self.leaders)

    def mark(self, settled: int) -> None:
        """Notes what all processes have used until ``settled`` jobs were settled."""
        own, servers = processes.cpu_seconds(self.pids()), processes.cpu_seconds(self.servers())
        self._marks.append((settled, own, servers))

    def cpu_ms_per_job(self) -> dict[str, float]:
        """Processor milliseconds of one job between first and last mark: of the contender's processes, of servers."""
        (first, own, servers), (last, own_after, servers_after) = self._marks[0], self._marks[-1]
        jobs = max(1, last - first)
        return {
            "own": processes.used_between(own, own_after) * 1000 / jobs,
            "servers": processes.used_between(servers, servers_after) * 1000 / jobs,
        }


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    copies: int = 1,
    env: dict[str, str] | None = None,
    servers: Callable[[], list[int]] = list,
) -> Iterator[Running]:
    """Runs ``copies`` of the command, each in a session of its own, for as long as the block lasts."""
    with log.open("ab") as output:
        started = [
            subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, **(env or {})},
            )
            for _ in range(copies)
        ]
        try:
            yield Running([process.pid for process in started], servers)
        finally:
            for process in started:
                process.terminate()
            for process in started:
                _end(process)


def settle(
    running: Running, jobs: int, *, settled: Callable[[], int], all_settled: Callable[[], bool], what: str
) -> None:
    """Waits until all jobs are settled, and marks what was used on the way."""
    counted = 0

    def has_begun() -> bool:
        nonlocal counted
        counted = settled()
        return counted >= jobs * WARM_SHARE

    wait_until(has_begun, seconds=120, what=f"the first of {jobs} {what}")
    running.mark(counted)
    wait_until(all_settled, seconds=300, what=f"the last of {jobs} {what}")
    running.mark(jobs)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Waits for the ordered stop, then makes sure that nobody of the session is left."""
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    for pid in processes.of_sessions([process.pid]):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


def wait_until(reached: Callable[[], bool], *, seconds: float, every: float = 0.05, what: str) -> None:
    """Polls until ``reached`` answers True; raises ``TimeoutError`` naming ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s.")
        time.sleep(every)
