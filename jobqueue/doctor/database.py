"""Database: reachable, new enough, its tables complete, and set up as the scheduler needs it."""

from collections.abc import Iterable

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from jobqueue.doctor.registry import GROUND, Result, check, failure, ok, warning

OLDEST_POSTGRESQL = 14
NEAR_THE_LIMIT = 0.9


@check(GROUND, rank=0)
def database() -> Iterable[Result]:
    try:
        connection.ensure_connection()
        yield _postgresql_version() if connection.vendor == "postgresql" else _sqlite_version()
    except (DatabaseError, InterfaceError) as error:
        words = str(error).strip().partition("\n")[0].rstrip(".?")
        yield failure(
            f"The database does not answer: {words}.",
            fix="Start the database server, or correct DATABASE_URL.",
        )
        return
    yield _tables()


@check("Database set-up", rank=10)
def set_up() -> Iterable[Result]:
    if connection.vendor == "postgresql":
        yield _connections()
    else:
        yield _journal_mode()


def _postgresql_version() -> Result:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0].split(" ")[0]
    if int(version.split(".")[0]) < OLDEST_POSTGRESQL:
        return failure(
            f"PostgreSQL {version} is too old.", fix=f"Upgrade the server to {OLDEST_POSTGRESQL} or newer."
        )
    return ok(f"PostgreSQL {version} answers.")


def _sqlite_version() -> Result:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        return ok(f"SQLite {cursor.fetchone()[0]} answers.")


def _tables() -> Result:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        return failure(
            f"{missing} {'migration is' if missing == 1 else 'migrations are'} not applied.",
            fix="Run “manage.py migrate” and restart web servers and workers.",
        )
    return ok("All migrations are applied.")


def _connections() -> Result:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity")
        used, most = cursor.fetchone()
    if used > most * NEAR_THE_LIMIT:
        return warning(
            f"{used} of {most} connections are in use; workers that find none left pause.",
            fix="Raise max_connections, or run fewer worker and web processes: each keeps one.",
        )
    return ok(f"{used} of {most} connections are in use.")


def _journal_mode() -> Result:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    if mode != "wal":
        return warning(
            f"SQLite's journal mode is {mode.upper()}: readers and writers block each other.",
            fix="Put the file on a local disk and restart; the product switches to WAL by itself where it can.",
        )
    return ok("SQLite's journal mode is WAL.")
