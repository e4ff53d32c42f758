"""A second pass right after the first changes nothing, and a simulation foretells the first, in any situation."""

from datetime import time, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobqueue.models import Entry, EntryChange, ScheduledTask
from jobqueue.states import Anchor, HoldKind, LogStatus, Status
from refresher.models import MonitoredJob
from refresher.passing import simulate_pass
from refresher.states import Action
from tests.builders import (
    FAILING_OBJECT,
    NOW,
    SUCCESS_OBJECT,
    actor_of,
    default_company,
    make_log_entry,
    make_superuser,
)
from tests.jobobjects.jobs import PROTECTED
from tests.refresher.situations import external_mode, login_mode, lose_task, ready_job, refresh

pytestmark = pytest.mark.django_db

MOMENT = timedelta(milliseconds=100)
TIMES = st.sampled_from([None, time(0), time(6, 30), time(9), time(17), time(23, 59)])
OFFSETS = st.integers(-3000, 3000).map(lambda minutes: timedelta(minutes=minutes))

SCHEDULES = st.one_of(
    st.fixed_dictionaries(
        {
            "minutes_between_runs": st.sampled_from([1, 7, 60, 1440, 2880]),
            "starting_time": TIMES,
            "ending_time": TIMES,
            "run_on_mondays": st.booleans(),
            "run_on_tuesdays": st.just(True),
        }
    ),
    st.fixed_dictionaries(
        {
            "next_run_date_formula": st.sampled_from(["1D", "WD1", "2W", "1D+CM", "D15"]),
            "starting_time": TIMES,
        }
    ),
)
ENTRIES = st.fixed_dictionaries(
    {
        "object_id": st.sampled_from([SUCCESS_OBJECT, SUCCESS_OBJECT, FAILING_OBJECT, PROTECTED]),
        "recurrence_anchor": st.sampled_from([Anchor.FIXED, Anchor.COMPLETION]),
        "time_zone": st.sampled_from(["UTC", "Europe/Copenhagen", "America/St_Johns", "Asia/Kathmandu"]),
        "earliest_start_at": st.one_of(st.none(), OFFSETS.map(lambda offset: NOW + offset)),
        "max_attempts": st.integers(0, 3),
    }
)
DAMAGES = st.fixed_dictionaries(
    {
        "status": st.sampled_from(list(Status)),
        "hold_kind": st.sampled_from(["", *HoldKind]),
        "attempts": st.integers(0, 1),
    },
    optional={
        "description": st.just("Changed by hand"),
        "starting_time": TIMES,
        "minutes_between_runs": st.sampled_from([5, 90]),
        "category_code": st.just("OTHER"),
        "earliest_start_at": OFFSETS.map(lambda offset: NOW + offset),
        "time_zone": st.just("Asia/Tokyo"),
        "max_attempts": st.just(8),
    },
)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 5000),
        st.sampled_from([LogStatus.SUCCESS, LogStatus.ERROR, LogStatus.SKIPPED, LogStatus.CANCELLED]),
    ),
    max_size=3,
    unique_by=lambda row: row[0],
)


def snapshot() -> tuple:
    """Everything a pass might change about entries."""
    return (
        list(Entry.objects.order_by("pk").values()),
        sorted(ScheduledTask.objects.values_list("pk", "not_before", "user_id"), key=str),
        EntryChange.objects.count(),
        list(MonitoredJob.objects.order_by("pk").values("entry_id", "last_refresh_status", "last_user_id")),
    )


@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    is_external=st.booleans(),
    create_missing=st.booleans(),
    is_protected=st.booleans(),
    schedule=SCHEDULES,
    entry_fields=ENTRIES,
    damage=DAMAGES,
    without_task=st.booleans(),
    is_gone=st.integers(0, 5).map(lambda number: number == 0),
    rows=ROWS,
)
def test_a_second_pass_right_after_the_first_changes_nothing(
    is_external, create_missing, is_protected, schedule, entry_fields, damage, without_task, is_gone, rows
):
    with transaction.atomic():
        (external_mode if is_external else login_mode)(create_missing_custom_jobs=create_missing)
        recurring = {"recurring": True} | schedule
        entry, job = ready_job(is_protected=is_protected, **recurring, **entry_fields)
        for minutes, status in rows:
            at = NOW - timedelta(minutes=minutes)
            make_log_entry(entry, status=status, due_at=at)
        if without_task:
            lose_task(entry)
        Entry.objects.filter(pk=entry.pk).update(**damage)
        if is_gone:
            entry.delete()

        admin = actor_of(make_superuser())
        before = snapshot()
        foretold = [
            one
            for result in simulate_pass(default_company(), actor=admin, now=NOW)
            for one in result.outcomes
        ]
        assert snapshot() == before

        first = refresh().outcomes
        assert [(one.action, one.why, one.reason) for one in first] == [
            (one.action, one.why, one.reason) for one in foretold
        ]
        assert [one.changes for one in first] == [one.changes for one in foretold]

        after_first = snapshot()
        second = refresh(now=NOW + MOMENT).outcomes
        assert snapshot() == after_first, second
        assert {one.action for one in second} <= {Action.LEFT_ALONE, Action.FAILED}
        assert MonitoredJob.objects.get(pk=job.pk).last_reason
        transaction.set_rollback(True)
