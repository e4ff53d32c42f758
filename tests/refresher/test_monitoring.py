"""Monitored jobs: made from entries, from scratch and by code; changed, deleted, recreated."""

from datetime import time, timedelta
from functools import partial

import pytest

from jobqueue import events as queue_events
from jobqueue import lifecycle
from jobqueue.errors import Invalid, LockedField, Refused
from jobqueue.models import Entry, EntryChange
from jobqueue.scheduler import database_now
from jobqueue.states import Anchor, HoldKind, Origin, Status
from notifications.models import EntryLink, NotificationList
from notifications.verbs.links import link_entry
from refresher import events, monitoring
from refresher.asking import is_managed, monitored_job_of, setup_of
from refresher.errors import NotOperational
from refresher.models import ManagedByApp, MonitoredJob
from refresher.registration import register_all
from refresher.states import Action
from refresher.templates import TEMPLATE
from tests.builders import NOW, actor_of, default_company, make_entry, make_recurring_entry, make_superuser
from tests.jobobjects.jobs import TYPED
from tests.jobqueue.driving import connected
from tests.refresher.situations import (
    entry_of,
    external_mode,
    login_mode,
    make_runner,
    monitored,
    outcome,
    ready_job,
    refresh,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return actor_of(make_superuser("anna"))


# --- by flag and by selection


def test_the_flag_monitors_the_entry_as_it_is(admin):
    entry = make_recurring_entry(starting_time=time(8), max_attempts=0, description="Bank import")
    job = monitoring.set_managed_by_app(entry, True, actor=admin, now=NOW)
    assert {name: getattr(job, name) for name in TEMPLATE} == {
        name: getattr(entry, name) for name in TEMPLATE
    }
    assert (job.entry_id, job.is_protected, job.created_by) == (entry.id, False, admin.user)
    assert is_managed(entry)


def test_setting_the_flag_twice_makes_one_monitored_job(admin):
    entry = make_recurring_entry()
    first = monitoring.set_managed_by_app(entry, True, actor=admin, now=NOW)
    assert monitoring.set_managed_by_app(entry, True, actor=admin, now=NOW) == first
    assert MonitoredJob.objects.count() == 1


def test_taking_the_flag_off_leaves_the_entry_running(admin):
    entry, job = ready_job()
    assert monitoring.set_managed_by_app(entry, False, actor=admin, now=NOW) is None
    assert not MonitoredJob.objects.exists()
    assert not ManagedByApp.objects.exists()
    assert Entry.objects.get(pk=entry.pk).status == Status.READY


def test_the_flag_of_a_protected_job_stays(admin):
    entry, job = ready_job(is_protected=True)
    with pytest.raises(Refused, match="set it On Hold") as refusal:
        monitoring.set_managed_by_app(entry, False, actor=admin, now=NOW)
    assert refusal.value.code == "protected"
    assert monitored_job_of(entry) == job


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "invalid"),
        ({"recurring": True, "owner_kind": "package", "owner_reference": "Month end"}, "owned"),
        ({"recurring": True, "is_system": True}, "system_entry"),
    ],
)
def test_entries_that_run_once_or_belong_to_somebody_are_refused_on_every_path(admin, fields, code):
    entry = make_entry(**fields)
    with pytest.raises((Refused, Invalid)) as refusal:
        monitoring.set_managed_by_app(entry, True, actor=admin, now=NOW)
    assert refusal.value.code == code
    (created,) = monitoring.create_from_entries([entry], actor=admin, now=NOW)
    assert (created.job, created.code) == (None, code)
    assert created.error
    assert not ManagedByApp.objects.exists()


def test_of_several_entries_each_is_monitored_or_refused_for_itself(admin):
    once, monitored_already, fine = make_entry(), make_recurring_entry(), make_recurring_entry()
    monitored(monitored_already)
    found = monitoring.create_from_entries([once, monitored_already, fine], actor=admin, now=NOW)
    assert [one.code for one in found] == ["invalid", "already_monitored", ""]
    assert found[2].job.entry_id == fine.id


# --- from scratch


def test_a_job_from_scratch_gets_an_entry_that_is_started_as_whoever_made_it(admin):
    values = {
        "object_id": 90001,
        "weekdays": "mon,tue",
        "minutes_between_runs": 15,
        "starting_time": "08:00",
        "heartbeat_url": "https://hc.example/ping",
        "auto_reschedule": True,
        "auto_reschedule_delay_seconds": 60,
    }
    job = monitoring.create_from_scratch(default_company(), values, actor=admin, now=NOW)
    entry = entry_of(job)
    assert (entry.status, entry.user, entry.starting_time) == (Status.READY, admin.user, time(8))
    assert (job.heartbeat_url, job.auto_reschedule_delay_seconds) == ("https://hc.example/ping", 60)
    assert ManagedByApp.objects.get(entry_id=entry.id).managed


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"object_id": 90001}, "run_on_mondays"),
        ({"object_id": 4711, "weekdays": "mon"}, "object_id"),
        ({"object_id": 90001, "weekdays": "mon", "time_zone": "Mars/Base"}, "time_zone"),
        ({"object_id": 90001, "weekdays": "mon", "heartbeat_url": "nowhere"}, "heartbeat_url"),
        ({"object_id": 90001, "weekdays": "mon", "runner": "ghost"}, "runner"),
        (
            {"object_id": 90001, "weekdays": "mon", "auto_reschedule_delay_seconds": -1},
            "auto_reschedule_delay_seconds",
        ),
    ],
)
def test_bad_values_leave_nothing_behind(admin, values, field):
    with pytest.raises(Invalid) as refusal:
        monitoring.create_from_scratch(default_company(), values, actor=admin, now=NOW)
    assert field in {problem.field for problem in refusal.value.problems}
    assert not MonitoredJob.objects.exists()
    assert not Entry.objects.exists()


# --- changing


def test_a_change_reaches_the_entry_at_the_next_pass(admin):
    login_mode()
    entry, job = ready_job()
    monitoring.change_monitored_job(
        job, {"minutes_between_runs": 15, "time_zone": "Asia/Tokyo"}, actor=admin, now=NOW
    )
    assert Entry.objects.get(pk=entry.pk).minutes_between_runs == 60
    refresh()
    assert (entry_of(job).minutes_between_runs, entry_of(job).time_zone) == (15, "Asia/Tokyo")


def test_the_history_of_the_entry_tells_who_changed_its_monitored_job(admin):
    entry, job = ready_job()
    values = {"minutes_between_runs": 15, "auto_reschedule": True}
    monitoring.change_monitored_job(job, values, actor=admin, now=NOW)
    monitoring.assign_runner(job, make_runner("robot"), actor=admin)
    changed, assigned = EntryChange.objects.filter(entry_id=entry.id, user=admin.user).order_by("pk")
    assert (changed.action, changed.changes) == (
        "change-monitored-job",
        {
            "No. of minutes between runs": ["60", "15"],
            "Auto-reschedule after error": ["No", "Yes"],
        },
    )
    assert assigned.changes == {"JQ runner user": ["", "robot"]}


def test_a_date_formula_replaces_weekdays(admin):
    login_mode()
    entry, job = ready_job()
    job = monitoring.change_monitored_job(
        job, {"next_run_date_formula": "1D", "starting_time": "23:00"}, actor=admin, now=NOW
    )
    assert (job.weekdays, job.minutes_between_runs) == (frozenset(), 0)
    refresh()
    assert (entry_of(job).next_run_date_formula, entry_of(job).weekdays) == ("1D", frozenset())


def test_a_monitored_job_stays_recurring(admin):
    _, job = ready_job()
    with pytest.raises(Invalid, match="runs once"):
        monitoring.change_monitored_job(
            job, {"weekdays": [], "minutes_between_runs": 0}, actor=admin, now=NOW
        )
    assert stored(job).recurring


@pytest.mark.parametrize(
    ("values", "is_open"),
    [
        ({"description": "Ours"}, True),
        ({"category_code": "BANK"}, True),
        ({"expires_at": "2027-01-01T00:00:00Z"}, True),
        ({"heartbeat_url": "https://hc.example/x"}, True),
        ({"minutes_between_runs": 5}, False),
        ({"parameter_string": "x"}, False),
        ({"max_attempts": 3}, False),
    ],
)
def test_people_change_only_some_values_of_a_protected_job(values, is_open):
    _, job = ready_job(is_protected=True)
    program = actor_of(make_superuser(), origin=Origin.PROGRAM)
    if is_open:
        monitoring.change_monitored_job(job, values, actor=program, now=NOW)
    else:
        with pytest.raises(LockedField, match="is protected"):
            monitoring.change_monitored_job(job, values, actor=program, now=NOW)


def test_a_runner_that_does_not_work_is_not_assigned(admin):
    _, job = ready_job()
    tired = make_runner(failed_attempts=15)
    with pytest.raises(NotOperational, match="reset its failed attempts"):
        monitoring.assign_runner(job, tired, actor=admin)
    good = make_runner()
    assert monitoring.assign_runner(job, good, actor=admin).runner == good
    assert monitoring.assign_runner(job, None, actor=admin).runner is None


# --- the entry of a monitored job


@pytest.mark.parametrize(
    ("values", "is_open"),
    [
        ({"description": "x"}, False),
        ({"minutes_between_runs": 5}, False),
        ({"max_attempts": 3}, False),
        ({"object_id": 90002}, False),
        ({"starting_time": "08:00"}, False),
        ({"expires_at": "2027-01-01T00:00:00Z"}, True),
        ({"earliest_start_at": "2026-12-01T00:00:00Z"}, True),
        ({"priority": "high"}, True),
    ],
)
def test_enforced_fields_of_the_entry_are_locked_while_it_is_monitored(admin, values, is_open):
    entry = make_recurring_entry()
    job = monitored(entry)
    if is_open:
        lifecycle.change_entry(entry, values, actor=admin, now=NOW)
    else:
        with pytest.raises(LockedField, match=f"only on its monitored job {job.pk}"):
            lifecycle.change_entry(entry, values, actor=admin, now=NOW)
    monitoring.set_managed_by_app(entry, False, actor=admin, now=NOW)
    lifecycle.change_entry(entry, values, actor=admin, now=NOW)


def test_deleting_the_entry_takes_the_flag_along_and_leaves_the_monitored_job(admin):
    entry = make_recurring_entry()
    job = monitored(entry)
    lifecycle.delete_entry(entry, actor=admin, now=NOW)
    assert not ManagedByApp.objects.exists()
    assert stored(job).entry_id == entry.id


# --- recreate


def test_recreating_brings_back_code_and_flagged_entries_and_loses_the_rest(admin):
    external_mode()
    kept, kept_job = ready_job(parameter_string="ours")
    unflagged = make_recurring_entry()
    ManagedByApp.objects.create(entry_id=unflagged.id, company=default_company(), managed=False)
    kept_job.runner = make_runner()
    kept_job.heartbeat_url = "https://hc.example/x"
    kept_job.save()

    def register(registrar, **named):
        registrar.recurring(90001, key="posting", minutes=5, description="Posting")

    with connected(events.register_jobs, register):
        losses = monitoring.what_recreating_loses(default_company(), actor=admin)
        done = monitoring.recreate_monitored_jobs(default_company(), actor=admin, now=NOW)
    assert any("Runner user lost" in sentence for sentence in losses.sentences)
    assert any("heartbeat URL" in sentence for sentence in losses.sentences)
    assert done.deleted == 1
    assert {(job.entry_id, job.is_protected, job.runner) for job in MonitoredJob.objects.all()} == {
        (kept.id, False, None),
        (None, True, None),
    }
    assert Entry.objects.filter(status=Status.READY).count() == 1  # nothing was started


def test_recreating_takes_the_flag_off_an_entry_that_is_protected_now(admin):
    external_mode()
    entry, _ = ready_job(parameter_string="daily=1")

    def register(registrar, **named):
        registrar.recurring(90001, key="posting", parameter_string="daily=1", description="Posting")

    with connected(events.register_jobs, register):
        monitoring.recreate_monitored_jobs(default_company(), actor=admin, now=NOW)
        assert not ManagedByApp.objects.exists()
        assert MonitoredJob.objects.get().is_protected
        assert outcome().action == Action.ADOPTED
    assert monitored_job_of(entry).registered_as.endswith(":posting")


# --- registration by code


def test_code_that_leaves_things_unset_gets_the_defaults_of_registered_jobs():
    setup = external_mode(default_time_zone="Europe/Copenhagen")

    def register(registrar, **named):
        registrar.recurring(90001, starting_time=time(23, 0))

    with connected(events.register_jobs, register):
        register_all(setup, now=NOW)
    job = MonitoredJob.objects.get()
    assert (job.max_attempts, job.rerun_delay_seconds, job.minutes_between_runs) == (5, 180, 1440)
    assert (job.starting_time, job.ending_time, job.time_zone) == (time(23), time(1), "Europe/Copenhagen")
    assert (job.weekdays, job.notify_on_success) == (frozenset(range(1, 8)), False)
    assert (job.recurrence_anchor, job.description) == (Anchor.COMPLETION, "Succeed")
    assert job.registered_by.endswith("register")


def test_the_extension_point_before_insert_makes_its_change_part_of_the_template():
    external_mode()

    def register(registrar, **named):
        registrar.recurring(90001, key="posting", minutes=60)

    def customise(entry, **named):
        entry.parameter_string = "batch=7"

    with connected(events.register_jobs, register):
        refresh()
        with connected(queue_events.before_insert_recurring_entry, customise):
            refresh()
    job = MonitoredJob.objects.get()
    assert (job.parameter_string, entry_of(job).parameter_string) == ("batch=7", "batch=7")
    Entry.objects.filter(id=job.entry_id).update(parameter_string="other")
    with connected(queue_events.before_insert_recurring_entry, customise):
        refresh()
    assert entry_of(job).parameter_string == "batch=7"


def test_a_registered_job_that_is_wrong_is_reported_and_the_rest_goes_on():
    setup = external_mode()

    def register(registrar, **named):
        registrar.recurring(4711, minutes=60)

    with connected(events.register_jobs, register):
        (found,) = register_all(setup, now=NOW)
    assert "No installed app registers" in found.error
    assert not MonitoredJob.objects.exists()


def test_an_unchanged_registration_changes_nothing():
    setup = external_mode()

    def register(registrar, **named):
        registrar.recurring(90001, key="posting", minutes=2880, recurrence_anchor="fixed")

    with connected(events.register_jobs, register):
        register_all(setup, now=NOW)
        before = MonitoredJob.objects.values().get()
        register_all(setup_of(default_company()), now=NOW + timedelta(days=5))
    assert MonitoredJob.objects.values().get() == before


# --- who is taken for whom


def test_an_entry_with_other_parameters_is_nobodys_look_alike(admin):
    external_mode(create_missing_custom_jobs=True)
    entry, job = ready_job(object_id=TYPED, parameters={"customer": "10000"})
    other = make_recurring_entry(object_id=TYPED, parameters={"customer": "20000"})
    entry.delete()
    assert outcome().action == Action.RECREATED
    assert Entry.objects.get(pk=other.pk).parameters == {"customer": "20000"}
    assert entry_of(job).parameters == {"customer": "10000"}


def test_code_does_not_take_over_a_custom_job_with_other_parameters():
    setup = external_mode()
    _, custom = ready_job(object_id=TYPED, parameters={"customer": "10000"})

    def register(registrar, **named):
        registrar.recurring(TYPED, key="house", minutes=60, parameters={"customer": "20000"})

    with connected(events.register_jobs, register):
        register_all(setup, now=NOW)
    assert MonitoredJob.objects.count() == 2
    assert not stored(custom).is_protected


def test_a_cancelled_managed_job_is_not_brought_back(admin):
    external_mode(create_missing_custom_jobs=True)
    entry, job = ready_job()
    monitoring.cancel_managed_job(entry, actor=admin, now=NOW)
    refresh()
    assert not MonitoredJob.objects.exists()
    assert not Entry.objects.filter(is_system=False).exists()


# --- notification lists


def test_an_entry_created_again_is_heard_of_by_the_same_lists(admin):
    external_mode(create_missing_custom_jobs=True)
    people = NotificationList.objects.create(company=default_company(), name="On call")
    entry = make_recurring_entry(status=Status.READY)
    link_entry(entry, people, actor=admin)
    job = monitored(Entry.objects.get(pk=entry.pk))
    Entry.objects.all().delete()
    EntryLink.objects.all().delete()
    refresh()
    assert EntryLink.objects.get().entry_id == stored(job).entry_id
    assert entry_of(job).is_watched


def test_a_list_that_was_unlinked_is_linked_again_without_a_restart(admin):
    login_mode()
    people = NotificationList.objects.create(company=default_company(), name="On call")
    entry, job = ready_job()
    job.notification_lists.add(people)
    found = outcome()
    assert (found.action, found.changes) == (Action.CORRECTED, {"Notification lists": ["", "On call"]})
    assert EntryLink.objects.get().entry_id == entry.id
    assert outcome().action == Action.LEFT_ALONE


def test_owned_entries_are_never_touched_even_if_monitored():
    login_mode()
    entry, job = ready_job()
    Entry.objects.filter(pk=entry.pk).update(
        owner_kind="package", owner_reference="Month end", status=Status.ERROR, description="x"
    )
    found = outcome()
    assert (found.action, found.reason) == (
        Action.LEFT_ALONE,
        "Owned by a package, “Month end”, which looks after it.",
    )
    assert Entry.objects.get(pk=entry.pk).status == Status.ERROR


def test_a_hold_of_a_program_with_an_end_is_left_to_end_by_itself(admin):
    login_mode()
    entry, job = ready_job()
    until = NOW + timedelta(hours=1)
    lifecycle.set_on_hold(entry, actor=admin, kind=HoldKind.PROGRAM, until=until, now=NOW)
    assert outcome().action == Action.LEFT_ALONE
    assert outcome(now=until + timedelta(seconds=1)).action == Action.RESTARTED


def test_an_entry_that_runs_another_object_is_reported_and_not_touched():
    login_mode()
    entry, job = ready_job()
    Entry.objects.filter(pk=entry.pk).update(object_id=90002, description="x")
    found = outcome()
    assert (found.action, found.why) == (Action.FAILED, "other_object")
    assert Entry.objects.get(pk=entry.pk).description == "x"


def test_the_warning_lists_everything_that_recreating_loses(admin):
    """Each sentence names the jobs; what comes back as it was is not among them."""
    external_mode()

    def register(registrar, **named):
        registrar.recurring(90001, key="plain", minutes=60, description="Plain")
        registrar.recurring(90001, key="edited", minutes=60, description="Edited")
        registrar.recurring(90001, key="ours", minutes=60, description="Ours", customisable=True)
        registrar.recurring(90001, key="listed", minutes=60, description="Listed")
        registrar.recurring(90001, key="put off", minutes=60, description="Put off")

    with connected(events.register_jobs, register):
        register_all(setup_of(default_company()), now=NOW)
        named = {job.registered_as.partition(":")[2]: job for job in MonitoredJob.objects.all()}
        change = partial(monitoring.change_monitored_job, actor=admin, now=NOW)
        change(named["edited"], {"description": "Edited by us"})
        change(named["ours"], {"minutes_between_runs": 15})
        change(named["put off"], {"earliest_start_at": database_now() + timedelta(days=9)})
        named["listed"].notification_lists.add(
            NotificationList.objects.create(company=default_company(), name="On call")
        )
        MonitoredJob.objects.create(
            company=default_company(),
            description="Of an app that is gone",
            is_protected=True,
            registered_as="gone:job",
            recurring=True,
            object_type=5,
            object_id=90001,
            time_zone="UTC",
        )
        once, _ = ready_job(description="Runs once now")
        Entry.objects.filter(pk=once.pk).update(recurring=False)
        ready_job(description="Comes back as it was")
        before = list(MonitoredJob.objects.order_by("pk").values())
        sentences = monitoring.what_recreating_loses(default_company(), actor=admin).sentences
        assert list(MonitoredJob.objects.order_by("pk").values()) == before
    assert sentences == [
        "Not monitored any more, because the entry runs once or somebody else looks after it (1): “Runs once now”.",
        "Not monitored any more, because their code does not register them or fails (1): “Of an app that is gone”.",
        "What was changed on the monitored job lost (4): “Edited by us”, “Ours”, “Put off”, “Runs once now”.",
        "Notification lists of the monitored job lost (1): “Listed”.",
    ]


def test_a_registration_that_fails_is_foretold_as_a_loss(admin):
    external_mode()

    def register(registrar, **named):
        registrar.recurring(90001, key="posting", minutes=60, description="Posting")

    def fail(registrar, **named):
        raise ZeroDivisionError

    with connected(events.register_jobs, register):
        register_all(setup_of(default_company()), now=NOW)
    with connected(events.register_jobs, fail):
        (sentence,) = monitoring.what_recreating_loses(default_company(), actor=admin).sentences
    assert "does not register them or fails (1): “Posting”" in sentence
