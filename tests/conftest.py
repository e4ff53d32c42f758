"""Fixtures of the whole suite: the environment for programs a test starts, and the database they share with it."""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

pytest_plugins = ["tests.chromium"]
ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_finish() -> None:
    """The garbage collector need not look again and again at thousands of tests and everything they import."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """After a test that commits, what migrations made for the models stays: no test changes it, and it takes long."""
    empty, kept = connection.ops.sql_flush, {"django_content_type", "auth_permission"}

    def sql_flush(style: object, tables: Iterable[str], **options: bool) -> list[str]:
        return empty(style, [name for name in tables if name not in kept], **options)

    connection.ops.sql_flush = sql_flush


def database_url() -> str:
    """The URL of the database the current test uses (the test database, not the one it was made beside)."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    login = quote(found["USER"], safe="") + (
        f":{quote(found['PASSWORD'], safe='')}" if found["PASSWORD"] else ""
    )
    return f"postgres://{login}@{found['HOST']}:{found['PORT'] or 5432}/{quote(found['NAME'], safe='')}"


@pytest.fixture
def child_environment(transactional_db: None) -> dict[str, str]:
    """Environment for a program that must see this test's committed rows: its database, settings and VAR_DIR."""
    return {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tests.settings"}


@pytest.fixture
def bare_environment(tmp_path: Path) -> dict[str, str]:
    """Environment of a first-time user: no variable of ours is set but a fresh VAR_DIR."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "VAR_DIR": str(tmp_path / "var"),
    }


Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def manage() -> Manage:
    """Runs ``manage.py`` as a program of its own and returns what it did; it may fail."""

    def run(
        *arguments: str, environment: Mapping[str, str], stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env=dict(environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=ROOT,
        )

    return run
