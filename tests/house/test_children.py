"""The parent of web server and worker, tried on small programs of our own."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.children import restart_wait_seconds
from tests.conftest import ROOT

FAMILY = """
import sys
from config.children import Child, Family
children = [Child(name, [sys.executable, "-c", code], fatal_status=3) for name, code in {programs!r}.items()]
sys.exit(Family(children, stop_seconds={stop_seconds}, say=lambda sentence: print(sentence, flush=True)).run())
"""
NOTE = "import os, sys, time; open({file!r}, 'a').write(str(os.getpid()) + chr(10)); "


def wait_for(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def family(tmp_path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start(*, stop_seconds: float = 5, **programs: str) -> "subprocess.Popen[str]":
        code = textwrap.dedent(FAMILY).format(programs=programs, stop_seconds=stop_seconds)
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def pids(tmp_path) -> Callable[[str], list[int]]:
    """The process ids a program noted in its file, one for each start."""

    def noted(name: str) -> list[int]:
        file = tmp_path / name
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    return noted


def note(tmp_path: Path, name: str) -> str:
    return NOTE.format(file=str(tmp_path / name))


def test_waits_double_up_to_half_a_minute():
    assert [restart_wait_seconds(count) for count in (1, 2, 3, 4, 5, 6, 7, 8, 1000)] == [
        *(0.5, 1, 2, 4, 8, 16, 30, 30, 30)
    ]


@pytest.mark.slow
def test_a_child_that_died_is_started_again_and_the_other_is_left_alone(family, pids, tmp_path):
    family(a=note(tmp_path, "a") + "time.sleep(60)", b=note(tmp_path, "b") + "time.sleep(60)")
    wait_for(lambda: len(pids("a")) == 1 and len(pids("b")) == 1)
    os.kill(pids("a")[0], signal.SIGKILL)
    wait_for(lambda: len(pids("a")) == 2)
    assert len(pids("b")) == 1
    assert alive(pids("b")[0])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_order_to_stop_reaches_every_child_and_ends_well(family, pids, tmp_path, number):
    parent = family(a=note(tmp_path, "a") + "time.sleep(60)", b=note(tmp_path, "b") + "time.sleep(60)")
    wait_for(lambda: len(pids("a")) == 1 and len(pids("b")) == 1)
    parent.send_signal(number)
    assert parent.wait(timeout=10) == 0
    assert not alive(pids("a")[0])
    assert not alive(pids("b")[0])


@pytest.mark.slow
def test_a_child_that_ignores_the_order_is_killed_with_what_it_started(family, pids, tmp_path):
    deaf = (
        "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"subprocess.Popen([sys.executable, '-c', {note(tmp_path, 'grandchild') + 'time.sleep(60)'!r}]); "
    )
    parent = family(stop_seconds=0.5, a="import sys; " + deaf + note(tmp_path, "a") + "time.sleep(60)")
    wait_for(lambda: len(pids("a")) == 1 and len(pids("grandchild")) == 1)
    parent.terminate()
    assert parent.wait(timeout=10) == 0
    assert not alive(pids("a")[0])
    wait_for(lambda: not alive(pids("grandchild")[0]))


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux' parent death signal")
def test_children_end_when_the_parent_is_killed(family, pids, tmp_path):
    parent = family(a=note(tmp_path, "a") + "time.sleep(60)")
    wait_for(lambda: len(pids("a")) == 1)
    parent.kill()
    wait_for(lambda: not alive(pids("a")[0]))


@pytest.mark.slow
def test_an_ending_that_restarting_cannot_cure_stops_all(family, pids, tmp_path):
    parent = family(a="raise SystemExit(3)", b=note(tmp_path, "b") + "time.sleep(60)")
    said, _ = parent.communicate(timeout=20)
    assert parent.returncode == 3
    assert "The a cannot start" in said
    assert not any(alive(pid) for pid in pids("b"))
