"""Offering jobs at a pace to a contender that is asked for each job, and reading how long each waited for its start."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

WAITS = "BENCH_WAITS"
"""Environment: the file into which started jobs write their wait."""

IDLE_PER_SECOND, LOADED_PER_SECOND = 8.0, 100.0


def note_start(asked_at: float) -> None:
    """Called by a job of a contender: writes down how long ago (``time.time()``) it was asked for."""
    waited = time.time() - asked_at
    descriptor = os.open(os.environ[WAITS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{waited * 1000:.3f}\n".encode())
    os.close(descriptor)


def moments(count: int, *, per_second: float) -> list[float]:
    """Seconds from the beginning at which jobs are asked for: at random, on average ``per_second``."""
    chance, at, found = random.Random(1), 0.0, []
    for _ in range(count):
        at += chance.expovariate(per_second)
        found.append(at)
    return found


def offer(ask_for: Callable[[float], object], count: int, *, per_second: float, waits: Path) -> list[float]:
    """Asks for ``count`` jobs, then waits for their starts; returns their waits in milliseconds.

    ``ask_for`` gets the present moment (``time.time()``) and must hand it to the job. Jobs asked for too late, because
    asking took long, are asked for at once.
    """
    from bench.worker import wait_until

    ask_for(time.time())
    wait_until(lambda: len(_read(waits)) >= 1, seconds=60, what="the first start")
    time.sleep(1)
    began = time.monotonic()
    for at in moments(count, per_second=per_second):
        time.sleep(max(0.0, began + at - time.monotonic()))
        ask_for(time.time())
    wait_until(lambda: len(_read(waits)) > count, seconds=120, every=0.5, what="the last start")
    return _read(waits)[1:]


def _read(waits: Path) -> list[float]:
    return [float(line) for line in waits.read_text().splitlines()] if waits.exists() else []
