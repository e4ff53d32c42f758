"""The case of a power failure: a disk of its own that keeps only what was on it.

Root may mount a file as a disk and shut its file system down without writing back what still waits in memory: what is
left then is what a power failure leaves. The notes of the jobs lie elsewhere and stay.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from django.db import connection

from chaos.places import MANAGE, ROOT, Place
from chaos.stage import Case, Stage, succeeded
from chaos.workers import JobWorker, wait_for

CUTS = 5
MEBIBYTES = 300
EXT4_SHUTDOWN, WITHOUT_WRITING_BACK = 0x8004587D, 2


def is_possible() -> bool:
    """Whether this program may mount a file as a disk."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists() and shutil.which("mkfs.ext4") is not None


def failure(stage: Stage, case: Case) -> None:
    """The power fails five times while jobs run and are recorded; each time everything is started again."""
    stage.without_worker()
    with _disk(stage.place.folder) as disk, _database_on(disk.path, stage.place) as place:
        worker = _worker(place, disk)
        stage.extra.append(worker.wait_until_ready())
        case.limit = 20
        case.mix.fill_chain()
        case.mix.load(300)
        for cut in range(1, CUTS + 1):
            wait_for(lambda wanted=cut * 40: succeeded(case.mix) >= wanted, what=f"work went on, {cut}")
            if cut == CUTS:
                case.fault()
            _stand_still(worker)
            connection.close()
            disk.cut()
            worker.kill()
            disk.unmount()
            disk.mount()
            worker = _worker(place, disk)
            stage.extra.append(worker.wait_until_ready())
        stage.settle(case)
        worker.stop()


def _worker(place: Place, disk: "_Disk") -> JobWorker:
    return JobWorker(place, name="power", variables={"VAR_DIR": str(disk.path / "var")})


def _stand_still(worker: JobWorker) -> None:
    """Nobody does anything after the power has gone."""
    for pid in worker.tree():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    time.sleep(0.05)


class _Disk:
    """A file with an ext4 file system on it, mounted while the block lasts."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self._file = folder / "disk.image"
        self.path.mkdir()
        with self._file.open("wb") as file:
            file.truncate(MEBIBYTES * 1024**2)
        subprocess.run(["mkfs.ext4", "-q", "-F", self._file], check=True)
        self.mount()

    def mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self._file, self.path], check=True)

    def cut(self) -> None:
        """Forgets what was not written; from here on every access is an error."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_SHUTDOWN, struct.pack("I", WITHOUT_WRITING_BACK))
        finally:
            os.close(descriptor)

    def unmount(self) -> None:
        """Waits for the last process that holds a file there: mounted again before, it would be the same dead disk."""
        wait_for(self._unmounted, what=f"nobody holds a file on {self.path}", seconds=10, every=0.1)

    def _unmounted(self) -> bool:
        return subprocess.run(["umount", self.path], check=False, capture_output=True).returncode == 0

    def remove(self) -> None:
        self.unmount()
        self._file.unlink()


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[_Disk]:
    disk = _Disk(folder)
    try:
        yield disk
    finally:
        disk.remove()


@contextlib.contextmanager
def _database_on(folder: Path, place: Place) -> Iterator[Place]:
    """A database there, which this program's connection uses too while the block lasts."""
    path = folder / "chaos.sqlite3"
    there = replace(place, url=f"sqlite:///{path}")
    migrate = [*MANAGE, "migrate", "--run-syncdb", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=there.environment, check=True)
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = path
    try:
        yield there
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
