"""The worker as a program of its own, the live product it calls, and a server that answers as a test wants it to."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jobqueue import api_tokens
from jobqueue.scheduler import database_now
from jobqueue.scheduler.models import Cluster
from refresher.setup import RUNNER_GROUP
from tests.builders import actor_of, make_superuser, make_user
from tests.conftest import ROOT
from tests.entra.conftest import (  # noqa: F401  (fixtures)
    administrator,
    application,
    client,
    directory,
    login,
    resource,
    tenant,
)
from tests.notifications.mail_server import MailServer, free_port

# The worker must run where there is no Django: importing it raises.
BOOTSTRAP = """
import runpy, sys
sys.modules["django"] = sys.modules["rest_framework"] = None
sys.argv[0] = "refresher.worker"
runpy.run_module("refresher.worker", run_name="__main__", alter_sys=True)
"""


def application_user(name: str) -> Any:
    """A user that can sign in nowhere, with the permission set of runners."""
    user = make_user(name, groups=[RUNNER_GROUP])
    user.is_staff = False
    user.save()
    return user


def token_of(user: Any, *scopes: str) -> str:
    _, text = api_tokens.make_application(
        actor_of(make_superuser()), user, name="worker", scopes=scopes, now=database_now()
    )
    return text


def live_cluster(**fields: Any) -> Cluster:
    """The product's workers, as far as its health is concerned."""
    now = database_now()
    values = {"host": "h", "machine": "m", "pid": 1, "process_start": 1, "workers": 2, "heartbeat_at": now}
    return Cluster.objects.create(**{**values, "lease_until": now + timedelta(hours=1), **fields})


@dataclass
class Ended:
    """What a run of the worker left: exit status, its log lines, and what it said on standard error."""

    status: int
    out: str
    errors: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]


@dataclass
class Worker:
    """A configuration in a folder of its own, and the program run with it."""

    folder: Path
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    runners: list[dict[str, Any]] = field(default_factory=list)

    def write(self) -> Path:
        lines = []
        for name, values in self.sections.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        for runner in self.runners:
            lines += ["[[runners]]", *(f"{key} = {json.dumps(value)}" for key, value in runner.items())]
        file = self.folder / "worker.toml"
        file.write_text("\n".join(lines))
        file.chmod(0o600)
        return file

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", BOOTSTRAP, "--config", str(self.write()), *arguments]
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ
        }
        # A proxy of the environment must not count.
        kept |= {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", **environment}
        return subprocess.Popen(
            command, cwd=ROOT, env=kept, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *arguments: str, **environment: str) -> Ended:
        process = self.start(*arguments, **environment)
        try:
            out, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return Ended(process.returncode, out, errors)

    @property
    def status(self) -> dict[str, Any]:
        return json.loads((self.folder / "status.json").read_text())


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    """A worker that waits hardly at all; the test adds address and runners."""
    folder = tmp_path / "worker"
    folder.mkdir()
    return Worker(folder, {"product": {}, "retry": {"attempts": 2, "first_wait_seconds": 0.05}})


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer(free_port())
    server.start()
    yield server
    server.stop()


@dataclass
class Scripted:
    """A server that gives its answers in order and the last one for ever; ``requests`` are path and headers."""

    base: str = ""
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)

    def say(self, status: int, body: Any = "", **headers: str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.answers.append(
            (status, {name.replace("_", "-"): value for name, value in headers.items()}, text)
        )


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    found = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            found.requests.append((self.path, dict(self.headers), sent))
            status, headers, body = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = _serve

        def log_message(self, *_args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.base = f"http://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield found
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


Waits = Callable[[float], bool]
