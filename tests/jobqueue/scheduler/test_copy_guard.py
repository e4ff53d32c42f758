"""The copy guard: which databases it holds, and which false alarms it does not raise."""

import shutil
from datetime import timedelta

import pytest
from django.test import override_settings

from jobqueue.scheduler import copy_guard, heartbeat_file
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.copy_guard import CopyGuard, Standing
from jobqueue.scheduler.installation import Installation

pytestmark = pytest.mark.django_db


@pytest.fixture
def installation(settings, tmp_path):
    """Settings of an installation whose heartbeats are kept in a folder of the test; another one on request."""

    def use(*, site_id: str = "acme", folder: str = "var", **changes):
        settings.JOBQUEUE = {
            **settings.JOBQUEUE,
            "SITE_ID": site_id,
            "HEARTBEAT_DIR": tmp_path / folder,
            **changes,
        }
        return tmp_path / folder

    use()
    return use


def row() -> Installation:
    return Installation.objects.get()


def restore(backup: Installation) -> None:
    """What a restored backup looks like: the row as it was then."""
    backup.save()


def test_a_fresh_database_belongs_to_whoever_works_with_it_first(installation):
    assert copy_guard.look().standing is Standing.OURS
    assert not CopyGuard().beat()
    assert (row().site_id, row().heartbeat_number) == ("acme", 1)


def test_every_beat_is_stored_and_kept_beside_the_installation(installation):
    folder, guard = installation(), CopyGuard()
    for number in (1, 2, 3):
        guard.beat()
        assert heartbeat_file.read(folder, row().identity).number == row().heartbeat_number == number


def test_a_database_with_another_site_id_is_held_and_left_as_it_is(installation):
    CopyGuard().beat()
    installation(site_id="acme-test", folder="elsewhere")
    guard = CopyGuard()
    assert guard.beat()
    verdict = copy_guard.look()
    assert (verdict.standing, verdict.held) == (Standing.FOREIGN, True)
    assert "“acme”" in verdict.details
    assert "acme" not in verdict.reason
    installation(site_id="acme")
    assert not CopyGuard().beat(), "a stranger's look must not stop the owner"


def test_a_database_restored_from_the_past_is_held_everywhere(installation):
    guard = CopyGuard()
    guard.beat()
    backup = row()
    guard.beat()
    restore(backup)
    assert copy_guard.look().standing is Standing.RESTORED, "pages see it before a worker has stored it"
    assert CopyGuard().beat()
    assert row().held_reason
    installation(folder="another-host")
    assert CopyGuard().beat(), "a host that keeps no heartbeat of it learns it from the database"
    assert copy_guard.look().standing is Standing.RESTORED


def test_a_restore_under_a_running_worker_is_seen_without_its_file(installation):
    installation(HEARTBEAT_DIR=None)
    guard = CopyGuard()
    guard.beat()
    backup = row()
    guard.beat()
    restore(backup)
    assert guard.beat()


def test_nothing_is_claimed_while_the_guard_is_unsure(installation):
    guard = CopyGuard()
    assert guard.held
    guard.beat()
    guard.unsure()
    assert guard.held
    assert not guard.beat()


# --- no false alarms
def test_a_host_that_was_off_for_weeks_goes_on(installation):
    CopyGuard().beat()
    installation(folder="another-host")
    other = CopyGuard()
    for _ in range(50):
        other.beat()
    installation()
    assert not CopyGuard().beat()


def test_clocks_that_jump_do_not_matter(installation):
    guard = CopyGuard()
    guard.beat()
    Installation.objects.update(heartbeat_at=database_now() - timedelta(days=700))
    assert not guard.beat()
    Installation.objects.update(heartbeat_at=database_now() + timedelta(days=700))
    assert not guard.beat()


def test_a_new_database_under_the_old_folder_is_no_copy(installation):
    guard = CopyGuard()
    for _ in range(5):
        guard.beat()
    Installation.objects.all().delete()
    assert not CopyGuard().beat()
    assert row().heartbeat_number == 1


def test_an_unreadable_or_missing_file_counts_as_none(installation):
    folder = installation()
    CopyGuard().beat()
    (folder / f"{row().identity}.json").write_text("{")
    assert not CopyGuard().beat()
    shutil.rmtree(folder)
    assert not CopyGuard().beat()


def test_a_folder_that_cannot_be_written_stops_nothing(installation, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    installation(folder="taken")
    guard = CopyGuard()
    assert not guard.beat()
    assert not guard.beat()


def test_a_page_that_read_the_row_just_before_a_beat_looks_again(installation, monkeypatch):
    guard = CopyGuard()
    guard.beat()
    reads = []

    def old_row_first():
        reads.append(row())
        if len(reads) == 1:
            guard.beat()  # the worker beats between the page's reading of the row and of the file
        return reads[-1]

    monkeypatch.setattr(copy_guard, "stored", old_row_first)
    assert copy_guard.look().standing is Standing.OURS
    assert len(reads) == 2


def test_a_worker_that_read_the_row_just_before_another_beat_looks_again(installation, monkeypatch):
    """Two workers of one host keep one file: the other's beat between row and file is no restore."""
    first, second = CopyGuard(), CopyGuard()
    assert not first.beat()
    read = CopyGuard._latest

    def beaten_meanwhile(self, stored):
        monkeypatch.setattr(CopyGuard, "_latest", read)
        assert not first.beat()
        return read(self, stored)

    monkeypatch.setattr(CopyGuard, "_latest", beaten_meanwhile)
    assert not second.beat()
    assert row().held_reason == ""


def test_a_standby_may_lack_what_the_tolerance_allows(installation):
    guard = CopyGuard()
    guard.beat()
    backup = row()
    guard.beat()
    installation(RESTORE_TOLERANCE_SECONDS=60)
    restore(backup)
    assert not CopyGuard().beat()
    assert row().heartbeat_number == 3, "later than everything any host has seen"
    backup.heartbeat_at -= timedelta(seconds=90)
    restore(backup)
    assert CopyGuard().beat()


@override_settings(JOBQUEUE={})
def test_without_a_folder_only_the_site_id_counts():
    guard = CopyGuard()
    assert not guard.beat()
    assert row().site_id == "local"
