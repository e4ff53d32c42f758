"""Given a situation, when a pass is brought through any door, then the same happens, for the same reason in words.

Written from the refresher reference and the decisions alone. Each situation is met by a pass of the verb, by the call
of the API, by Refresh Now on the set-up card with its task run, by the command, and is foretold by a simulation.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from jobqueue import api_tokens, lifecycle
from jobqueue.models import Entry, ScheduledTask
from jobqueue.scheduler import database_now, fixed_clock
from jobqueue.states import Anchor, HoldKind, LogStatus, ObjectType, OutputType, Status
from refresher.models import MonitoredJob, RefreshLog, Runner
from refresher.passing import simulate_pass
from refresher.passing.requests import run_queued
from refresher.setup import RUNNER_GROUP
from refresher.states import PassState, RefreshStatus
from tests.admin.conftest import address
from tests.builders import (
    FAILING_OBJECT,
    NOW,
    actor_of,
    default_company,
    make_company,
    make_log_entry,
    make_recurring_entry,
    make_superuser,
    make_user,
)
from tests.jobobjects.jobs import LISTING, PROTECTED
from tests.jobqueue.driving import run
from tests.refresher.situations import (
    external_mode,
    line_of,
    lose_task,
    ready_job,
    refresh,
    stored,
)

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
IN_AN_HOUR = NOW + HOUR


@dataclass
class Given:
    """A situation: the entry (None if it is gone), its monitored job, and what must be so after a pass.

    ``then`` are fields of the entry the job drives afterwards; ``untouched`` says that not one column of the entry
    changes; ``says`` is part of the reason.
    """

    entry: Entry | None
    job: MonitoredJob
    does: str
    why: str
    says: str = ""
    then: dict[str, Any] | None = None
    untouched: bool = False


def force(entry: Entry, **fields: Any) -> Entry:
    """Writes past all verbs, as an accident or a script in the database would."""
    Entry.objects.filter(pk=entry.pk).update(revision=entry.revision + 1, **fields)
    return Entry.objects.get(pk=entry.pk)


def broken(**fields: Any) -> tuple[Entry, MonitoredJob]:
    """An entry that used up its attempts."""
    entry, job = ready_job(**fields)
    lose_task(entry)
    entry = force(entry, status=Status.ERROR, attempts=3, error_message="No paper.", system_task_id=None)
    return entry, job


def ready_as_runner(**fields: Any) -> tuple[Entry, MonitoredJob]:
    """Ready, and to be run by its runner: set so by an earlier pass."""
    entry, job = ready_job(**fields)
    ScheduledTask.objects.filter(pk=entry.system_task_id).update(user=runner_user())
    Entry.objects.filter(pk=entry.pk).update(user=runner_user())
    return Entry.objects.get(pk=entry.pk), job


def in_process(entry: Entry) -> Entry:
    task = Entry.objects.get(pk=entry.pk).system_task_id
    ScheduledTask.objects.filter(pk=task).update(state=ScheduledTask.State.RUNNING, started_at=NOW)
    make_log_entry(entry, status=LogStatus.IN_PROCESS, system_task_id=task, due_at=NOW)
    return force(entry, status=Status.IN_PROCESS)


# --- broken
def retries_used_up() -> Given:
    entry, job = broken()
    make_log_entry(entry, due_at=NOW - 30 * MINUTE, ended_at=NOW - 20 * MINUTE)
    then = {
        "status": Status.READY,
        "attempts": 0,
        "error_message": "",
        "earliest_start_at": NOW + 40 * MINUTE,
    }
    return Given(entry, job, "restarted", "in_error", "It had stopped in Error.", then)


def error_that_never_ran() -> Given:
    entry, job = broken()
    then = {"status": Status.READY, "earliest_start_at": IN_AN_HOUR}
    return Given(entry, job, "restarted", "in_error", then=then)


def error_whose_failures_are_newer_than_its_success() -> Given:
    entry, job = broken()
    make_log_entry(entry, due_at=NOW - 3 * HOUR, ended_at=NOW - 170 * MINUTE)
    make_log_entry(entry, status=LogStatus.ERROR, due_at=NOW - HOUR, ended_at=NOW - 59 * MINUTE)
    # Counted from the success: that due time is long over, so it starts at once.
    return Given(entry, job, "restarted", "in_error", then={"earliest_start_at": NOW + timedelta(seconds=1)})


def error_after_completion_far_from_due() -> Given:
    entry, job = broken(minutes_between_runs=1440)
    make_log_entry(entry, due_at=NOW - 2 * HOUR, ended_at=NOW - 2 * HOUR)
    return Given(entry, job, "restarted", "in_error", then={"earliest_start_at": NOW + 22 * HOUR})


def error_at_fixed_times() -> Given:
    entry, job = broken(
        recurrence_anchor=Anchor.FIXED,
        starting_time=time(8, 15),
        ending_time=time(18),
        earliest_start_at=None,
    )
    make_log_entry(entry, due_at=datetime(2026, 3, 2, 8, 15, tzinfo=UTC), ended_at=NOW - MINUTE)
    then = {"earliest_start_at": datetime(2026, 3, 2, 9, 15, tzinfo=UTC)}
    return Given(entry, job, "restarted", "in_error", then=then)


def error_of_a_date_formula() -> Given:
    entry, job = broken(next_run_date_formula="1D", starting_time=time(23), earliest_start_at=None)
    make_log_entry(entry, due_at=NOW - 10 * HOUR, ended_at=NOW - 9 * HOUR)  # midnight of today
    then = {"earliest_start_at": datetime(2026, 3, 3, 23, 0, tzinfo=UTC)}
    return Given(entry, job, "restarted", "in_error", then=then)


def error_outside_its_window() -> Given:
    entry, job = broken(starting_time=time(12), ending_time=time(13), earliest_start_at=None)
    then = {"earliest_start_at": datetime(2026, 3, 2, 12, 0, tzinfo=UTC)}
    return Given(entry, job, "restarted", "in_error", then=then)


def error_on_a_day_it_does_not_run() -> Given:
    days = {"run_on_mondays": False, "run_on_wednesdays": True}
    entry, job = broken(earliest_start_at=None, **days)
    then = {"earliest_start_at": datetime(2026, 3, 4, 0, 0, tzinfo=UTC)}
    return Given(entry, job, "restarted", "in_error", then=then)


def lost_task() -> Given:
    entry, job = ready_job()
    lose_task(entry)
    return Given(
        entry, job, "restarted", "lost_task", "Its task was lost.", {"earliest_start_at": IN_AN_HOUR}
    )


def task_that_was_never_released() -> Given:
    entry, job = ready_job()
    ScheduledTask.objects.filter(pk=entry.system_task_id).update(is_ready=False)
    return Given(entry, job, "restarted", "lost_task")


def task_planned_for_another_moment() -> Given:
    entry, job = ready_job()
    ScheduledTask.objects.filter(pk=entry.system_task_id).update(not_before=NOW + 9 * HOUR)
    return Given(entry, job, "restarted", "moved", then={"earliest_start_at": IN_AN_HOUR})


def finished() -> Given:
    entry, job = ready_job()
    lose_task(entry)
    entry = force(entry, status=Status.FINISHED, system_task_id=None)
    return Given(entry, job, "restarted", "finished", "It had finished.", {"status": Status.READY})


def held_without_a_kind() -> Given:
    entry, job = ready_job()
    lose_task(entry)
    entry = force(entry, status=Status.ON_HOLD, hold_kind="", system_task_id=None)
    return Given(entry, job, "restarted", "program_hold", then={"status": Status.READY})


def held_by_a_program() -> Given:
    entry, job = ready_job()
    lifecycle.set_on_hold(entry, actor=actor_of(make_superuser()), kind=HoldKind.PROGRAM, now=NOW)
    return Given(entry, job, "restarted", "program_hold", then={"status": Status.READY, "hold_kind": ""})


def waiting_without_a_task() -> Given:
    entry, job = ready_job(category_code="BANK")
    lose_task(entry)
    entry = force(entry, status=Status.WAITING, system_task_id=None)
    return Given(entry, job, "restarted", "lost_task", then={"status": Status.READY})


def sleeping_without_a_task() -> Given:
    entry, job = ready_job()
    lose_task(entry)
    entry = force(entry, status=Status.INACTIVITY, system_task_id=None)
    return Given(entry, job, "restarted", "lost_task", then={"status": Status.READY})


def retry_whose_task_was_lost() -> Given:
    entry, job = ready_job()
    lose_task(entry)
    entry = force(entry, attempts=2)
    return Given(entry, job, "restarted", "lost_task", then={"attempts": 0})


# --- left alone
def running() -> Given:
    entry, job = ready_job()
    entry = in_process(entry)
    return Given(entry, job, "left_alone", "running", "it is not disturbed", untouched=True)


def running_beyond_its_lease() -> Given:
    """The heartbeat is stale: the scheduler's rescue decides, not the refresher."""
    entry, job = ready_job()
    entry = in_process(entry)
    ScheduledTask.objects.filter(pk=entry.system_task_id).update(started_at=NOW - DAY)
    return Given(entry, job, "left_alone", "running", untouched=True)


def running_as_a_user_who_may_not() -> Given:
    entry, job = ready_job(object_id=PROTECTED, user=make_superuser())
    entry = in_process(entry)
    return Given(entry, job, "left_alone", "running", untouched=True)


def stuck_in_process() -> Given:
    entry, job = ready_job()
    entry = in_process(entry)
    lose_task(entry)
    return Given(entry, job, "left_alone", "lost_run", "the scheduler settles the lost run", untouched=True)


def waiting_for_its_category() -> Given:
    entry, job = ready_job(category_code="BANK")
    entry = force(entry, status=Status.WAITING)
    return Given(entry, job, "left_alone", "waiting", "Waiting for its turn in the category.", untouched=True)


def sleeping() -> Given:
    entry, job = ready_job()
    entry = force(entry, status=Status.INACTIVITY)
    return Given(entry, job, "left_alone", "sleeping", "sleeps for its inactivity period", untouched=True)


def about_to_be_tried_again() -> Given:
    entry, job = ready_job(
        object_id=FAILING_OBJECT, max_attempts=3, rerun_delay_seconds=86_400, earliest_start_at=None
    )
    run(NOW + timedelta(seconds=1))
    entry = Entry.objects.get(pk=entry.pk)
    assert entry.attempts == 1
    return Given(entry, job, "left_alone", "retry", "about to be tried again", untouched=True)


def scheduled() -> Given:
    entry, job = ready_as_runner()
    return Given(entry, job, "left_alone", "scheduled", "Scheduled as it should be.", untouched=True)


def scheduled_two_minutes_beside_its_due_time() -> Given:
    """Within the bracket of three minutes."""
    entry, job = ready_as_runner(earliest_start_at=NOW + 61 * MINUTE)
    make_log_entry(
        entry, due_at=NOW + 2 * MINUTE, ended_at=NOW + 2 * MINUTE
    )  # due at 10:02, bracket 10:00–10:03
    return Given(entry, job, "left_alone", "scheduled", untouched=True)


def due_for_hours() -> Given:
    entry, job = ready_as_runner(now=NOW - 5 * HOUR, earliest_start_at=NOW - 4 * HOUR)
    return Given(entry, job, "left_alone", "due", "as soon as a worker is free", untouched=True)


def due_right_now_at_fixed_times() -> Given:
    entry, job = ready_as_runner(
        now=NOW - HOUR,
        recurrence_anchor=Anchor.FIXED,
        starting_time=time(0),
        earliest_start_at=None,
    )
    assert entry.earliest_start_at == NOW
    return Given(entry, job, "left_alone", "due", untouched=True)


def expired() -> Given:
    entry, job = broken()
    MonitoredJob.objects.filter(pk=job.pk).update(expires_at=NOW - MINUTE)
    return Given(entry, job, "left_alone", "expired", "it has no further run", untouched=True)


def expiring_before_its_next_run() -> Given:
    entry, job = broken(expires_at=NOW + 30 * MINUTE, earliest_start_at=None, starting_time=time(12))
    return Given(entry, job, "left_alone", "expired", untouched=True)


def owned_by_a_package() -> Given:
    entry, job = broken()
    entry = force(entry, owner_kind="package", owner_reference="Month end")
    return Given(entry, job, "left_alone", "owned", "Owned by a package, “Month end”", untouched=True)


def of_the_system() -> Given:
    entry, job = broken()
    entry = force(entry, is_system=True)
    return Given(entry, job, "left_alone", "owned", "An entry of the system", untouched=True)


def held_by_a_person() -> Given:
    entry, job = ready_job(max_attempts=2)
    person = make_superuser("anna")
    lifecycle.set_on_hold(entry, actor=actor_of(person), reason="Stock-taking.", now=NOW)
    entry = force(Entry.objects.get(pk=entry.pk), max_attempts=9, description="Changed")
    says = "Held by a person (“anna”): Stock-taking."
    return Given(entry, job, "left_alone", "manual_hold", says, untouched=True)


def held(kind: HoldKind, why: str) -> Callable[[], Given]:
    def given() -> Given:
        entry, job = ready_job()
        lifecycle.set_on_hold(entry, actor=actor_of(make_superuser()), kind=kind, now=NOW)
        entry = force(Entry.objects.get(pk=entry.pk), description="Changed")
        return Given(entry, job, "left_alone", why, untouched=True)

    given.__name__ = f"held_as_{kind.value}"
    return given


def held_by_a_program_until_later() -> Given:
    entry, job = ready_job()
    lifecycle.set_on_hold(
        entry, actor=actor_of(make_superuser()), kind=HoldKind.PROGRAM, until=NOW + HOUR, now=NOW
    )
    entry = Entry.objects.get(pk=entry.pk)
    return Given(entry, job, "left_alone", "timed_hold", "the hold ends by itself", untouched=True)


# --- deleted
def deleted_custom() -> Given:
    entry, job = ready_job()
    entry.delete()
    return Given(None, job, "failed", "recreation_off", "creating missing custom jobs is off")


def deleted_protected() -> Given:
    entry, job = ready_job(is_protected=True, description="Posting", category_code="POST", max_attempts=7)
    entry.delete()
    then = {
        "status": Status.READY,
        "description": "Posting",
        "category_code": "POST",
        "max_attempts": 7,
        "earliest_start_at": IN_AN_HOUR,
        "user": runner_user(),
    }
    return Given(None, job, "recreated", "missing", "does not exist any more", then)


def deleted_and_allowed() -> Given:
    external_mode(create_missing_custom_jobs=True, default_runner=the_runner())
    entry, job = ready_job(starting_time=time(6), ending_time=time(7), time_zone="Asia/Tokyo")
    entry.delete()
    then = {"starting_time": time(6), "time_zone": "Asia/Tokyo", "status": Status.READY}
    return Given(None, job, "recreated", "missing", then=then)


def deleted_with_a_look_alike() -> Given:
    external_mode(create_missing_custom_jobs=True, default_runner=the_runner())
    entry, job = ready_job(parameter_string="bank=1")
    entry.delete()
    twin = make_recurring_entry(status=Status.ERROR, parameter_string="bank=1")
    make_recurring_entry(status=Status.ERROR, parameter_string="bank=2")
    return Given(None, job, "adopted", "missing", f"entry {twin.pk} does the same", {"pk": twin.pk})


def deleted_report() -> Given:
    external_mode(create_missing_custom_jobs=True, default_runner=the_runner())
    entry, job = ready_job(
        object_type=ObjectType.REPORT,
        object_id=LISTING,
        report_output_type=OutputType.CSV,
        user_language="da",
    )
    entry.delete()
    then = {"report_output_type": OutputType.CSV, "user_language": "da"}
    return Given(None, job, "recreated", "missing", then=then)


# --- changed
def changed(field: str, value: Any, **fields: Any) -> Callable[[], Given]:
    def given() -> Given:
        entry, job = ready_as_runner(**fields)
        expected = getattr(entry, field)
        assert expected != value
        entry = force(entry, **{field: value})
        then = {field: expected, "status": Status.READY, "earliest_start_at": IN_AN_HOUR}
        return Given(entry, job, "restarted", "changed", "It differed from the monitored job.", then)

    given.__name__ = f"changed_{field}"
    return given


def changed_weekdays_cleared() -> Given:
    """Somebody made it run once."""
    entry, job = ready_as_runner()
    days = {f"run_on_{day}s": False for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
    days |= {"run_on_saturdays": False, "run_on_sundays": False}
    entry = force(entry, recurring=False, minutes_between_runs=0, **days)
    then = {"recurring": True, "run_on_mondays": True, "run_on_sundays": True, "minutes_between_runs": 60}
    return Given(entry, job, "restarted", "changed", then=then)


def changed_report_options() -> Given:
    entry, job = ready_as_runner(
        object_type=ObjectType.REPORT,
        object_id=LISTING,
        report_output_type=OutputType.CSV,
    )
    entry = force(entry, report_output_type=OutputType.PDF)
    then = {"report_output_type": OutputType.CSV}
    return Given(entry, job, "restarted", "changed", then=then)


def report_options_the_template_does_not_have() -> Given:
    entry, job = ready_as_runner(
        object_type=ObjectType.REPORT,
        object_id=LISTING,
        report_output_type=OutputType.CSV,
    )
    entry = force(entry, report_request_page_options=True)
    return Given(entry, job, "left_alone", "scheduled", untouched=True)


def changed_while_running() -> Given:
    entry, job = ready_job()
    entry = force(in_process(entry), minutes_between_runs=5)
    then = {"minutes_between_runs": 60, "status": Status.IN_PROCESS, "user": entry.user}
    return Given(entry, job, "corrected", "running", "they apply from the next run on", then)


def changed_while_waiting() -> Given:
    entry, job = ready_job(category_code="BANK")
    entry = force(entry, status=Status.WAITING, description="Changed")
    then = {"description": job.description, "status": Status.WAITING, "user": entry.user}
    return Given(entry, job, "corrected", "waiting", then=then)


def moved_far_into_the_future() -> Given:
    entry, job = ready_as_runner(earliest_start_at=NOW + 900 * DAY)
    MonitoredJob.objects.filter(pk=job.pk).update(earliest_start_at=None)
    make_log_entry(entry, due_at=NOW - MINUTE, ended_at=NOW - MINUTE)
    then = {"earliest_start_at": NOW + 59 * MINUTE}
    return Given(entry, job, "restarted", "moved", "Its start was not its next due time.", then)


def run_by_a_person() -> Given:
    entry, job = ready_job(user=make_superuser("anna"))
    then = {"user": runner_user(), "earliest_start_at": IN_AN_HOUR}
    return Given(entry, job, "restarted", "other_user", "It would have run as “anna”.", then)


def run_by_somebody_who_was_disabled() -> Given:
    gone = make_superuser("gone")
    entry, job = broken(user=gone)
    gone.is_active = False
    gone.save()
    return Given(entry, job, "restarted", "in_error", then={"user": runner_user()})


# --- cannot be refreshed
def runner_may_not_run_it() -> Given:
    entry, job = broken(object_id=PROTECTED, user=make_superuser())
    says = "the permission “auth.delete_group” is missing"
    return Given(entry, job, "failed", "not_permitted", says, untouched=True)


def object_nobody_registers() -> Given:
    entry, job = broken()
    Entry.objects.filter(pk=entry.pk).update(object_id=77_777)
    MonitoredJob.objects.filter(pk=job.pk).update(object_id=77_777)
    return Given(Entry.objects.get(pk=entry.pk), job, "failed", "invalid", "77777", untouched=True)


def entry_of_another_object() -> Given:
    entry, job = ready_job()
    entry = force(entry, object_id=FAILING_OBJECT)
    return Given(entry, job, "failed", "other_object", "Change the object back", untouched=True)


def template_of_an_unknown_zone() -> Given:
    entry, job = broken()
    MonitoredJob.objects.filter(pk=job.pk).update(time_zone="Mars/Base")
    return Given(entry, job, "failed", "invalid", "Mars/Base", untouched=True)


def template_with_a_broken_formula() -> Given:
    entry, job = broken(next_run_date_formula="1D")
    MonitoredJob.objects.filter(pk=job.pk).update(next_run_date_formula="1Q1Q?")
    return Given(entry, job, "failed", "invalid", untouched=True)


SITUATIONS = [
    retries_used_up,
    error_that_never_ran,
    error_whose_failures_are_newer_than_its_success,
    error_after_completion_far_from_due,
    error_at_fixed_times,
    error_of_a_date_formula,
    error_outside_its_window,
    error_on_a_day_it_does_not_run,
    lost_task,
    task_that_was_never_released,
    task_planned_for_another_moment,
    finished,
    held_without_a_kind,
    held_by_a_program,
    waiting_without_a_task,
    sleeping_without_a_task,
    retry_whose_task_was_lost,
    running,
    running_beyond_its_lease,
    running_as_a_user_who_may_not,
    stuck_in_process,
    waiting_for_its_category,
    sleeping,
    about_to_be_tried_again,
    scheduled,
    scheduled_two_minutes_beside_its_due_time,
    due_for_hours,
    due_right_now_at_fixed_times,
    expired,
    expiring_before_its_next_run,
    owned_by_a_package,
    of_the_system,
    held_by_a_person,
    held(HoldKind.DRAFT, "draft_hold"),
    held(HoldKind.POISON, "poison_hold"),
    held(HoldKind.COPY, "copy_hold"),
    held(HoldKind.OWNER, "owner_hold"),
    held_by_a_program_until_later,
    deleted_custom,
    deleted_protected,
    deleted_and_allowed,
    deleted_with_a_look_alike,
    deleted_report,
    changed("description", "Not mine"),
    changed("parameter_string", "bank=9"),
    changed("max_attempts", 1, max_attempts=4),
    changed("rerun_delay_seconds", 1),
    changed("timeout_seconds", 5, timeout_seconds=600),
    changed("category_code", "OTHER", category_code="BANK"),
    changed("priority", 1),
    changed("priority_within_category", 1000),
    changed("minutes_between_runs", 5),
    changed("run_on_thursdays", False),
    changed("starting_time", time(9, 30), starting_time=time(8)),
    changed("ending_time", time(20), starting_time=time(8), ending_time=time(17)),
    changed("expires_at", NOW + DAY),
    changed("notify_on_success", True),
    changed("time_zone", "Asia/Tokyo"),
    changed("inactivity_timeout_minutes", 99),
    changed("missed_runs", "skip"),
    changed("user_language", "fr", user_language="da"),
    changed("manual_recurrence", False, manual_recurrence=True),
    changed_weekdays_cleared,
    changed_report_options,
    report_options_the_template_does_not_have,
    changed_while_running,
    changed_while_waiting,
    moved_far_into_the_future,
    run_by_a_person,
    run_by_somebody_who_was_disabled,
    runner_may_not_run_it,
    object_nobody_registers,
    entry_of_another_object,
    template_of_an_unknown_zone,
    template_with_a_broken_formula,
]


# --- the doors
def the_runner() -> Runner:
    found = Runner.objects.filter(user__username="robot").first()
    if found is None:
        user = make_user("robot", groups=[RUNNER_GROUP])
        user.is_staff = False
        user.save()
        found = Runner.objects.create(user=user, created_at=NOW - 3 * DAY, created_by=make_superuser())
    return found


def runner_user() -> Any:
    return the_runner().user


def by_verb() -> None:
    refresh(now=NOW)


def by_api() -> None:
    _, text = api_tokens.make_application(
        actor_of(make_superuser()), runner_user(), name="t", scopes=["refresh"], now=database_now()
    )
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}")
    answer = client.post(f"/api/v1/companies/{default_company().code}/refresh/")
    assert (answer.status_code, answer.json()["status"]) == (200, "refreshed"), answer.content
    assert answer.json()["jobs"] == 1


def by_refresh_now() -> None:
    client = Client()
    client.force_login(make_user(groups=["Operator"]))
    key = default_company().pk
    answer = client.post(address(f"refresher/refreshsetup/{key}/refresh-now/"))
    assert answer.status_code == 302
    log = RefreshLog.objects.get()
    assert log.state == PassState.QUEUED
    run_queued(log.pk, now=NOW)


def by_command() -> None:
    call_command("refresher", "refresh", "--as", make_superuser().username, "--json", stdout=StringIO())


DOORS = {"verb": by_verb, "API": by_api, "Refresh Now": by_refresh_now, "command": by_command}


@pytest.fixture(autouse=True)
def set_up():
    caches["shared"].clear()
    external_mode(default_runner=the_runner())


def columns(entry: Entry | None) -> dict[str, Any] | None:
    return None if entry is None else Entry.objects.values().get(pk=entry.pk)


def everything_twice() -> Iterator[Any]:
    """Each situation by the verb and by one of the other doors, in turn: they meet in one place below."""
    others = itertools.cycle(name for name in DOORS if name != "verb")
    for situation in SITUATIONS:
        for door in ("verb", next(others)):
            yield pytest.param(situation, door, id=f"{situation.__name__}-{door}")


@pytest.mark.parametrize(("situation", "door"), list(everything_twice()))
def test_a_pass_does_what_the_pages_say(situation, door):
    given = situation()
    before = columns(given.entry)
    others = list(ScheduledTask.objects.exclude(pk=(before or {}).get("system_task_id")).values())
    with fixed_clock(NOW):
        foretold = _foretold(given)
        DOORS[door]()
    log = RefreshLog.objects.get()
    line = line_of(given.job)
    assert (line.log_id, line.action, line.why) == (log.pk, given.does, given.why), line.reason
    assert given.says in line.reason
    assert foretold == (line.action, line.why, line.reason if given.does != "recreated" else foretold[2])
    assert (log.state, log.jobs) == (PassState.DONE, 1)
    counted = {"adopted": "recreated"}.get(given.does, given.does)
    counters = ("left_alone", "corrected", "restarted", "recreated", "failed")
    assert [name for name in counters if getattr(log, name)] == [counted]
    job = stored(given.job)
    failed = given.does == "failed"
    assert job.last_refresh_status == (RefreshStatus.ERROR if failed else RefreshStatus.SUCCESS)
    assert job.last_error == (line.reason if failed else "")
    assert job.last_refresh_at == NOW
    if given.untouched:
        assert columns(given.entry) == before
        assert line.changes == {}
    if failed and given.entry is None:
        assert not Entry.objects.filter(is_system=False).exists()
    if given.then is not None:
        entry = Entry.objects.get(id=job.entry_id)
        assert {name: getattr(entry, name) for name in given.then} == given.then
    _every_ready_entry_has_its_task(others)


def _foretold(given: Given) -> tuple[str, str, str]:
    results = simulate_pass(default_company(), actor=actor_of(make_superuser()), now=NOW)
    (outcome,) = [one for result in results for one in result.outcomes if one.job.pk == given.job.pk]
    return outcome.action.value, outcome.why.value, outcome.reason


def _every_ready_entry_has_its_task(others: list[dict[str, Any]]) -> None:
    """One task for each entry that is to run, planned for its start; nobody else's was touched."""
    for entry in Entry.objects.filter(status=Status.READY, object_id__lt=77_777):
        task = ScheduledTask.objects.filter(pk=entry.system_task_id).first()
        assert ScheduledTask.objects.filter(record=entry.id).count() <= 1
        if entry.id in MonitoredJob.objects.values_list("entry_id", flat=True):
            assert task is not None


def test_another_companys_jobs_are_not_looked_at():
    other = make_company("elsewhere")
    external_mode(other, default_runner=the_runner())
    theirs, _ = ready_job(company=other)
    lose_task(theirs)
    mine, _ = ready_job()
    lose_task(mine)
    before = columns(theirs)
    result = refresh(now=NOW)
    assert [one.entry_id for one in result.outcomes] == [mine.id]
    assert columns(theirs) == before


def test_what_a_pass_did_is_the_same_in_the_log_of_every_door():
    """The reason is one text: on the log page, in the API and in the command."""
    given = retries_used_up()
    refresh(now=NOW)
    line = line_of(given.job)
    client = Client()
    client.force_login(make_user(groups=["Viewer"]))
    page = client.get(address(f"refresher/refreshlog/{line.log_id}/change/")).content.decode()
    assert line.reason in page
    assert "Restarted" in page
    shown = StringIO()
    call_command(
        "refresher", "log", str(line.log_id), "--json", "--as", make_superuser().username, stdout=shown
    )
    found = json.loads(shown.getvalue())
    assert [one["reason"] for one in found["lines"]] == [line.reason]
    listed = client.get(address("refresher/monitoredjob/")).content.decode()
    assert line.reason in listed
