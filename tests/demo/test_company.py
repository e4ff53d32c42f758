"""The demo command as people run it, and a worker that runs its entries."""

import os
import signal
import subprocess
import sys
import time
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from jobqueue.models import Category, Company, Entry, EntryChange, LogEntry, ReportDocument
from jobqueue.states import LogStatus, Status
from notifications.models import NotificationLine
from packages.models import Package, Run
from packages.states import OnError, Outcome, PackageStatus
from tests.builders import make_entry, make_superuser

pytestmark = pytest.mark.slow
ACCOUNTS, ON_CALL = "accounts@harbour-trading.example", "on-call@harbour-trading.example"
TOLD = {
    (ACCOUNTS, "Nightly closing"),
    (ACCOUNTS, "Bank statement"),
    (ON_CALL, "Bank statement"),
    (ACCOUNTS, "Exchange with partners"),
    (ON_CALL, "Exchange with partners"),
}
ERROR, RETRIED = "Import bank statement", "Stock valuation"


@pytest.fixture
def demo_environment(child_environment, tmp_path) -> dict[str, str]:
    return {**child_environment, "DEMO": "on", "VAR_DIR": str(tmp_path), "LOG_LEVEL": "error"}


@pytest.fixture
def made(manage, demo_environment, tmp_path) -> Path:
    """The demo company, made; the folder of its files."""
    make_superuser("admin")
    done = manage("demo", environment=demo_environment)
    assert done.returncode == 0, done.stderr
    assert "Harbour Trading is ready" in done.stdout
    return tmp_path / "demo"


@pytest.mark.usefixtures("made")
def test_entries_are_made_ready_or_held_with_a_reason():
    entries = Entry.objects.filter(company__code="demo", owner_kind="")
    assert entries.count() == 16
    held = entries.get(status=Status.ON_HOLD)
    assert held.hold_reason == "Waits for the sales manager's approval."
    assert entries.filter(status=Status.READY).count() == 15
    assert set(Category.objects.filter(company__code="demo").values_list("code", flat=True)) == {
        "BANK",
        "SALES",
    }
    assert entries.filter(recurring=False, status=Status.READY).count() == 1
    assert {entry.user.username for entry in entries} == {"admin"}


@pytest.mark.usefixtures("made")
def test_three_packages_are_active_one_for_each_on_error_mode_and_people_are_told():
    packages = Package.objects.filter(company__code="demo")
    assert {package.on_error for package in packages} == set(OnError)
    assert {package.status for package in packages} == {PackageStatus.ACTIVE}
    assert all(package.next_run_at is not None for package in packages)
    assert Run.objects.filter(company__code="demo", is_open=True).count() == 3
    told = set(NotificationLine.objects.values_list("address", flat=True))
    assert told == {"accounts@harbour-trading.example", "on-call@harbour-trading.example"}


@pytest.mark.usefixtures("made")
def test_an_empty_default_company_makes_room_for_it():
    assert Company.objects.get(is_default=True).code == "demo"


def test_a_default_company_with_work_stays_the_default(manage, demo_environment):
    make_superuser("admin")
    make_entry()
    manage("demo", environment=demo_environment)
    assert Company.objects.filter(code="demo").exists()
    assert Company.objects.get(is_default=True).code != "demo"


def test_making_it_again_changes_nothing(made, manage, demo_environment):
    before = list(Entry.objects.values_list("pk", "revision"))
    files = sorted(path.stat().st_mtime_ns for path in made.rglob("*"))
    again = manage("demo", environment=demo_environment)
    assert "was there already" in again.stdout
    assert list(Entry.objects.values_list("pk", "revision")) == before
    assert sorted(path.stat().st_mtime_ns for path in made.rglob("*")) == files


def test_lost_files_are_made_again_without_new_entries(made, manage, demo_environment):
    (made / "shop.sqlite3").unlink()
    assert "is ready" in manage("demo", environment=demo_environment).stdout
    assert (made / "shop.sqlite3").exists()
    assert Entry.objects.filter(company__code="demo", owner_kind="").count() == 16


def test_removing_it_needs_a_confirmation_and_leaves_nothing(made, manage, demo_environment):
    refused = manage("demo", "--reset", environment=demo_environment)
    assert refused.returncode == 1
    assert "Add --yes" in refused.stderr
    assert made.exists()

    assert manage("demo", "--reset", "--yes", environment=demo_environment).returncode == 0
    assert not made.exists()
    assert not Company.objects.filter(code="demo").exists()
    assert not EntryChange.objects.exists()


def test_it_is_not_removed_while_one_of_its_jobs_runs(made, manage, demo_environment):
    Entry.objects.filter(description="Match payments").update(status=Status.IN_PROCESS)
    refused = manage("demo", "--reset", "--yes", environment=demo_environment)
    assert "A job of Harbour Trading is running" in refused.stderr
    assert Entry.objects.filter(company__code="demo", owner_kind="").count() == 16


def test_without_an_administrator_it_says_what_to_do(manage, demo_environment):
    refused = manage("demo", environment=demo_environment)
    assert refused.returncode == 1
    assert "createsuperuser" in refused.stderr


def test_where_the_demo_is_off_it_is_refused(manage, demo_environment):
    refused = manage("demo", environment={**demo_environment, "DEMO": "off"})
    assert "Set DEMO=on" in refused.stderr


def test_within_90_seconds_the_log_shows_successful_retried_and_failed_runs(made, demo_environment):
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "jobworker"],
        env=demo_environment,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and not _shows_everything(made):
            time.sleep(0.5)
    finally:
        worker.terminate()
        try:
            worker.wait(timeout=45)
        finally:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
    _assert_story(made)


def _shows_everything(places: Path) -> bool:
    log = LogEntry.objects.filter(company__code="demo")
    return (
        log.filter(description=RETRIED, status=LogStatus.SUCCESS).exists()
        and log.filter(description="Import sales orders", status=LogStatus.SUCCESS).exists()
        and log.filter(description="Recalculate customer balances", status=LogStatus.SUCCESS).exists()
        and Entry.objects.filter(description=ERROR, status=Status.ERROR).exists()
        and log.filter(description__startswith="Payment reminder", status=LogStatus.SUCCESS).count() >= 5
        and Run.objects.filter(company__code="demo", is_open=False).count() >= 3
        and _told(places) >= TOLD
    )


def _assert_story(places: Path) -> None:
    failed = Entry.objects.get(description=ERROR)
    assert failed.status == Status.ERROR
    assert failed.error_message.startswith("The bank has not delivered bank/incoming/statement.csv yet.")
    attempts = (
        LogEntry.objects.filter(entry_id=failed.id)
        .order_by("entry_no")
        .values_list("attempt", "status", "is_final")
    )
    assert list(attempts) == [
        (0, LogStatus.ERROR, False),
        (1, LogStatus.ERROR, False),
        (2, LogStatus.ERROR, True),
    ]

    first, *others = LogEntry.objects.filter(description=RETRIED).order_by("entry_no")
    assert (first.status, first.is_final) == (LogStatus.ERROR, False)
    assert "is still open in warehouse/open-counts" in first.error_message
    assert others[-1].status == LogStatus.SUCCESS
    assert sorted(
        ReportDocument.objects.filter(description=RETRIED).values_list("content_type", flat=True)
    ) == [
        "application/pdf",
        "text/csv; charset=utf-8",
    ]

    rejected = LogEntry.objects.filter(description="Import sales orders").order_by("entry_no").first()
    assert "was not imported: line" in rejected.error_message
    assert list((places / "orders" / "rejects").glob("*.error.txt"))
    balances = LogEntry.objects.get(description="Recalculate customer balances", status=LogStatus.SUCCESS)
    assert (balances.progress_done, balances.progress_total) == (240, 240)
    assert balances.lines.count() >= 5
    assert Entry.objects.get(description="Look for new prices").status == Status.INACTIVITY
    assert not Entry.objects.filter(description="Post the open stock count").exists()
    _assert_packages(places)


def _assert_packages(places: Path) -> None:
    """One succeeded, one stopped and is in Error, one went on; each told its people."""
    outcomes = {run.package_name: run.outcome for run in Run.objects.order_by("-number")}
    assert outcomes == {
        "Nightly closing": Outcome.SUCCESS,
        "Bank statement": Outcome.ERROR,
        "Exchange with partners": Outcome.WITH_ERRORS,
    }
    statuses = dict(Package.objects.values_list("name", "status"))
    assert statuses["Bank statement"] == PackageStatus.ERROR
    assert statuses["Exchange with partners"] == statuses["Nightly closing"] == PackageStatus.ACTIVE
    assert _told(places) == TOLD


def _told(places: Path) -> set[tuple[str, str]]:
    """Who was told of which package."""
    letters = _letters_about_packages(places)
    return {(letter["To"], name) for letter in letters for _, name in TOLD if name in letter["Subject"]}


def _letters_about_packages(places: Path) -> list[EmailMessage]:
    """The mails in the folder beside the demo's files that speak of a package; a file may hold several."""
    texts = [
        text.lstrip()
        for path in (places.parent / "mail").glob("*.log")
        for text in path.read_text().split("-" * 79 + "\n")
    ]
    letters = [message_from_string(text, policy=policy.default) for text in texts if text]
    return [letter for letter in letters if "Job queue package" in letter["Subject"]]
