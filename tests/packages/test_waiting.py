"""Due times that wait: told once while they wait, and not again when they are started late."""

from datetime import time

import pytest

from jobqueue.models import ScheduledTask
from jobqueue.states import Status
from notifications.letters.rendering import compose, render
from notifications.models import Message
from packages import lifecycle
from packages.engine.planning import START_ROUTINE
from packages.engine.reconciling import look_round, tell_what_waits
from packages.models import Run
from packages.states import MissedRun, Outcome
from tests.packages.building import (
    DAY,
    FRIDAY_NOON,
    HOUR,
    MINUTE,
    SECOND,
    TOMORROW,
    TONIGHT,
    active,
    add_daily,
    add_line,
    boss_of,
    entries_of,
    last_run,
    mails,
    make_package,
    nightly,
    occupied_category,
    reloaded,
    run,
    runs_of,
    step,
    with_recipients,
)

pytestmark = pytest.mark.django_db

MIA = [("mia", "package_missed")]
TOLD = {"mia": [("package_missed",)]}


def texts() -> list[str]:
    """What people read, oldest message first."""
    return [
        render(compose(one.template, one.facts, time_zone="Europe/Amsterdam")).text
        for one in Message.objects.order_by("pk")
    ]


def nothing_starts(at, *, rounds: int = 1) -> None:
    """All workers are busy: the stand-by looks, once a minute."""
    for number in range(rounds):
        tell_what_waits(now=at + number * MINUTE, no_worker_free=True)


class TestNoWorkerIsFree:
    def test_it_is_told_once_after_the_tolerance_however_long_it_waits(self):
        package = active(with_recipients(nightly(), MIA))
        nothing_starts(TONIGHT + 5 * MINUTE)
        assert mails() == {}
        nothing_starts(TONIGHT + 5 * MINUTE + SECOND, rounds=90)
        assert mails() == TOLD
        assert reloaded(package).next_run_at == TONIGHT
        [text] = texts()
        assert "The run due at Fri 20 Nov 2026 22:00 (Europe/Amsterdam) did not start in time." in text
        assert "It is still waiting and starts as soon as it can." in text
        assert "Next run: Sat 21 Nov 2026 22:00 (Europe/Amsterdam)." in text
        assert "Every worker is busy." in text

    def test_started_late_after_that_it_is_not_told_again(self):
        package = active(with_recipients(nightly(), [*MIA, ("cas", "package_completion")]))
        nothing_starts(TONIGHT + 6 * MINUTE)
        run(TONIGHT + HOUR)
        found = last_run(package)
        assert (found.trigger, found.due_at, found.outcome) == ("late", TONIGHT, Outcome.SUCCESS)
        assert mails() == TOLD | {"cas": [("package_completion",)]}

    def test_the_next_due_time_that_waits_is_told_again(self):
        active(with_recipients(nightly(), MIA))
        nothing_starts(TONIGHT + 6 * MINUTE)
        run(TONIGHT + HOUR)
        nothing_starts(TOMORROW + 6 * MINUTE)
        assert len(mails()["mia"]) == 2

    def test_a_window_that_ends_is_named_and_its_end_is_told(self):
        package = with_recipients(make_package(), MIA)
        add_line(package, "Import", 10)
        add_daily(package, time(22, 0), ending_time=time(23, 0), minutes_between_runs=60)
        active(package)
        nothing_starts(TONIGHT + 6 * MINUTE)
        run(TONIGHT + 2 * HOUR)
        assert runs_of(package) == [("scheduled", Outcome.MISSED)]
        waiting, missed = texts()
        assert "but not after Fri 20 Nov 2026 23:00 (Europe/Amsterdam); then it is missed." in waiting
        assert "2 due times passed without a run" in missed
        assert "You were told that it was waiting. It is missed and will not be caught up." in missed

    def test_by_skip_it_is_missed_at_once_and_told_once(self):
        package = active(with_recipients(nightly(missed_run=MissedRun.SKIP), MIA))
        nothing_starts(TONIGHT + 6 * MINUTE)
        assert "It is too late to start it: it is missed and will not be caught up." in texts()[0]
        run(TONIGHT + HOUR)
        assert runs_of(package) == [("scheduled", Outcome.MISSED)]
        assert mails() == TOLD

    def test_by_skip_more_due_times_that_pass_are_told_as_a_gap(self):
        package = active(with_recipients(nightly(missed_run=MissedRun.SKIP), MIA))
        nothing_starts(TONIGHT + 6 * MINUTE)
        run(TONIGHT + 2 * DAY + HOUR)
        assert last_run(package).gap_count == 3
        assert len(mails()["mia"]) == 2
        assert "3 due times passed without a run" in texts()[1]

    def test_whoever_made_it_is_told_once_too_when_nobody_is_listed(self):
        active(nightly())
        nothing_starts(TONIGHT + 6 * MINUTE, rounds=10)
        assert Message.objects.count() == 1

    def test_a_due_time_that_falls_into_an_open_run_is_not_told(self):
        package = active(with_recipients(nightly(), MIA))
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT - MINUTE)
        nothing_starts(TONIGHT + HOUR)
        assert mails() == {}

    def test_a_package_on_hold_waits_for_nobody(self):
        package = active(with_recipients(nightly(), MIA))
        lifecycle.set_on_hold(package, actor=boss_of(package), now=FRIDAY_NOON)
        nothing_starts(TONIGHT + HOUR)
        assert mails() == {}

    def test_an_overrun_is_told_while_the_run_keeps_the_only_worker_busy(self):
        package = with_recipients(nightly(max_duration_minutes=30), [("oona", "package_overrun")])
        active(package)
        step(TONIGHT)
        nothing_starts(TONIGHT + 29 * MINUTE)
        assert mails() == {}
        nothing_starts(TONIGHT + 30 * MINUTE, rounds=5)
        assert mails() == {"oona": [("package_overrun",)]}
        run(TONIGHT + HOUR)
        assert len(mails()["oona"]) == 1


class TestAWorkerLooksRound:
    """A worker that looks round is free itself: it looks twice, since the run may be about to start."""

    def test_it_tells_at_the_second_look(self):
        active(with_recipients(nightly(), MIA))
        look_round(now=TONIGHT + 6 * MINUTE)
        assert mails() == {}
        look_round(now=TONIGHT + 6 * MINUTE + 10 * SECOND)
        assert mails() == {}
        look_round(now=TONIGHT + 7 * MINUTE)
        look_round(now=TONIGHT + 8 * MINUTE)
        assert mails() == TOLD
        assert "If this was not planned, check that workers are running." in texts()[0]

    def test_after_a_standstill_of_everything_the_run_is_told_as_started_late(self):
        package = active(with_recipients(nightly(), MIA))
        look_round(now=TONIGHT + HOUR)
        run(TONIGHT + HOUR)
        assert last_run(package).trigger == "late"
        assert mails() == TOLD
        assert "It was started late and is running now." in texts()[0]

    def test_a_run_whose_first_entry_does_not_get_to_run_is_told_too(self):
        package = active(with_recipients(nightly(), MIA))
        step(TONIGHT)
        assert last_run(package).is_open
        for minute in range(5, 60):
            look_round(now=TONIGHT + minute * MINUTE)
        assert mails() == TOLD
        run(TONIGHT + HOUR)
        assert (last_run(package).outcome, len(mails()["mia"])) == (Outcome.SUCCESS, 1)

    def test_waiting_for_a_category_is_no_lateness(self):
        occupied_category()
        package = active(with_recipients(nightly(entry_values={10: {"category_code": "BANK"}}), MIA))
        run()
        assert entries_of(package)[0].status == Status.WAITING
        for minute in range(5, 60):
            look_round(now=TONIGHT + minute * MINUTE)
        assert mails() == {}


class TestHold:
    def test_a_hold_of_a_due_time_that_waits_is_logged_as_missed_and_told_if_it_was_late(self):
        package = active(with_recipients(nightly(), MIA))
        lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT + HOUR)
        found = Run.objects.get()
        assert (found.outcome, found.due_at) == (Outcome.MISSED, TONIGHT)
        assert found.message == "The package was set On Hold before a run could start."
        assert mails() == TOLD

    def test_within_the_tolerance_it_is_only_logged(self):
        package = active(with_recipients(nightly(), MIA))
        lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT + SECOND)
        assert (Run.objects.get().outcome, mails()) == (Outcome.MISSED, {})
        assert not ScheduledTask.objects.filter(main_routine=START_ROUTINE).exists()
