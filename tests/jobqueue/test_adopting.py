"""Adopting a copied or restored database."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from jobqueue import lifecycle
from jobqueue.command_line import examining
from jobqueue.errors import NotAllowed, Refused
from jobqueue.explain import explain
from jobqueue.housekeeping import ensure_clean_up_entry
from jobqueue.models import Entry, EntryChange, Installation, LogEntry, ScheduledTask
from jobqueue.scheduler import copy_guard, create_task, database_now
from jobqueue.scheduler.copy_guard import CopyGuard
from jobqueue.states import HoldKind, LogStatus, Status
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def copied(settings, tmp_path):
    """A database that came from “acme”, seen by the installation “acme-test”; its last heartbeat is long ago."""
    Installation.objects.all().delete()
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SITE_ID": "acme", "HEARTBEAT_DIR": tmp_path / "acme"}
    CopyGuard().beat()
    Installation.objects.update(heartbeat_at=database_now() - timedelta(hours=1))
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SITE_ID": "acme-test", "HEARTBEAT_DIR": tmp_path / "test"}
    assert CopyGuard().beat()


@pytest.fixture
def administrator():
    return builders.actor_of(builders.make_user(groups=["Administrator"]))


def with_task(entry: Entry, **changes) -> Entry:
    task = create_task(
        "jobqueue.dispatch", company=entry.company, record=entry.id, not_before=entry.earliest_start_at
    )
    Entry.objects.filter(pk=entry.pk).update(system_task_id=task, **changes)
    return Entry.objects.get(pk=entry.pk)


@pytest.mark.usefixtures("copied")
class TestACopy:
    def test_adopting_makes_it_ours(self, administrator):
        adoption = lifecycle.adopt(actor=administrator)
        assert (adoption.former_site_id, adoption.site_id) == ("acme", "acme-test")
        assert not copy_guard.look().held
        assert not CopyGuard().beat()
        row = Installation.objects.get()
        assert (row.site_id, row.adopted_by) == ("acme-test", administrator.user)

    @pytest.mark.parametrize("status", [Status.READY, Status.WAITING, Status.INACTIVITY])
    def test_what_would_start_is_set_on_hold_and_its_task_removed(self, administrator, status):
        entry = with_task(builders.make_recurring_entry(status=status))
        assert lifecycle.adopt(actor=administrator).held == 1
        entry.refresh_from_db()
        assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.COPY)
        assert (entry.held_by, entry.system_task_id) == (administrator.user, None)
        assert not ScheduledTask.objects.exists()
        change = EntryChange.objects.get(entry_id=entry.id)
        assert (change.action, change.user) == ("set-on-hold", administrator.user)

    def test_a_single_run_and_an_extra_run_do_not_start_either(self, administrator):
        entry = with_task(builders.make_entry(status=Status.READY, earliest_start_at=database_now()))
        create_task("jobqueue.dispatch", company=entry.company, record=entry.id, context={"extra": "run-now"})
        lifecycle.adopt(actor=administrator)
        assert Entry.objects.get().status == Status.ON_HOLD
        assert not ScheduledTask.objects.exists()

    def test_a_due_moment_that_had_come_is_settled(self, administrator):
        due = database_now() - timedelta(minutes=5)
        with_task(builders.make_recurring_entry(status=Status.READY, earliest_start_at=due), due_at=due)
        lifecycle.adopt(actor=administrator)
        assert LogEntry.objects.get().status == LogStatus.SKIPPED

    def test_a_run_that_never_ran_here_ends_under_its_hold(self, administrator):
        entry = with_task(builders.make_recurring_entry(status=Status.IN_PROCESS))
        ScheduledTask.objects.update(state=ScheduledTask.State.RUNNING, claim_number=1)
        lifecycle.adopt(actor=administrator)
        entry.refresh_from_db()
        assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.COPY)
        assert ScheduledTask.objects.filter(pk=entry.system_task_id).exists(), (
            "the supervisor settles it as lost"
        )

    def test_entries_that_stand_still_and_those_of_the_system_are_left_alone(self, administrator):
        builders.make_entry(status=Status.ERROR, description="failed")
        builders.make_entry(
            status=Status.ON_HOLD, hold_kind=HoldKind.MANUAL, hold_reason="mine", description="held"
        )
        ensure_clean_up_entry(builders.default_company(), now=database_now())
        assert lifecycle.adopt(actor=administrator).held == 0
        assert Entry.objects.get(description="failed").status == Status.ERROR
        assert Entry.objects.get(description="held").hold_reason == "mine"
        clean_up = Entry.objects.get(is_system=True)
        assert clean_up.status == Status.READY
        assert ScheduledTask.objects.filter(pk=clean_up.system_task_id).exists()

    def test_everything_stays_ready_if_that_was_chosen(self, administrator):
        entry = with_task(builders.make_recurring_entry(status=Status.READY))
        assert lifecycle.adopt(actor=administrator, keep_ready=True).held == 0
        assert Entry.objects.get().status == Status.READY
        assert ScheduledTask.objects.filter(pk=entry.system_task_id).exists()

    def test_only_administrators_adopt(self):
        scheduler = builders.actor_of(builders.make_user(groups=["Scheduler"]))
        with pytest.raises(NotAllowed):
            lifecycle.adopt(actor=scheduler)
        assert copy_guard.look().held

    def test_a_database_its_owner_still_works_with_is_not_taken_away(self, administrator):
        Installation.objects.update(heartbeat_at=database_now() - timedelta(seconds=2))
        with pytest.raises(Refused, match="would stop its jobs") as refused:
            lifecycle.adopt(actor=administrator)
        assert refused.value.code == "still_in_use"

    def test_the_command_waits_until_it_is_clear_that_nobody_works_with_it(self, monkeypatch):
        builders.make_superuser("admin")
        Installation.objects.update(heartbeat_at=database_now())
        waited = []

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                Installation.objects.update(heartbeat_at=database_now() - timedelta(minutes=1))

        monkeypatch.setattr(examining.time, "sleep", sleep)
        said = StringIO()
        call_command("jobqueue", "adopt", "--as", "admin", "--keep-ready", stdout=said)
        assert len(waited) == 3
        assert "belongs to “acme-test” now. All entries stay as they were." in said.getvalue()

    def test_the_command_gives_up_when_a_heartbeat_is_seen(self, monkeypatch):
        builders.make_superuser("admin")
        Installation.objects.update(heartbeat_at=database_now())
        monkeypatch.setattr(
            examining.time,
            "sleep",
            lambda seconds: Installation.objects.update(heartbeat_number=99, heartbeat_at=database_now()),
        )
        said = StringIO()
        with pytest.raises(SystemExit):
            call_command("jobqueue", "adopt", "--as", "admin", stderr=said)
        assert "database of its own" in said.getvalue()
        assert Installation.objects.get().site_id == "acme"

    def test_explain_names_the_closed_gate(self):
        entry = with_task(builders.make_recurring_entry(status=Status.READY))
        assert "nobody has adopted it" in explain(entry, now=database_now()).gates[-1].reason


def test_a_restored_database_is_adopted_and_files_about_the_lost_time_no_longer_count(
    settings, tmp_path, administrator
):
    Installation.objects.all().delete()
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SITE_ID": "acme", "HEARTBEAT_DIR": tmp_path}
    guard = CopyGuard()
    guard.beat()
    backup = Installation.objects.get()
    for _ in range(5):
        guard.beat()
    backup.save()
    assert guard.beat()
    lifecycle.adopt(actor=administrator)
    assert not guard.beat()
    assert not CopyGuard().beat()


def test_there_is_nothing_to_adopt_in_a_database_of_our_own(administrator):
    with pytest.raises(Refused, match="nothing to adopt"):
        lifecycle.adopt(actor=administrator)
