"""The machine a run was measured on, in one line."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("django", "django-q2", "psycopg", "procrastinate", "celery", "sqlalchemy", "redis")


def described(server: str | None) -> str:
    """Cores, processor, memory, system, versions; ``server`` is the database server's version line."""
    import sqlite3

    parts = [
        f"{os.cpu_count()} cores ({_processor()})",
        f"{_memory_gib():.0f} GiB of memory",
        platform.platform(terse=True),
        f"Python {platform.python_version()}",
        server or "",
        f"SQLite {sqlite3.sqlite_version}",
        *_packages(),
    ]
    return ", ".join(part for part in parts if part)


def busy() -> str:
    """A warning if the machine has other work to do: then figures fall and swing."""
    load = os.getloadavg()[0]
    cores = os.cpu_count() or 1
    if load < 0.25 * cores:
        return ""
    return f"This machine is busy (load {load:.1f} on {cores} cores): quote no figure of this run alone."


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _packages() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
