"""Server processes that work for a contender, and a Redis server of the benchmark's own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

REDIS = "redis-server"


def backends(url: str) -> Callable[[], list[int]]:
    """A function that names the server processes of the PostgreSQL database now, without those of this process's
    connections; none for another database, or for a server on another machine."""
    if not url.startswith("postgres"):
        return list

    def look() -> list[int]:
        with psycopg.connect(url.replace("postgres://", "postgresql://", 1)) as asking:
            rows = asking.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND application_name <> %s",
                [OWN_NAME],
            ).fetchall()
        return [pid for (pid,) in rows if _is_postgres(pid)]

    return look


OWN_NAME = "bench"
"""``application_name`` of the connections with which the benchmark itself looks and waits."""


def name_own_connections() -> None:
    """Marks connections this process opens from now on as the benchmark's own; programs it starts must not inherit
    the mark (``unnamed``)."""
    os.environ["PGAPPNAME"] = OWN_NAME


def unnamed() -> dict[str, str]:
    """Environment that takes the mark off a program started by this one."""
    return {"PGAPPNAME": "worker"}


@dataclass(frozen=True, slots=True)
class Redis:
    """A running Redis server: its address without a database number, and its process."""

    url: str
    pid: int


@contextmanager
def private_redis() -> Iterator[Redis | None]:
    """A Redis server on a free port of the loopback, in memory only, for as long as the block lasts; None without the
    program."""
    program = shutil.which(REDIS)
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="jobwarden-bench-redis-") as folder:
        port = _free_port()
        server = subprocess.Popen(
            [
                program,
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                folder,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            yield Redis(f"redis://127.0.0.1:{port}", server.pid)
        finally:
            server.terminate()
            server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port: int) -> None:
    from bench.worker import wait_until

    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    wait_until(answers, seconds=10, what="Redis")


def _is_postgres(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False
