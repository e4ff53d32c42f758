"""Databases made for one benchmark run and dropped after it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"


@dataclass(frozen=True, slots=True)
class Database:
    """``kind`` is the name in the tables; ``url`` what the contender is given."""

    kind: str
    url: str


def server_of(url: str) -> str:
    """The version line of the server; raises ``psycopg.OperationalError`` if it does not answer."""
    with psycopg.connect(_named(url, "postgres"), connect_timeout=5) as server:
        row = server.execute("SHOW server_version").fetchone()
        return f"PostgreSQL {row[0]}" if row else "PostgreSQL"


@contextmanager
def postgresql(server_url: str, *, name: str) -> Iterator[Database]:
    """A new database ``name`` on the server; whoever is still connected at the end is cut off."""
    make_anew(server_url, name=name)
    try:
        yield Database(POSTGRESQL, _named(server_url, name))
    finally:
        with psycopg.connect(_named(server_url, "postgres"), autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def make_anew(server_url: str, *, name: str) -> None:
    """Makes the empty database ``name`` on the server, in place of one of that name."""
    with psycopg.connect(_named(server_url, "postgres"), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')


@contextmanager
def sqlite(folder: Path, *, name: str) -> Iterator[Database]:
    """A SQLite file in the scratch folder, which the caller removes as a whole."""
    yield Database(SQLITE, f"sqlite:///{folder / name}.sqlite3")


def _named(url: str, name: str) -> str:
    """``url`` with another database name; accepts ``postgres://`` and ``postgresql://``."""
    parts = urlsplit(url)
    return urlunsplit(("postgresql", parts.netloc, f"/{name}", parts.query, ""))
