"""The worker as a program: against the live product, with a real login server, with everything that goes wrong."""

import json
import os
import signal
import time
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.cache import caches

from jobqueue import lifecycle
from jobqueue.models import Entry
from jobqueue.scheduler import database_now
from jobqueue.scheduler.models import Cluster
from jobqueue.states import HoldKind, Status
from refresher.entra import credentials
from refresher.models import MonitoredJob, RefreshLog, Runner
from refresher.states import PassState, Trigger
from tests.builders import actor_of, default_company, make_company, make_superuser
from tests.refresher.situations import external_mode, lose_task, ready_job
from tests.refresher.worker.conftest import application_user, live_cluster, token_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(live_server, worker):
    """The live product, well, and known to the worker."""
    caches["shared"].clear()
    live_cluster()
    worker.sections["product"]["url"] = live_server.url
    return live_server


@pytest.fixture
def robot(product, worker):
    """A runner with an API token, default runner of the company; the worker has its token."""
    runner = Runner.objects.create(
        user=application_user("robot"), created_at=database_now(), created_by=make_superuser()
    )
    external_mode(default_runner=runner)
    worker.runners.append({"name": "robot", "token": token_of(runner.user, "refresh")})
    return runner


@pytest.fixture
def night_runner(product, application, worker, login):
    """A runner that signs in to Entra ID with its client secret, and the worker's own token."""
    found = credentials.login_of(application)
    worker.sections["login"] = {"authority": login.base, "ca_file": login.ca_file}
    worker.sections["product"]["token"] = token_of(application_user("watcher"), "watch")
    worker.runners.append(
        {
            "name": "night-runner",
            "tenant_id": str(application.tenant.tenant_id),
            "client_id": found.client_id,
            "resource": found.resource,
            "secret": found.secret,
        }
    )
    external_mode(default_runner=application.runner)
    return application.runner


def tell_by_mail(worker, server):
    worker.sections["mail"] = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender": "worker@example.com",
        "recipients": ["oncall@example.com"],
    }


def coming_job(**fields):
    now = database_now()
    return ready_job(now=now, earliest_start_at=now + timedelta(hours=1), **fields)


def stored(runner):
    return Runner.objects.get(pk=runner.pk)


# --- a cycle
def test_one_cycle_restores_what_was_deleted_changed_broken_and_leaves_what_a_person_holds(
    worker, night_runner
):
    person = actor_of(make_superuser())
    may_run = night_runner.user
    deleted, gone = coming_job(is_protected=True)
    lifecycle.delete_entry(deleted, actor=person)
    changed, _ = coming_job()
    Entry.objects.filter(pk=changed.pk).update(description="Not mine", parameter_string="x=1")
    broken, _ = coming_job()
    lose_task(broken)
    Entry.objects.filter(pk=broken.pk).update(status=Status.ERROR, system_task_id=None)
    held, _ = coming_job()
    lifecycle.set_on_hold(held, actor=person, reason="Stock-taking")

    ended = worker.run("--once")

    assert (ended.status, ended.errors) == (0, ""), ended.out
    entries = {entry.pk: entry for entry in Entry.objects.all()}
    recreated = Entry.objects.get(id=MonitoredJob.objects.get(pk=gone.pk).entry_id)
    assert (recreated.status, recreated.user) == (Status.READY, may_run)
    assert entries[changed.pk].description != "Not mine"
    assert (entries[broken.pk].status, entries[broken.pk].user) == (Status.READY, may_run)
    assert (entries[held.pk].status, entries[held.pk].hold_kind) == (Status.ON_HOLD, HoldKind.MANUAL)
    log = RefreshLog.objects.get()
    assert (log.runner, log.trigger, log.state, log.jobs) == (night_runner, Trigger.WORKER, PassState.DONE, 4)
    assert stored(night_runner).last_success_at is not None
    (line,) = ended.events("refreshed")
    assert (line["runner"], line["company"], line["log"]) == ("night-runner", default_company().code, log.pk)
    assert worker.status["last_cycle"]["results"] == {"night-runner": "ok"}
    assert "secret" not in ended.out


def test_a_second_cycle_changes_nothing(worker, robot):
    entry, _ = coming_job()
    worker.run("--once")
    before = Entry.objects.values().get(pk=entry.pk)
    ended = worker.run("--once")
    assert (ended.status, Entry.objects.values().get(pk=entry.pk)) == (0, before)
    assert RefreshLog.objects.order_by("-pk")[0].left_alone == 1


def test_a_company_that_is_switched_off_is_neither_success_nor_failure(worker, robot):
    setup = external_mode(default_runner=robot)
    setup.enabled = False
    setup.save()
    Runner.objects.update(failed_attempts=3)
    ended = worker.run("--once")
    assert ended.status == 0
    assert stored(robot).failed_attempts == 3
    assert not RefreshLog.objects.exists()


# --- what can be wrong with a runner
def wrong_secret(worker, client, tenant):
    worker.runners[0]["secret"] = "not-it"


def expired_secret(worker, client, tenant):
    worker.runners[0]["secret"] = client.add_secret(seconds=-1).text


def no_consent(worker, client, tenant):
    client.granted.clear()


def wrong_tenant(worker, client, tenant):
    worker.runners[0]["tenant_id"] = "00000000-0000-4000-8000-000000000001"


def unknown_directory(worker, client, tenant):
    tenant.tenant_id = UUID(int=5)
    tenant.save()


def login_server_away(worker, client, tenant):
    worker.sections["login"]["authority"] = "https://127.0.0.1:9"


@pytest.mark.parametrize(
    ("goes_wrong", "sentence"),
    [
        (wrong_secret, "AADSTS7000215"),
        (expired_secret, "AADSTS7000222"),
        (no_consent, "entra_role_missing"),
        (wrong_tenant, "AADSTS90002"),
        (unknown_directory, "entra_tenant_unknown"),
        (login_server_away, "Check the network and login.authority"),
    ],
)
def test_a_runner_that_cannot_work_is_counted_once_with_the_reason(
    worker, night_runner, client, tenant, goes_wrong, sentence
):
    goes_wrong(worker, client, tenant)
    ended = worker.run("--once")
    assert ended.status == 3, ended.out
    runner = stored(night_runner)
    assert runner.failed_attempts == 1
    assert sentence in runner.last_error
    assert sentence in ended.events("runner_failed")[0]["error"]
    assert not RefreshLog.objects.exists()


def test_a_runner_that_fails_in_one_company_is_not_forgiven_by_another(worker, robot):
    """Else it would start from 0 every hour, and nobody would ever hear of the company it fails in."""
    broken = external_mode(make_company("aaa"), default_runner=robot, default_time_zone="")
    for number in (1, 2):
        ended = worker.run("--once")
        assert ended.status == 3, ended.out
        assert stored(robot).failed_attempts == number
    assert "aaa: The refresh set-up" in stored(robot).last_error
    assert RefreshLog.objects.filter(company=default_company(), state=PassState.DONE).count() == 2
    broken.default_time_zone = "UTC"
    broken.save()
    assert worker.run("--once").status == 0
    assert stored(robot).failed_attempts == 0


def test_consent_granted_meanwhile_takes_effect_at_the_next_cycle(
    worker, night_runner, client, directory, resource
):
    client.granted.clear()
    assert worker.run("--once").status == 3
    directory.grant(client, resource)
    assert worker.run("--once").status == 0
    assert stored(night_runner).failed_attempts == 0


def test_an_inactive_runner_is_not_called_until_somebody_resets_it(worker, night_runner, login):
    Runner.objects.update(failed_attempts=15)
    ended = worker.run("--once")
    assert ended.status == 3
    assert login.count("/oauth2/v2.0/token") == 0
    assert ended.events("runner_inactive")
    assert stored(night_runner).failed_attempts == 15
    Runner.objects.update(failed_attempts=0)
    assert worker.run("--once").status == 0


def test_without_a_token_of_its_own_the_worker_tells_of_the_runner_itself(worker, night_runner, mail_server):
    worker.sections["product"].pop("token")
    right, worker.runners[0]["secret"] = worker.runners[0]["secret"], "not-it"
    tell_by_mail(worker, mail_server)
    for _ in range(2):
        assert worker.run("--once").status == 3
    assert stored(night_runner).failed_attempts == 0
    assert worker.status["runners"]["night-runner"]["untold"] == 2
    worker.runners[0]["secret"] = right
    assert worker.run("--once").status == 0
    subjects = [mail["Subject"] for mail in mail_server.mails]
    assert subjects == [
        "The runner user night-runner fails",
        "Over: The runner user night-runner fails",
    ]
    assert "AADSTS7000215" in mail_server.mails[0].get_content()


def test_an_api_token_that_ended_is_a_sentence(worker, robot):
    worker.runners[0]["token"] = "jw_00000000_nothing"
    ended = worker.run("--once")
    assert ended.status == 3
    assert "token_unknown" in ended.events("runner_failed")[0]["error"]


# --- watching over the product
def test_a_stopped_product_is_told_once_and_its_return_once(worker, robot, mail_server, product):
    tell_by_mail(worker, mail_server)
    worker.sections["product"]["url"] = "http://127.0.0.1:9"
    for _ in range(2):
        ended = worker.run("--once")
        assert ended.status == 4
    assert not ended.events("cycle_started")
    worker.sections["product"]["url"] = product.url
    for _ in range(2):
        assert worker.run("--once").status == 0
    subjects = [mail["Subject"] for mail in mail_server.mails]
    assert subjects == ["Jobwarden cannot be reached", "Over: Jobwarden cannot be reached"]
    assert "cannot be reached" in mail_server.mails[0].get_content()
    assert mail_server.envelopes[0] == ["oncall@example.com"]


def test_without_workers_the_runners_are_served_and_people_told(worker, robot, mail_server):
    Cluster.objects.all().delete()
    tell_by_mail(worker, mail_server)
    coming_job()
    ended = worker.run("--once")
    assert ended.status == 4
    assert RefreshLog.objects.get().state == PassState.DONE
    assert "No worker has been seen recently" in mail_server.mails[0].get_content()


def test_a_company_nobody_refreshes_is_told(worker, robot, mail_server):
    tell_by_mail(worker, mail_server)
    coming_job()
    other = Runner.objects.create(user=application_user("other"), created_at=database_now())
    external_mode(default_runner=other)
    assert worker.run("--once").status == 4
    assert "have not been refreshed yet" in mail_server.mails[0].get_content()


# --- the program
def test_the_check_says_what_is_well_and_what_is_not(worker, night_runner, client):
    ended = worker.run("--check")
    assert ended.status == 0, ended.out
    assert "night-runner signs in to Entra ID." in ended.out
    assert f"night-runner refreshes {default_company().name}." in ended.out
    assert "product.token is accepted." in ended.out
    assert "warn  Alarms reach nobody" in ended.out
    client.granted.clear()
    worker.sections["product"]["token"] = "jw_00000000_nothing"
    ended = worker.run("--check")
    assert ended.status == 4
    assert "FAIL  night-runner: The access token does not hold the role JobQueue.Refresh" in ended.out
    assert "FAIL  product.token: The API token is not known here" in ended.out
    assert not (worker.folder / "status.json").exists()


def test_a_configuration_that_cannot_be_used_says_so_before_anything_is_called(worker):
    worker.sections["product"] = {"url": "jobs.example.com"}
    worker.sections["schedule"] = {"minutes": -1}
    ended = worker.run("--once")
    assert (ended.status, ended.out) == (2, "")
    assert ended.errors.splitlines()[0].startswith("schedule.minutes: a number from")


def test_the_environment_names_the_product(worker, robot, product):
    worker.sections["product"] = {}
    assert worker.run("--once", JOBWARDEN_WORKER_PRODUCT_URL=product.url).status == 0


def test_a_test_alarm_goes_out_by_mail(worker, robot, mail_server):
    assert worker.run("--test-alarm").status == 2
    tell_by_mail(worker, mail_server)
    ended = worker.run("--test-alarm")
    assert (ended.status, ended.out) == (0, "ok    mail took the message.\n")
    mail_server.recipients = ["550 no such user"]
    ended = worker.run("--test-alarm")
    assert (ended.status, "no such user" in ended.out) == (4, True)


def test_the_loop_runs_a_cycle_at_once_and_ends_in_order(worker, robot):
    process = worker.start()
    try:
        for line in process.stdout:
            if json.loads(line)["event"] == "cycle_ended":
                break
        second = worker.run("--once")
        assert second.status == 5
        assert "Another worker uses the status file" in second.out
    finally:
        os.kill(process.pid, signal.SIGTERM)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(out.splitlines()[-1])["event"] == "stopped"
    planned = worker.status["next_cycle_at"]
    assert 3_000 < planned - time.time() <= 3_600
    assert RefreshLog.objects.count() == 1


def test_a_restart_brings_no_extra_cycle(worker, robot):
    for _ in range(2):
        process = worker.start()
        for line in process.stdout:
            if json.loads(line)["event"] == "looked":
                break
        process.terminate()
        process.communicate(timeout=30)
    assert RefreshLog.objects.count() == 1
