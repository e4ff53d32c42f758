"""Where a case happens: a folder, a database of its own, and the environment of the workers on it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
POSTGRESQL, SQLITE = "postgresql", "sqlite"
MANAGE = [sys.executable, "manage.py"]


@dataclass(frozen=True, slots=True)
class Place:
    """The folder and database of a run of the suite. ``server`` is the folder of the private PostgreSQL, if any."""

    kind: str
    folder: Path
    url: str
    server: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """For the suite itself and for its workers."""
        kept = {
            name: value for name, value in os.environ.items() if name not in ("EXTRA_APPS", "DATABASE_URL")
        }
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "chaos.settings",
            "EXTRA_APPS": "chaos.apps.ChaosConfig",
            "DATABASE_URL": self.url,
            "VAR_DIR": str(self.folder / "var"),
            "CHAOS_DIR": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "DEMO": "off",
            "LOG_LEVEL": "warning",
        }


@contextmanager
def new_place(kind: str) -> Iterator[Place]:
    """A fresh folder and database, both gone afterwards; PostgreSQL runs under a user of its own, never as root."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.chmod(0o711)
    server = folder / "postgresql" if kind == POSTGRESQL else None
    try:
        url = f"sqlite:///{folder / 'chaos.sqlite3'}" if server is None else _start_server(server)
        place = Place(kind, folder, url, server)
        _manage(place, "migrate", "--run-syncdb", "--verbosity", "0")
        yield place
    finally:
        if server is not None:
            subprocess.run([ROOT / "scripts/postgresql", "stop", server], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def restart_server(place: Place, *, mode: str) -> None:
    """Stops and starts the private PostgreSQL: ``fast`` cuts everybody off in order, ``immediate`` like a crash."""
    assert place.server is not None
    data = place.server / "data"
    _as_server(["pg_ctl", "restart", "--pgdata", str(data), "--mode", mode, "--wait", "--silent"], place)


def stop_server(place: Place, *, mode: str = "immediate") -> None:
    """Stops the private PostgreSQL; it stays down until :func:`start_server`."""
    assert place.server is not None
    _as_server(["pg_ctl", "stop", "--pgdata", str(place.server / "data"), "--mode", mode, "--silent"], place)


def start_server(place: Place) -> None:
    """Starts it again with the options of its first start."""
    assert place.server is not None
    port = urlsplit(place.url).port
    options = f"-p {port} -h 127.0.0.1 -k {place.server} -c fsync=off"
    command = ["pg_ctl", "start", "--pgdata", str(place.server / "data"), "--wait", "--silent"]
    _as_server([*command, "--log", str(place.server / "log"), "--options", options], place)


def _start_server(folder: Path) -> str:
    from psycopg import connect

    printed = subprocess.run(
        [ROOT / "scripts/postgresql", "start", folder], check=True, capture_output=True, text=True
    )
    url = printed.stdout.strip()
    with connect(url.replace("/jobwarden", "/postgres"), autocommit=True) as connection:
        connection.execute('CREATE DATABASE "jobwarden"')
    return url


def _as_server(command: list[str], place: Place) -> None:
    """Runs a tool of the server as the owner of its folder."""
    assert place.server is not None
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{command[0]}"), Path(shutil.which(command[0]) or "")]
    program = [str(found[0]), *command[1:]]
    if os.getuid() == 0:
        owner = (place.server / "data").owner()
        program = ["runuser", "-u", owner, "--", *program]
    with (place.server / "tools.log").open("ab") as log:
        subprocess.run(program, check=True, stdout=log, stderr=log, cwd="/")


def _manage(place: Place, *arguments: str) -> None:
    subprocess.run([*MANAGE, *arguments], check=True, env=place.environment, cwd=ROOT)
