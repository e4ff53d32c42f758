import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from bench import processes

KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH")


@pytest.mark.slow
def test_it_measures_prints_and_stores(tmp_path):
    """A very small measurement from end to end; its figures mean nothing and are not looked at."""
    options = [
        "--quick",
        "--jobs",
        "20",
        "--seconds",
        "1",
        "--memory-jobs",
        "20",
        "--only-ours",
        "--no-postgresql",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options, "--only", "throughput", "loaded", "memory"],
        env={**{name: os.environ[name] for name in KEPT if name in os.environ}, "VAR_DIR": str(tmp_path)},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "loaded, due time" in done.stdout, done.stdout + done.stderr
    (stored,) = Path(tmp_path / "bench").glob("*.json")
    found = json.loads(stored.read_text())
    assert found["throughput"][0]["jobs"] == 20
    assert found["throughput"][0]["cpu_ms"].keys() == {"own", "servers"}
    assert [(one["load"], one["kind"]) for one in found["latency"]] == [("loaded", "due time")]
    assert "memory growth, workers" in {one["name"] for one in found["size"]}


def test_processor_time_of_a_session_includes_its_children_buried_or_not():
    command = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))']); input()"
    with subprocess.Popen(
        [sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as program:
        assert program.stdin is not None
        before = processes.cpu_seconds(processes.of_sessions([program.pid]))
        while len(processes.of_sessions([program.pid])) > 1 or not _buried(program.pid):
            pass
        after = processes.cpu_seconds(processes.of_sessions([program.pid]))
        assert processes.used_between(before, after) > 0.05
        assert processes.memory_mib(program.pid) > 1
        program.stdin.write(b"\n")
        program.stdin.close()
    assert processes.memory_mib(program.pid) is None


def _buried(pid: int) -> bool:
    """Whether the program has waited for a child that used processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[13]) > 0
