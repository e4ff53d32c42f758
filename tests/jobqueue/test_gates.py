"""The gates one by one: open, closed, why, and what opens them. No database."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from jobqueue.gates import GATES, Busy, Facts, GateName, Opener, decide, first_closed
from jobqueue.schedule import Recurrence
from jobqueue.states import HoldKind, MissedRuns, Status

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPEN = Facts(now=NOW, due_since=NOW, object_name="Codeunit 90001 “Succeed”")
DAILY = Recurrence(weekdays=frozenset(range(1, 8)), minutes=1440)


def closed_by(**facts):
    return first_closed(replace(OPEN, **facts))


def test_all_gates_are_open_for_a_ready_entry_that_is_due():
    assert first_closed(OPEN) is None
    assert all(gate.open for gate in decide(OPEN))
    assert [gate.name for gate in decide(OPEN)] == [name for name, _ in GATES] == list(GateName)


def test_without_an_entry_only_the_first_gate_is_asked():
    first, *others = decide(replace(OPEN, exists=False))
    assert first.open is False
    assert {gate.open for gate in others} == {None}


@pytest.mark.parametrize(
    ("facts", "name", "words", "verb"),
    [
        ({"exists": False}, GateName.EXISTS, "was deleted", ""),
        (
            {"status": Status.ERROR, "error_message": "No paper."},
            GateName.STARTABLE,
            "Error: No paper.",
            "restart",
        ),
        (
            {"status": Status.ERROR, "attempts": 3, "max_attempts": 3},
            GateName.STARTABLE,
            "after 3 of 3 retries",
            "restart",
        ),
        ({"status": Status.FINISHED}, GateName.STARTABLE, "has finished", "set-ready"),
        ({"is_current": False}, GateName.STARTABLE, "scheduled anew", ""),
        ({"has_task": False}, GateName.STARTABLE, "No task", "restart"),
        (
            {"expires_at": NOW - timedelta(seconds=1)},
            GateName.EXPIRED,
            "expired at 2026-03-02 08:59:59",
            "set-on-hold",
        ),
        (
            {
                "status": Status.ON_HOLD,
                "hold_kind": HoldKind.MANUAL,
                "hold_reason": "Audit",
                "held_by": "ann",
            },
            GateName.HELD,
            "On Hold. Set by a person (ann): Audit.",
            "set-ready",
        ),
        ({"status": Status.ON_HOLD, "hold_kind": HoldKind.OWNER}, GateName.HELD, "Held by its owner", ""),
        (
            {"owner_kind": "package line", "owner_reference": "7"},
            GateName.OWNER,
            "belongs to package line 7",
            "",
        ),
        ({"due_since": NOW + timedelta(hours=1)}, GateName.DUE, "Due at 2026-03-02 10:00:00", "run-now"),
        ({"objection": "Stocktaking."}, GateName.HOOK, "Stocktaking.", ""),
        ({"running": Busy("x", NOW)}, GateName.PARALLEL, "is running since 2026-03-02 09:00:00", "cancel"),
        (
            {"category_code": "BANK", "category_slots": 1, "category_busy": (Busy("Statement fetch", NOW),)},
            GateName.CATEGORY,
            "Category BANK has 1 slot, taken by “Statement fetch” since",
            "cancel",
        ),
        ({"user_active": False, "user_name": "ann"}, GateName.USER_ACTIVE, "“ann” is disabled", "set-ready"),
        (
            {"user_enters": False, "user_name": "ann"},
            GateName.USER_COMPANY,
            "“ann” may not work in this company",
            "set-ready",
        ),
        ({"object_known": False}, GateName.OBJECT, "is not registered", ""),
        (
            {"user_permitted": False, "user_name": "ann", "permission": "a.b"},
            GateName.USER_PERMITTED,
            "the permission “a.b” is missing",
            "set-ready",
        ),
        (
            {"parameter_problem": "Lines is required."},
            GateName.PARAMETERS,
            "Lines is required.",
            "set-on-hold",
        ),
        ({"live_workers": 0}, GateName.WORKER, "No worker is alive", ""),
    ],
)
def test_each_gate_closes_with_a_reason_and_names_the_verb_that_opens_it(facts, name, words, verb):
    gate = closed_by(**facts)
    assert gate is not None
    assert (gate.name, gate.verb) == (name, verb)
    assert words in gate.reason


def test_the_first_closed_gate_decides():
    gate = closed_by(status=Status.ERROR, expires_at=NOW - timedelta(days=1), live_workers=0)
    assert gate.name == GateName.STARTABLE


def test_an_entry_expires_only_after_its_moment():
    assert closed_by(expires_at=NOW) is None


def test_a_hold_with_an_end_opens_by_itself_then():
    until = NOW + timedelta(days=1)
    gate = closed_by(status=Status.ON_HOLD, hold_kind=HoldKind.MANUAL, held_until=until)
    assert gate.opens_at == until
    assert "until 2026-03-03 09:00:00 UTC" in gate.reason


def test_the_owners_line_opens_the_owners_gate():
    assert closed_by(owner_kind="package line", owner_reference="7", owner_line="r1") is None


@pytest.mark.parametrize(
    ("start", "end", "at", "is_open"),
    [
        (None, None, "12:00", True),
        ("08:00", "17:00", "08:00", True),
        ("08:00", "17:00", "17:00", True),
        ("08:00", "17:00", "07:59", False),
        ("08:00", "17:00", "17:01", False),
        ("22:00", "02:00", "23:00", True),
        ("22:00", "02:00", "02:00", True),
        ("22:00", "02:00", "12:00", False),
        ("11:00", "11:00", "12:00", True),
        ("11:00", "11:00", "10:59", False),
        ("08:00", None, "07:00", False),
        (None, "06:00", "06:00", True),
        (None, "06:00", "06:01", False),
    ],
)
def test_the_daily_window_includes_both_ends(start, end, at, is_open):
    read = lambda text: None if text is None else time.fromisoformat(text)  # noqa: E731
    now = datetime.combine(NOW.date(), read(at), tzinfo=UTC)
    recurrence = replace(DAILY, starting_time=read(start), ending_time=read(end))
    gate = first_closed(replace(OPEN, now=now, due_since=now, recurrence=recurrence))
    assert (gate is None) == is_open
    if gate is not None:
        assert gate.name == GateName.WINDOW
        assert gate.opens_at > now


def test_weekdays_are_not_tested_at_the_start():
    only_fridays = replace(DAILY, weekdays=frozenset({5}))
    assert closed_by(recurrence=only_fridays) is None


@pytest.mark.parametrize(
    ("late", "policy", "closed"),
    [
        (timedelta(minutes=1), MissedRuns.SKIP, False),
        (timedelta(minutes=1, seconds=1), MissedRuns.SKIP, True),
        (timedelta(days=3), MissedRuns.RUN_ONCE_LATE, False),
    ],
)
def test_a_missed_run_is_skipped_only_by_entries_that_say_so(late, policy, closed):
    facts = replace(OPEN, recurrence=DAILY, due_since=NOW - late, missed_runs=policy)
    gate = first_closed(facts)
    assert (gate is not None) == closed
    assert first_closed(replace(facts, recurrence=None)) is None, "an entry that runs once is never missed"
    assert first_closed(replace(facts, attempts=1)) is None, "nor is a retry"


def test_a_category_with_free_slots_is_open():
    busy = (Busy("One"), Busy("Two"))
    assert closed_by(category_code="BANK", category_slots=3, category_busy=busy) is None
    assert closed_by(category_code="BANK", category_slots=None, category_busy=busy) is None
    assert (
        "has 2 slots, taken by “One”, “Two”"
        in closed_by(category_code="BANK", category_slots=2, category_busy=busy).reason
    )


def test_an_extra_run_asks_for_no_status_hold_window_or_expiry():
    recurrence = replace(DAILY, starting_time=time(20), ending_time=time(21))
    for status in Status:
        facts = {"status": status, "recurrence": recurrence, "expires_at": NOW - timedelta(days=1)}
        assert closed_by(is_extra=True, **facts) is None


def test_an_extra_run_takes_its_turn_and_never_runs_beside_another():
    assert closed_by(is_extra=True, running=Busy("x")).name == GateName.PARALLEL
    assert (
        closed_by(is_extra=True, category_code="B", category_slots=1, category_busy=(Busy("x"),)).name
        == GateName.CATEGORY
    )


def test_what_opens_by_itself_says_so():
    assert closed_by(due_since=NOW + timedelta(hours=1)).opener is Opener.ITSELF
    assert closed_by(live_workers=0).opener is Opener.ADMINISTRATOR
