import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings


@pytest.mark.slow
def test_it_measures_prints_and_stores(tmp_path):
    """A very small measurement from end to end; its figures mean nothing and are not looked at."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    options = ["--rounds", "1", "--jobs", "20", "--samples", "3", "--only-ours", "--no-postgresql"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options],
        env={**kept, "VAR_DIR": str(tmp_path)},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "SQLite      Jobwarden" in done.stdout, done.stdout + done.stderr
    (stored,) = Path(tmp_path / "bench").glob("*.json")
    found = json.loads(stored.read_text())
    assert found["throughput"][0]["jobs"] == 20
    assert {one["kind"] for one in found["latency"]} == {"due time", "Run Now"}
