"""Cases in which the database goes away, hangs, refuses, or is full."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from chaos.places import restart_server, start_server, stop_server
from chaos.proxy import Proxy
from chaos.stage import Case, Stage, succeeded
from chaos.workers import wait_for
from jobqueue.models import LogEntry

DOWN_SECONDS = 10.0
"""Longer than the lease: every lease has run out when the database is back."""

STREAM_SECONDS = 6.0
HANG_LIMIT = 45.0


def at_work(stage: Stage, case: Case, *, entries: int = 80) -> None:
    """Entries due over the next seconds; returns when some have succeeded."""
    stage.worker()
    case.mix.fill_chain()
    case.mix.load(entries)
    case.mix.fill(due_in=2)
    wait_for(lambda: succeeded(case.mix) >= 10, what="the worker was at work")


def restart_fast(stage: Stage, case: Case) -> None:
    """Everybody is cut off in order."""
    _restart(stage, case, mode="fast")


def restart_immediate(stage: Stage, case: Case) -> None:
    """Like a crash of the server."""
    _restart(stage, case, mode="immediate")


def _restart(stage: Stage, case: Case, *, mode: str) -> None:
    at_work(stage, case)
    case.limit = 20
    case.fault()
    restart_server(stage.place, mode=mode)
    case.over()


def down_beyond_leases(stage: Stage, case: Case) -> None:
    """The server is away for longer than a lease: nobody alive may be declared dead afterwards."""
    at_work(stage, case)
    case.limit = 20
    case.fault()
    stop_server(stage.place)
    time.sleep(DOWN_SECONDS)
    start_server(stage.place)
    case.over()
    wait_for(lambda: not _open_runs(case), what="every run was recorded")
    case.expect(
        not LogEntry.objects.filter(entry_id__in=case.mix.all, error_kind="lost").exists(),
        "a living worker was declared lost",
    )


def _open_runs(case: Case) -> bool:
    return LogEntry.objects.filter(entry_id__in=case.mix.all, status=1).exists()


def terminated_backends(stage: Stage, case: Case) -> None:
    """``pg_terminate_backend`` for all of them, twenty times a second."""
    at_work(stage, case, entries=120)
    case.limit = 20
    case.fault()
    until = time.monotonic() + STREAM_SECONDS
    while time.monotonic() < until:
        terminate_backends()
        time.sleep(0.05)
    case.over()


def terminate_backends(*, besides: Sequence[int] = ()) -> None:
    """Cuts every connection to the database but this one and those of the given server processes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND NOT pid = ANY(%s)",
            [list(besides)],
        )


def half_open(stage: Stage, case: Case) -> None:
    """Every connection of the worker hangs for good: nothing comes back and nothing is closed. New ones work."""
    stage.without_worker()
    parts = urlsplit(stage.place.url)
    with Proxy(parts.port or 5432) as proxy:
        through = stage.place.url.replace(f":{parts.port}/", f":{proxy.port}/")
        worker = stage.another(variables={"DATABASE_URL": through}).wait_until_ready()
        case.mix.fill_chain()
        case.mix.load(80)
        wait_for(lambda: succeeded(case.mix) >= 10, what="the worker was at work")
        case.limit = HANG_LIMIT
        case.settle_seconds = 90
        case.fault()
        proxy.freeze()
        case.mix.fill(due_in=1)
        stage.settle(case)
        worker.kill()


def exhausted(stage: Stage, case: Case) -> None:
    """Every connection the server allows is taken, and the worker's own are cut."""
    at_work(stage, case)
    case.limit = 20
    case.fault()
    with _all_connections(stage):
        before = succeeded(case.mix)
        time.sleep(5)
        # What went on was started before: nobody can ask for anything new.
        case.expect(succeeded(case.mix) - before <= 5, "connections were left")
    case.over()


@contextlib.contextmanager
def _all_connections(stage: Stage) -> Iterator[None]:
    """Takes whatever is free, cuts everybody else, and takes that as well."""
    taken: list[psycopg.Connection] = []
    try:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    taken.append(psycopg.connect(stage.place.url, connect_timeout=3))
            terminate_backends(besides=[one.info.backend_pid for one in taken])
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(stage.place.url, connect_timeout=3))
        yield
    finally:
        for one in taken:
            one.close()


def disk_full(stage: Stage, case: Case) -> None:
    """SQLite may not grow any more, for as long as a lease and some."""
    at_work(stage, case)
    case.limit = 20
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
    path = stage.place.folder / "pages"
    written = path.with_suffix(".new")
    written.write_text(str(pages))
    case.fault()
    written.rename(path)
    time.sleep(DOWN_SECONDS)
    path.unlink()
    case.over()


def locked(stage: Stage, case: Case) -> None:
    """Another program holds SQLite's write lock for longer than anybody waits for it."""
    import sqlite3

    at_work(stage, case)
    case.limit = 25
    other = sqlite3.connect(stage.place.folder / "chaos.sqlite3", timeout=30, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    case.fault()
    time.sleep(25)
    other.execute("ROLLBACK")
    other.close()
    case.over()
