"""Starts a contender's real worker program, and stops exactly that."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS = 20


@contextmanager
def running(
    command: Sequence[str], *, log: Path, copies: int = 1, env: dict[str, str] | None = None
) -> Iterator[None]:
    """Runs ``copies`` of the command, each in a process group of its own, for as long as the block lasts."""
    with log.open("ab") as output:
        processes = [
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
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Waits for the ordered stop, then makes sure that nobody of the group is left."""
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
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
