"""*Why is it not running?* and the preview of a package."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from jobqueue.models import Cluster, ScheduledTask
from packages import lifecycle
from packages.explain import explain
from packages.live import as_they_are
from packages.preview import due_times
from packages.states import PackageStatus
from tests.packages.building import (
    FRIDAY_NOON,
    TONIGHT,
    active,
    add_daily,
    add_line,
    boss_of,
    last_run,
    make_package,
    nightly,
    reloaded,
    run,
)

pytestmark = pytest.mark.django_db


def closed(package, *, now=FRIDAY_NOON):
    return [answer.question for answer in explain(package, now=now).answers if not answer.open]


def test_a_due_package_names_the_limit_it_waits_for(settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SITE_LIMIT": 1}
    Cluster.objects.create(
        host="here", machine="m", pid=1, process_start=1, lease_until=TONIGHT + timedelta(days=9), workers=2
    )
    package = active(nightly())
    assert explain(package, now=TONIGHT).sentence == "“Nightly” starts at any moment."
    ScheduledTask.objects.create(
        main_routine="x",
        state=ScheduledTask.State.RUNNING,
        not_before=TONIGHT,
        rank=TONIGHT,
        timeout_seconds=1,
    )
    reached = "“Nightly” is due and has not started: the limit of one run at a time is reached."
    assert explain(package, now=TONIGHT).sentence == reached


def test_an_active_package_waits_for_its_time():
    package = active(nightly())
    found = explain(package, now=FRIDAY_NOON)
    assert "Next run: Fri 20 Nov 2026 22:00 (Europe/Amsterdam)." in found.sentence
    assert closed(package) == ["Its time has come", "A worker is alive"]


def test_a_held_package_says_who_held_it_and_why():
    package = active(nightly())
    package = lifecycle.set_on_hold(package, actor=boss_of(package), reason="stock-taking", now=FRIDAY_NOON)
    found = explain(reloaded(package), now=FRIDAY_NOON)
    assert found.sentence == (
        f"“Nightly” does not run. The package is On Hold since 2026-11-20 11:00 UTC by {package.held_by}: stock-taking."
    )
    assert (found.first_closed.verb, found.starts_at) == ("set-active", None)


def test_a_stopped_package_says_what_stopped_it():
    package = active(nightly(failing=(20,)))
    run()
    assert "Line 20 Calculate failed: The printer ran out of paper." in explain(reloaded(package)).sentence


def test_an_empty_package_has_several_answers():
    assert closed(make_package()) == [
        "The schedule is on",
        "A due time is coming",
        "Lines, jobs and run identity are in order",
        "A worker is alive",
    ]


def test_an_open_run_is_explained_by_its_line():
    package = nightly()
    lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
    found = explain(package, now=TONIGHT)
    assert "is running" in found.sentence
    assert "Line 10 Import" in found.sentence
    assert [line.get_result_display() for line in as_they_are(last_run(package).lines.all())] == [
        "Waiting",
        "Pending",
        "Pending",
        "Pending",
    ]


def test_preview_shows_the_next_due_times_on_the_packages_clock():
    package = nightly()
    found = due_times(package, now=FRIDAY_NOON)
    assert len(found) == 20
    assert [f"{one.local:%d %H:%M}" for one in found[:3]] == ["20 22:00", "21 22:00", "22 22:00"]
    assert found[0].at == TONIGHT
    assert reloaded(package).status == PackageStatus.ON_HOLD


def test_preview_remarks_on_clock_changes_and_ends_with_the_schedule():
    package = make_package()
    add_line(package, "Import")
    add_daily(package, "02:30", valid_to="2027-03-29")
    found = due_times(package, now=TONIGHT.replace(year=2027, month=3, day=26))
    assert [f"{one.local:%d %H:%M}" for one in found] == ["27 02:30", "28 03:30", "29 02:30"]
    assert found[1].notes == (
        "clock goes forward: 02:30 does not exist, runs at 03:30",
        "clock changed since the run before: now UTC+02:00",
    )
    autumn = due_times(package, now=TONIGHT.replace(year=2026, month=10, day=24) - timedelta(hours=1))
    assert "runs at the first passing" in autumn[0].notes[0]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        # Spring: 02:00 to 03:00 is left out. 6 runs on the day of the change, 7 on the next.
        (
            datetime(2027, 3, 27, 23, 30, tzinfo=UTC) - timedelta(hours=1),
            ["28 00:00+01", "28 01:00+01", "28 03:00+02", "28 04:00+02", "28 05:00+02", "28 06:00+02"],
        ),
        # Autumn: 02:00 comes twice. 8 runs.
        (
            datetime(2026, 10, 24, 21, 30, tzinfo=UTC),
            [
                *("25 00:00+02", "25 01:00+02", "25 02:00+02", "25 02:00+01"),
                *("25 03:00+01", "25 04:00+01", "25 05:00+01", "25 06:00+01"),
            ],
        ),
    ],
    ids=["spring", "autumn"],
)
def test_twenty_due_times_of_a_grid_over_a_clock_change(start, expected):
    package = make_package()
    add_line(package, "Import")
    add_daily(package, "00:00", ending_time="06:00", minutes_between_runs=60)
    found = due_times(package, now=start)
    assert len(found) == 20
    assert [f"{one.local:%d %H:%M%z}"[:-2] for one in found[: len(expected)]] == expected
    assert found[len(expected)].local.hour == 0
    assert [one.at for one in found] == sorted({one.at for one in found})
    steps = {later.at - one.at for one, later in pairwise(found) if later.local.day == one.local.day}
    assert steps == {timedelta(hours=1)}
    assert any("clock changed since the run before" in note for one in found for note in one.notes)


def test_twenty_daily_due_times_over_both_clock_changes():
    package = make_package()
    add_line(package, "Import")
    add_daily(package, "22:00")
    for start in (datetime(2027, 3, 20, 12, tzinfo=UTC), datetime(2026, 10, 17, 12, tzinfo=UTC)):
        found = due_times(package, now=start)
        assert [one.local.hour for one in found] == [22] * 20
        assert len({one.local.utcoffset() for one in found}) == 2
        assert [later.local.date() - one.local.date() for one, later in pairwise(found)] == [
            timedelta(days=1)
        ] * 19
