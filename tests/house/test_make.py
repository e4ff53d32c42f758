"""The doors of a fresh machine: make targets and the scripts behind them, as far as they can be tried quickly."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run(*command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of what installing needs, with a virtual environment that is already there."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    return tmp_path


def fake_python(project: Path, *, pip_status: int) -> None:
    """Stands for .venv/bin/python: notes each call and ends pip as told."""
    program = project / ".venv" / "bin" / "python"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {project}/calls\ncase "$*" in *"pip install"*) exit {pip_status};; esac\n'
    )
    program.chmod(0o755)


def install(project: Path) -> "subprocess.CompletedProcess[str]":
    (project / "requirements.txt").touch()
    return subprocess.run(
        ["scripts/install", ".venv", "requirements.txt", ".venv/.installed"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_make_alone_explains_itself():
    shown = run("make").stdout
    for target in ("setup", "up", "test", "check", "bench", "lock"):
        assert f"make {target} " in shown


def test_a_too_old_or_missing_python_is_a_sentence():
    ended = run("scripts/python", PYTHON="/nowhere/python3")
    assert ended.returncode == 1
    assert "needs Python 3.11 or newer" in ended.stderr


def test_a_chosen_python_is_taken():
    assert run("scripts/python", PYTHON=sys.executable).stdout.strip() == sys.executable


def test_an_installation_is_stamped_and_not_repeated(project):
    fake_python(project, pip_status=0)
    assert install(project).returncode == 0
    calls = (project / "calls").read_text()
    assert "--require-hashes" in calls
    os.utime(project / "requirements.txt", (0, 0))
    os.utime(project / "scripts" / "install", (0, 0))
    ended = subprocess.run(
        ["scripts/install", ".venv", "requirements.txt", ".venv/.installed"],
        cwd=project,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
    assert (project / "calls").read_text() == calls


def test_a_failed_installation_leaves_no_stamp(project):
    fake_python(project, pip_status=1)
    ended = install(project)
    assert ended.returncode == 1
    assert "run the same command again" in ended.stderr
    assert not (project / ".venv" / ".installed").exists()
