"""Runs the commands the documentation shows. Blocks marked ``sh`` run here; ``console`` and ``text`` blocks do not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from jobqueue.models import Entry, LogEntry
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import LogStatus, Status
from tests.builders import default_company, make_superuser

from .blocks import blocks, text_of


@pytest.fixture
def shell(child_environment, tmp_path):
    """Runs a block, line by line, in a folder that looks like the project's; any failing line fails the test."""
    (tmp_path / "manage.py").symlink_to(Path(settings.BASE_DIR) / "manage.py")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environment = {
        **child_environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }

    def run(block: str) -> str:
        done = subprocess.run(
            ["sh", "-e"],
            input=block,
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def one_administrator(transactional_db):
    default_company()
    return make_superuser("admin")


@pytest.mark.usefixtures("one_administrator")
def test_the_command_line_page(shell):
    if Entry.objects.exists():
        pytest.skip("The page counts entries from 1.")
    _restart_numbers()
    looking, doing, arithmetic = blocks("docs/command-line.md", language="sh")
    said = shell(looking)
    assert "Tidy the log" in said
    assert "was created" in said
    assert "was set On Hold" in shell(doing)
    assert Entry.objects.get(pk=1).status == Status.READY
    assert [json.loads(line) for line in shell(arithmetic).splitlines()] == [
        {"date": "2026-03-10"},
        {"next_run": "2026-03-09T07:00:00Z"},
    ]


def test_the_arithmetic_of_the_concepts_page(shell):
    (block,) = blocks("docs/concepts.md", language="sh")
    promised = [json.loads(line[2:]) for line in block.splitlines() if line.startswith("# {")]
    assert [json.loads(line) for line in shell(block).splitlines()] == promised


def test_the_readme_leads_to_a_first_own_job(shell, one_administrator, tmp_path):
    folder, commands = blocks("README.md", language="sh")
    (code,) = blocks("README.md", language="python")
    shell(folder)
    (tmp_path / "shopfloor" / "jobs.py").write_text(code, encoding="utf-8")
    counted = tmp_path / "counted"
    counted.mkdir()
    (counted / "one.txt").write_text("1234")

    said = shell(commands.replace("/etc", str(counted)))
    assert "Count files" in said
    entry = Entry.objects.get(object_id=50_300)
    assert (entry.status, entry.minutes_between_runs, entry.user) == (Status.READY, 15, one_administrator)

    log = _run_it(entry, code)
    assert log.status == LogStatus.SUCCESS
    assert list(log.lines.values_list("text", flat=True)) == ["one.txt: 4 bytes", "1 files."]


def _run_it(entry: Entry, code: str) -> LogEntry:
    """Runs the entry here, through the code a worker runs."""
    from datetime import timedelta

    from jobqueue.objects import registry
    from jobqueue.scheduler.clock import database_now

    with registry.isolated(empty=False):
        exec(compile(code, "shopfloor/jobs.py", "exec"), {"__name__": "shopfloor.jobs"})
        run_due_tasks(now=database_now() + timedelta(days=4), limit=1)
    return LogEntry.objects.filter(entry_id=entry.id).latest("entry_no")


def _restart_numbers() -> None:
    from django.core.management.color import no_style
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(
            no_style(), [{"table": Entry._meta.db_table, "column": "entry_no"}]
        ):
            cursor.execute(statement)
        if connection.vendor == "sqlite":
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [Entry._meta.db_table])


def test_no_page_links_to_a_missing_file():
    import re

    base = Path(settings.BASE_DIR)
    for page in ["README.md", *(f"docs/{path.name}" for path in (base / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(page)):
            assert ((base / page).parent / target).exists(), f"{page} links to {target}"
