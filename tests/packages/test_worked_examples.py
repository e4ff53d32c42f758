"""The worked examples E1 to E8 of the *Packages reference* as a table, in all three On Error modes."""

import pytest

from jobqueue.events import before_execute
from jobqueue.states import Status
from notifications.models import Message, NotificationLine
from packages import lifecycle
from packages.lists import private_list
from packages.models import Run
from packages.states import OnError, Outcome, PackageStatus
from tests.jobobjects import jobs
from tests.packages.building import (
    DAY,
    HOUR,
    TOMORROW,
    TONIGHT,
    active,
    attempts_of,
    boss_of,
    entries_of,
    last_run,
    mails,
    nightly,
    receiving,
    reloaded,
    results_of,
    run,
    runs_of,
    with_recipients,
)

pytestmark = pytest.mark.django_db

STOP, FINISH, CONTINUE = OnError.STOP, OnError.FINISH, OnError.CONTINUE
S, E, SKIPPED, NOT_RUN = "Success", "Error", "Skipped", "Not Run"

FAILURES = [
    # failing lines, mode, results, outcome, status afterwards, mails to Eve
    ("E1", (20,), STOP, [S, E, SKIPPED, SKIPPED], Outcome.ERROR, PackageStatus.ERROR, 1),
    ("E1", (20,), FINISH, [S, E, S, S], Outcome.WITH_ERRORS, PackageStatus.ERROR, 1),
    ("E1", (20,), CONTINUE, [S, E, S, S], Outcome.WITH_ERRORS, PackageStatus.ACTIVE, 1),
    ("E3", (40,), STOP, [S, S, S, E], Outcome.ERROR, PackageStatus.ERROR, 1),
    ("E3", (40,), FINISH, [S, S, S, E], Outcome.WITH_ERRORS, PackageStatus.ERROR, 1),
    ("E3", (40,), CONTINUE, [S, S, S, E], Outcome.WITH_ERRORS, PackageStatus.ACTIVE, 1),
    ("E4", (20, 40), STOP, [S, E, SKIPPED, SKIPPED], Outcome.ERROR, PackageStatus.ERROR, 1),
    ("E4", (20, 40), FINISH, [S, E, S, E], Outcome.WITH_ERRORS, PackageStatus.ERROR, 2),
    ("E4", (20, 40), CONTINUE, [S, E, S, E], Outcome.WITH_ERRORS, PackageStatus.ACTIVE, 2),
]


@pytest.mark.parametrize(("example", "failing", "mode", "results", "outcome", "status", "eve"), FAILURES)
def test_lines_that_fail(example, failing, mode, results, outcome, status, eve):
    package = active(with_recipients(nightly(failing=failing, on_error=mode)))
    run()
    found = last_run(package)
    assert (results_of(found), found.outcome, found.trigger) == (results, outcome, "scheduled")
    package = reloaded(package)
    goes_on = status == PackageStatus.ACTIVE
    assert (package.status, package.next_run_at) == (status, TOMORROW if goes_on else None)
    assert package.last_outcome == outcome
    told = mails()
    assert told["eve"] == [("package_entry_error",)] * eve
    assert told["ann"] == [("package_error",)]
    assert told["cas"] == [("package_completion",)]
    assert "bob" not in told
    assert told.get("dee", []) == ([] if goes_on else [("package_stop",)])
    reached = [order for order in failing if results[order // 10 - 1] == E]
    assert [one["order"] for one in letter_to("ann")["lines"] if one["result"] == "error"] == reached
    run(TOMORROW)
    assert len(runs_of(package)) == (2 if goes_on else 1)


@pytest.mark.parametrize("mode", OnError)
def test_an_entry_error_is_told_at_once_and_the_error_of_the_run_at_its_end(mode):  # E1, when
    active(with_recipients(nightly(failing=(20,), on_error=mode)))
    told_when_it_ran = {}

    def note(*, entry, **_):
        told_when_it_ran[entry.description] = set(mails())

    with receiving(before_execute, note):
        run()
    if mode == STOP:
        assert told_when_it_ran == {"Import": set(), "Calculate": set()}
    else:
        assert (told_when_it_ran["Post"], told_when_it_ran["Report"]) == ({"eve"}, {"eve"})
    assert {"eve", "ann", "cas"} <= set(mails())
    assert letter_to("eve")["line"]["error"] == "The printer ran out of paper."


def letter_to(person):
    """The facts of the one letter somebody got."""
    return Message.objects.get(address=f"{person}@example.com").facts


@pytest.mark.parametrize("mode", OnError)
def test_a_line_that_succeeds_at_its_third_attempt_is_no_error(mode):  # E2
    flaky = {20: {"max_attempts": 2}}
    package = active(with_recipients(nightly(failing=(20,), entry_values=flaky, on_error=mode)))
    failing = entries_of(package)[1]
    run()
    run(TONIGHT + HOUR)
    type(failing).objects.filter(pk=failing.pk).update(object_id=jobs.SUCCESS)
    run(TONIGHT + 2 * HOUR)
    found = last_run(package)
    assert (results_of(found), found.outcome) == ([S, S, S, S], Outcome.SUCCESS)
    assert found.lines.get(run_order=20).attempts == 3
    assert [row.attempt for row in attempts_of(found, 20)] == [0, 1, 2]
    assert reloaded(package).status == PackageStatus.ACTIVE
    assert set(mails()) == {"bob", "cas"}


def test_set_on_hold_while_a_line_runs_that_succeeds():  # E5
    package = active(with_recipients(nightly()))
    held_during(package, "Calculate")
    found = last_run(package)
    assert (results_of(found), found.outcome) == ([S, S, NOT_RUN, NOT_RUN], Outcome.STOPPED)
    assert (reloaded(package).status, reloaded(package).next_run_at) == (PackageStatus.ON_HOLD, None)
    assert (found.held_by, found.hold_reason) == (package.created_by, "stock-taking")
    assert set(mails()) == {"cas"}


@pytest.mark.parametrize("mode", OnError)
def test_set_on_hold_while_a_line_runs_that_fails(mode):  # E6
    package = active(with_recipients(nightly(failing=(20,), on_error=mode)))
    held_during(package, "Calculate")
    found = last_run(package)
    assert (results_of(found), found.outcome) == ([S, E, NOT_RUN, NOT_RUN], Outcome.ERROR)
    assert reloaded(package).status == PackageStatus.ON_HOLD
    assert set(mails()) == {"eve", "ann", "cas"}


def test_continue_goes_on_every_night():  # E7
    package = active(with_recipients(nightly(failing=(20,), on_error=CONTINUE)))
    for night in range(3):
        run(TONIGHT + night * DAY)
    assert runs_of(package) == [("scheduled", Outcome.WITH_ERRORS)] * 3
    assert reloaded(package).status == PackageStatus.ACTIVE
    assert len(mails()["ann"]) == 3


def test_continue_every_night_is_told_subject_to_the_repeat_interval():  # E7, repeat interval
    package = with_recipients(nightly(failing=(20,), on_error=CONTINUE), [])
    two_days = 2 * 24 * 60
    NotificationLine.objects.create(
        list=private_list(package),
        address="ann@example.com",
        scenario="package_error",
        repeat_minutes=two_days,
    )
    active(package)
    for night in range(5):
        run(TONIGHT + night * DAY)
    assert reloaded(package).status == PackageStatus.ACTIVE
    held_back = [one.held_back for one in Message.objects.order_by("pk")]
    assert held_back == [0, 1, 1]


def test_reactivation_starts_from_the_beginning_and_catches_nothing_up():  # E8
    package = active(nightly(failing=(20,), on_error=STOP))
    run()
    assert [entry.status for entry in entries_of(package)] == [
        Status.ON_HOLD,
        Status.ERROR,
        Status.ON_HOLD,
        Status.ON_HOLD,
    ]
    assert "ran out of paper" in entries_of(package)[1].error_message
    failing = package.lines.get(run_order=20)
    lifecycle.change_line_entry(failing, {"object_id": jobs.SUCCESS}, actor=boss_of(package))
    nine = TONIGHT + 11 * HOUR
    package = active(package, now=nine)
    assert (package.status, package.next_run_at) == (PackageStatus.ACTIVE, TOMORROW)
    assert {entry.status for entry in entries_of(package)} == {Status.ON_HOLD}
    assert run(nine) == 0
    run(TOMORROW)
    assert results_of(last_run(package)) == [S, S, S, S]


def held_during(package, description):
    """Sets the package On Hold while the line of that description is running."""

    def hold(*, entry, **_):
        if entry.description == description:
            lifecycle.set_on_hold(package, actor=boss_of(package), reason="stock-taking", now=TONIGHT)

    with receiving(before_execute, hold):
        run()
    assert not Run.objects.filter(is_open=True).exists()
