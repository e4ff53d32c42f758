"""What lies around the passes: runs, heartbeat, watching, mails, sign-in, doctor, retention, commands."""

import json
from datetime import timedelta
from io import StringIO
from unittest.mock import Mock

import pytest
from django.core.management import call_command

from jobqueue import doctor, lifecycle
from jobqueue import events as queue_events
from jobqueue.errors import Refused
from jobqueue.models import Entry, EntryChange, ScheduledTask
from jobqueue.scheduler import copy_guard, database_now, fixed_clock
from jobqueue.states import HoldKind, Status
from notifications.models import Message
from refresher import following, watching
from refresher.asking import setup_of
from refresher.errors import PassFailed
from refresher.models import MonitoredJob, RefreshLog, RefreshSetup
from refresher.passing import refresh as refresh_module
from refresher.retention import delete_old_logs
from refresher.sign_in import refresh_after_sign_in
from refresher.states import PassState, Why
from tests.builders import NOW, actor_of, default_company, make_recurring_entry, make_superuser
from tests.jobqueue.driving import connected, outcomes_of, reload, rows_of, run
from tests.refresher.situations import (
    entry_of,
    external_mode,
    login_mode,
    lose_task,
    make_runner,
    outcome,
    ready_job,
    refresh,
)

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


# --- runs


def test_a_value_corrected_during_a_run_counts_from_the_next_run_on():
    external_mode()
    entry, job = ready_job(earliest_start_at=None)
    refresh()
    Entry.objects.filter(pk=entry.pk).update(minutes_between_runs=5)
    met = []

    def refresh_during_the_run(entry, **named):
        met.append(outcome(now=NOW + 2 * SECOND).why)

    with connected(queue_events.before_execute, refresh_during_the_run):
        run(NOW + SECOND, until_idle=False)
    after = reload(entry)
    assert met == [Why.RUNNING]
    assert outcomes_of(entry) == [("Success", True)]
    assert (after.status, after.minutes_between_runs) == (Status.READY, 60)
    assert after.earliest_start_at == NOW + HOUR + SECOND


def test_a_restarted_job_runs_as_its_runner():
    setup = external_mode()
    entry, _ = ready_job(earliest_start_at=None)
    lose_task(entry)
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR, system_task_id=None)
    refresh()
    run(NOW + SECOND, until_idle=False)
    assert [row.user for row in rows_of(entry)] == [setup.default_runner.user]


def test_a_success_calls_the_heartbeat_and_a_refused_call_harms_nothing(monkeypatch):
    login_mode()
    entry, job = ready_job(earliest_start_at=None)
    MonitoredJob.objects.update(heartbeat_url="http://127.0.0.1:8389/ping")  # refused by the outbound rule
    refresh()
    assert reload(entry).is_watched
    run(NOW + SECOND, until_idle=False)
    assert ScheduledTask.objects.filter(main_routine=following.HEARTBEAT_ROUTINE).count() == 1
    assert following.beat(entry.id) is False
    calls = []

    class Answer:
        status = 200

    monkeypatch.setattr(following, "send", lambda call: calls.append(call) or Answer)
    assert following.beat(entry.id) is True
    (call,) = calls
    assert (call.method, call.address, call.timeout_seconds) == ("POST", "http://127.0.0.1:8389/ping", 5)


# --- nothing is being refreshed


def test_people_are_told_once_that_nobody_refreshes_and_once_when_somebody_does():
    anna = make_superuser("anna")
    runner = make_runner(created_by=anna)
    external_mode(default_runner=runner)
    RefreshSetup.objects.update(external_enabled_at=NOW)
    ready_job()
    assert watching.look_round(NOW + 3 * HOUR) == []
    assert len(watching.look_round(NOW + 3 * HOUR + SECOND)) == 1
    assert watching.look_round(NOW + 4 * HOUR) == []
    refresh(now=NOW + 4 * HOUR)
    RefreshLog.objects.update(ended_at=NOW + 4 * HOUR)
    assert len(watching.look_round(NOW + 4 * HOUR + MINUTE)) == 1
    assert watching.look_round(NOW + 4 * HOUR + 2 * MINUTE) == []
    assert [message.scenario for message in Message.objects.order_by("pk")] == [
        "not_refreshed",
        "refreshed_again",
    ]


def test_nobody_is_told_where_nothing_is_monitored_or_the_external_refresher_is_off():
    external_mode()
    assert watching.look_round(NOW) == []
    login_mode()
    ready_job()
    assert watching.look_round(NOW) == []


# --- mails


def test_a_job_that_cannot_be_refreshed_is_told_once():
    external_mode()
    entry, job = ready_job()
    MonitoredJob.objects.filter(pk=job.pk).update(created_by=make_superuser("anna"))
    entry.delete()
    for hour in range(3):
        refresh(now=NOW + hour * HOUR)
    message = Message.objects.get()
    assert (message.scenario, message.user.username) == ("refresh_failed", "anna")
    assert "does not exist any more" in message.facts["error"]


def test_a_job_whose_first_failing_pass_broke_off_is_told_by_the_next_one(monkeypatch):
    external_mode()
    entry, job = ready_job()
    MonitoredJob.objects.filter(pk=job.pk).update(created_by=make_superuser("anna"))
    refresh()
    entry.delete()
    with monkeypatch.context() as broken:
        broken.setattr(refresh_module, "_count", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            refresh(now=NOW + HOUR)
    assert not Message.objects.exists()
    refresh(now=NOW + 2 * HOUR)
    refresh(now=NOW + 3 * HOUR)
    assert Message.objects.get().scenario == "refresh_failed"


def test_each_reason_why_nothing_can_be_refreshed_is_told_once(settings):
    setup = external_mode(default_runner=make_runner(created_by=make_superuser("anna")))
    RefreshLog.objects.create(
        company=setup.company, state=PassState.FAILED, asked_at=NOW, ended_at=NOW, message="It broke off."
    )
    RefreshSetup.objects.update(default_time_zone="")
    for minutes in range(2):
        with pytest.raises(PassFailed):
            refresh(now=NOW + minutes * MINUTE)
    assert "no default job time zone" in Message.objects.get().facts["happened"]


# --- sign-in


def test_signing_in_brings_a_pass_in_the_background(client):
    login_mode()
    entry, job = ready_job()
    lose_task(entry)
    client.force_login(make_superuser())
    log = RefreshLog.objects.get()
    task = ScheduledTask.objects.get(main_routine="refresher.pass")
    assert (log.state, task.user) == (PassState.QUEUED, log.user)
    with fixed_clock(task.not_before):
        run(task.not_before)
    log.refresh_from_db()
    assert (log.state, log.restarted) == (PassState.DONE, 1)


def test_signing_in_costs_nothing_where_nothing_is_monitored(client):
    login_mode()
    client.force_login(make_superuser())
    assert not RefreshLog.objects.exists()
    assert not ScheduledTask.objects.filter(main_routine="refresher.pass").exists()


# --- the copy guard


def test_nothing_is_refreshed_while_the_copy_guard_holds_the_database(settings):
    setup = external_mode()
    entry, _ = ready_job()
    lose_task(entry)
    copy_guard.own_row()
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SITE_ID": "another"}
    with pytest.raises(Refused, match="belongs to another installation"):
        refresh(runner=setup.default_runner)
    setup.use_external = False
    setup.save()
    assert refresh_after_sign_in(make_superuser(), now=NOW) == []
    assert reload(entry).revision == entry.revision


def test_adopting_a_copy_switches_the_refresher_off_there(settings):
    external_mode()
    ready_job()
    row = copy_guard.own_row()
    row.heartbeat_at = NOW
    row.save()
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SITE_ID": "another"}
    lifecycle.adopt(actor=actor_of(make_superuser()), now=NOW + HOUR)
    setup = setup_of(default_company())
    assert (setup.enabled, setup.use_external) == (False, False)


# --- an entry created again in login mode


def test_in_login_mode_a_created_entry_runs_as_its_last_running_user():
    login_mode(create_missing_custom_jobs=True)
    bob = make_superuser("bob")
    entry, job = ready_job(user=bob)
    refresh()
    entry.delete()
    refresh()
    assert entry_of(job).user == bob


# --- doctor and retention


def results(name: str) -> list[tuple[str, str]]:
    return [(one.state.value, one.sentence) for one in doctor.examine() if one.name == name]


def test_the_doctor_says_who_is_not_looked_after():
    assert results("Refresher") == [("ok", "No jobs are monitored.")]
    external_mode(default_runner=None)
    ready_job()
    states = [state for state, _ in results("Refresher")]
    assert states.count("failure") == 2  # overdue, and unserved
    make_runner(failed_attempts=15)
    assert [state for state, _ in results("Runner users")] == ["failure"]


def test_the_doctor_names_a_runner_the_worker_does_not_call_while_it_calls_others():
    setup = external_mode()
    left_out = make_runner("robot")
    ready_job()
    ready_job(runner=left_out)
    refresh(runner=setup.default_runner, now=database_now())
    assert [sentence for state, sentence in results("Refresher") if state == "warning"] == [
        "Main company: the runner user “robot” has not refreshed its 1 monitored job yet."
    ]
    refresh(runner=left_out, now=database_now())
    assert [state for state, _ in results("Refresher")] == ["ok"]


def test_the_doctor_warns_where_nothing_is_refreshed():
    login_mode(enabled=False)
    ready_job()
    ((state, sentence),) = results("Refresher")
    assert (state, "nothing is being refreshed" in sentence) == ("warning", True)


def test_old_refresh_logs_go_after_thirty_days():
    login_mode()
    ready_job()
    refresh()
    RefreshLog.objects.update(asked_at=NOW)
    assert delete_old_logs(default_company(), now=NOW + timedelta(days=30)) == 0
    assert delete_old_logs(default_company(), now=NOW + timedelta(days=30, seconds=1)) == 1


def test_the_history_of_an_entry_tells_what_the_refresher_did():
    external_mode()
    entry, _ = ready_job()
    Entry.objects.filter(pk=entry.pk).update(description="Changed by hand")
    refresh()
    change = EntryChange.objects.get(entry_id=entry.id, action="refresh")
    assert change.reason == "It differed from the monitored job."
    assert change.changes["Description"][0] == "Changed by hand"
    assert change.user == setup_of(default_company()).default_runner.user


# --- the command line


def command(*words: str) -> dict | list:
    out = StringIO()
    call_command("refresher", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def operator():
    return make_superuser("root")


def test_the_commands_set_up_monitor_simulate_refresh_and_log(operator):
    entry = make_recurring_entry(user=operator)
    runner = make_runner("robot")
    assert command("setup", "--set", "default_runner=robot", "--enable-external")["use_external"]
    assert command("runners")[0]["user"] == "robot"
    assert command("monitor", str(entry.pk))[0]["job"]
    (job,) = command("jobs")
    assert command("show", str(job["id"]))["minutes_between_runs"] == 60
    lifecycle.set_ready(Entry.objects.get(pk=entry.pk), actor=actor_of(operator))
    lifecycle.set_on_hold(Entry.objects.get(pk=entry.pk), actor=actor_of(operator), kind=HoldKind.PROGRAM)
    (simulated,) = command("simulate")
    assert simulated["outcomes"][0]["action"] == "restarted"
    assert Entry.objects.get(pk=entry.pk).status == Status.ON_HOLD
    (done,) = command("refresh")
    assert done["outcomes"][0]["why"] == "program_hold"
    assert Entry.objects.get(pk=entry.pk).user == runner.user
    (listed,) = command("log")
    assert command("log", str(listed["id"]))["lines"][0]["action"] == "restarted"
    assert command("change", str(job["id"]), "--set", "minutes_between_runs=30")["minutes_between_runs"] == 30
    assert command("distribute", "--preview")[0]["new"] == "robot"
    assert command("recreate")["done"] is False
    assert command("recreate", "--yes")["from_entries"] == 1
    assert command("monitor", str(entry.pk), "--stop")["stopped"] == [entry.pk]


def test_a_refused_command_says_why_and_leaves_with_one(operator, capsys):
    with pytest.raises(SystemExit):
        call_command("refresher", "show", "4711", "--json")
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "not_found"
    with pytest.raises(SystemExit):
        call_command(
            "refresher", "monitor", str(make_recurring_entry(owner_kind="package", user=operator).pk)
        )
    assert "owned by a package" in capsys.readouterr().err


def test_a_command_that_is_refused_halfway_has_done_nothing(operator, capsys):
    setup = login_mode(enabled=False)
    setup.external_enabled_at, setup.use_external = NOW, True
    setup.save()
    with pytest.raises(SystemExit):
        call_command("refresher", "setup", "--set", "enabled=yes", "--enable-external")
    assert not setup_of(default_company()).enabled
    entry, _ = ready_job(user=operator)
    _, protected = ready_job(user=operator, is_protected=True)
    with pytest.raises(SystemExit):
        call_command(
            "refresher", "monitor", str(entry.pk), str(entry_of(protected).pk), "--stop", "--as", "root"
        )
    assert MonitoredJob.objects.count() == 2
    assert "is protected" in capsys.readouterr().err


def test_words_for_people_fit_the_terminal(operator):
    login_mode()
    entry, job = ready_job(user=operator)
    lose_task(entry)
    out = StringIO()
    call_command("refresher", "simulate", "--as", "root", stdout=out)
    assert "Its task was lost." in out.getvalue()
    assert all(len(line) < 400 for line in out.getvalue().splitlines())
