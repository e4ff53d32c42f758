"""Runs the commands the documentation shows. Blocks marked ``sh`` run here; ``console`` and ``text`` blocks do not."""

import json
import os
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection

from jobqueue.management.commands.jobqueue import SUBCOMMANDS, WITHOUT_DATABASE
from jobqueue.models import Entry, LogEntry
from jobqueue.objects import registry
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import LogStatus, Status
from packages.management.commands.packages import SUBCOMMANDS as PACKAGE_SUBCOMMANDS
from tests.builders import default_company, make_superuser

from .blocks import blocks, text_of

TICKED = re.compile(r"`([a-z-]+)`")


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


@pytest.fixture
def typed(monkeypatch):
    """Runs the ``manage.py`` lines of a block in this process; any refused line fails the test."""

    def run(block: str) -> str:
        said = StringIO()
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            echo, _, command = line.rpartition(" | ")
            monkeypatch.setattr("sys.stdin", StringIO(shlex.split(echo)[1] if echo else ""))
            words = shlex.split(command)
            assert words[:2] == ["python", "manage.py"], line
            call_command(*words[2:], stdout=said)
        return said.getvalue()

    return run


@pytest.mark.usefixtures("one_administrator")
def test_the_command_line_page(typed):
    _restart_numbers()
    looking, doing, arithmetic, _ = blocks("docs/command-line.md", language="sh")
    said = typed(looking)
    assert "Tidy the log" in said
    assert "was created" in said
    assert "was set On Hold" in typed(doing)
    assert Entry.objects.get(pk=1).status == Status.READY
    assert [json.loads(line) for line in typed(arithmetic).splitlines()] == [
        {"date": "2026-03-10"},
        {"next_run": "2026-03-09T07:00:00Z"},
    ]


@pytest.mark.usefixtures("one_administrator")
def test_the_packages_of_the_command_line_page(typed):
    *_, block = blocks("docs/command-line.md", language="sh")
    said = typed(block)
    assert "“Nightly closing” can be set active." in said
    assert "was set Active. Next run:" in said
    assert '"running_line": ""' in said
    assert "runs now, in the background" in said


def test_every_subcommand_of_packages_is_on_the_page_and_no_other():
    section = text_of("docs/command-line.md").partition("## Packages")[2]
    named = {
        name
        for row in section.splitlines()
        if row.startswith("| `")
        for name in TICKED.findall(row.split("|")[1])
    }
    assert named == set(PACKAGE_SUBCOMMANDS)
    assert set(re.findall(r"manage.py packages ([a-z-]+)", section)) <= named


def test_the_arithmetic_of_the_concepts_page(typed):
    (block,) = blocks("docs/concepts.md", language="sh")
    promised = [json.loads(line[2:]) for line in block.splitlines() if line.startswith("# {")]
    assert [json.loads(line) for line in typed(block).splitlines()] == promised


def test_every_subcommand_is_on_the_page_and_no_other():
    named = set(re.findall(r"`([a-z-]+)`", text_of("docs/command-line.md").partition("## Other commands")[0]))
    known = {*SUBCOMMANDS, *WITHOUT_DATABASE}
    assert known <= named
    shown = re.findall(r"manage.py jobqueue ([a-z-]+)", text_of("docs/command-line.md"))
    assert set(shown) <= known


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
    with registry.isolated(empty=False):
        exec(compile(code, "shopfloor/jobs.py", "exec"), {"__name__": "shopfloor.jobs"})
        run_due_tasks(now=database_now() + timedelta(days=4), limit=1)
    return LogEntry.objects.filter(entry_id=entry.id).latest("entry_no")


def _restart_numbers() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(
            no_style(), [{"table": Entry._meta.db_table, "column": "entry_no"}]
        ):
            cursor.execute(statement)
        if connection.vendor == "sqlite":
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [Entry._meta.db_table])


def test_no_page_links_to_a_missing_file():
    base = Path(settings.BASE_DIR)
    for page in ["README.md", *(f"docs/{path.name}" for path in (base / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(page)):
            assert ((base / page).parent / target).exists(), f"{page} links to {target}"


def test_the_readme_names_every_page():
    named = set(re.findall(r"\]\(docs/([a-z-]+\.md)", text_of("README.md").partition("## Documentation")[2]))
    assert named == {path.name for path in (Path(settings.BASE_DIR) / "docs").glob("*.md")}
