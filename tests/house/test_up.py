"""``manage.py up`` as a newcomer meets it: a fresh folder, then an address that answers."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def up(bare_environment, port, tmp_path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        with open(tmp_path / "up.log", "a") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                env={
                    **bare_environment,
                    "PORT": str(port),
                    "DEMO": "off",
                    "WORKERS": "1",
                    "WEB_PROCESSES": "1",
                },
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=60)


def get(port: int, path: str) -> tuple[int, bytes]:
    """Status and body; status 0 while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def wait_for(condition: Callable[[], bool], *, log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def test_a_fresh_folder_becomes_a_running_installation_and_starts_again(
    up, port, tmp_path, manage, bare_environment
):
    log = tmp_path / "up.log"
    first = up()
    wait_for(lambda: get(port, "/readyz")[0] == 200, log=log)
    password_file = tmp_path / "var" / "admin_password"
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
    said = log.read_text()
    assert f"http://127.0.0.1:{port}/" in said
    assert f"Sign in as admin with password {password_file.read_text().strip()}" in said
    assert get(port, "/admin/login/")[0] == 200

    again = manage("up", environment={**bare_environment, "PORT": str(port)})
    assert (again.returncode, "already running" in again.stdout) == (0, True)
    elsewhere = manage("up", environment={**bare_environment, "PORT": str(port + 1)})
    assert (elsewhere.returncode, "Stop it first" in elsewhere.stderr) == (1, True)

    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=60) == 0
    assert get(port, "/livez")[0] == 0

    up()
    wait_for(lambda: get(port, "/readyz")[0] == 200, log=log)
    assert log.read_text().count("with password") == 1, "the password is shown once"


def test_a_web_server_or_worker_that_died_comes_back(up, port, tmp_path):
    log = tmp_path / "up.log"
    parent = up()
    wait_for(lambda: get(port, "/readyz")[0] == 200, log=log)
    children = [
        int(pid) for pid in Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    ]
    assert len(children) == 2
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: log.read_text().count("it is started again in") >= 2, log=log)
    wait_for(lambda: get(port, "/livez")[0] == 200, log=log)


def test_a_busy_port_is_a_sentence_with_a_way_out(manage, bare_environment):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        busy = other.getsockname()[1]
        ended = manage("up", environment={**bare_environment, "PORT": str(busy)})
    assert ended.returncode == 1
    assert f"make up PORT={busy + 1}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_silent_database_is_a_sentence(manage, bare_environment):
    environment = {**bare_environment, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    ended = manage("up", environment=environment)
    assert ended.returncode == 1
    assert "Check DATABASE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_readiness_is_json_even_before_the_worker_lives(up, port, tmp_path):
    up()
    wait_for(lambda: get(port, "/livez")[0] == 200, log=tmp_path / "up.log")
    status, body = get(port, "/readyz")
    assert status in (200, 503)
    assert set(json.loads(body)["checks"]) == {"database", "migrations", "installation", "workers", "tasks"}
