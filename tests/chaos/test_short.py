"""The short part of the fault suite: the cases every change must pass, on the database of this test run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.slow


def _has_server() -> bool:
    return bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def test_nothing_is_lost_or_doubled_in_the_short_fault_suite(tmp_path):
    if connection.vendor == "postgresql" and not _has_server():
        pytest.skip("the suite starts a server of its own, and PostgreSQL's server is not installed here")
    results = tmp_path / "results.json"
    played = subprocess.run(
        [sys.executable, "-m", "chaos", "--short", "--database", connection.vendor, "--json", results],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert len(json.loads(results.read_text())["cases"]) >= 5
