"""The program among servers in trouble: the login server, the network, certificates, and the ways people are told."""

import json
import subprocess
import sys

import pytest
from django.core.cache import caches

from jobqueue.scheduler import database_now
from refresher.entra import credentials
from refresher.models import RefreshLog, Runner
from tests.builders import make_superuser
from tests.conftest import ROOT
from tests.refresher.situations import external_mode
from tests.refresher.worker.conftest import (
    application_user,
    live_cluster,
    silent_server,
    token_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

READY = {"checks": {"database": {"status": "ok", "reason": ""}}}


@pytest.fixture
def product(live_server, worker):
    caches["shared"].clear()
    live_cluster()
    worker.sections["product"]["url"] = live_server.url
    return live_server


@pytest.fixture
def robot(product, worker):
    runner = Runner.objects.create(
        user=application_user("robot"), created_at=database_now(), created_by=make_superuser()
    )
    external_mode(default_runner=runner)
    worker.runners.append({"name": "robot", "token": token_of(runner.user, "refresh")})
    return runner


@pytest.fixture
def night_runner(product, application, worker, login):
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


def failed_attempts() -> list[int]:
    return list(Runner.objects.values_list("failed_attempts", flat=True))


# --- the login server
def test_a_login_server_that_is_busy_for_a_moment_is_asked_again(worker, night_runner, login):
    login.fail("/oauth2/v2.0/token", 503)
    ended = worker.run("--once")
    assert ended.status == 0, ended.out
    (retry,) = ended.events("retry")
    assert (retry["what"], retry["runner"]) == ("sign-in", "night-runner")
    assert failed_attempts() == [0]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_one_that_stays_in_trouble_costs_one_failed_attempt(worker, night_runner, login, status):
    for _ in range(8):
        login.fail("/oauth2/v2.0/token", status)
    ended = worker.run("--once")
    assert ended.status == 3, ended.out
    assert failed_attempts() == [1]
    assert f"The login server failed with status {status}" in ended.events("runner_failed")[0]["error"]
    assert not RefreshLog.objects.exists()


def test_one_that_never_answers_is_given_up_in_time(worker, night_runner):
    with silent_server() as address:
        worker.sections["login"] |= {"authority": address.replace("http:", "https:"), "timeout_seconds": 1}
        ended = worker.run("--once")
    assert ended.status == 3, ended.out
    assert "Check the network and login.authority" in ended.events("runner_failed")[0]["error"]
    assert failed_attempts() == [1]


def test_one_nobody_vouches_for_names_the_option(worker, night_runner):
    worker.sections["login"].pop("ca_file")
    ended = worker.run("--once")
    assert ended.status == 3, ended.out
    assert "login.ca_file" in ended.events("runner_failed")[0]["error"]
    assert not ended.events("retry"), "an untrusted certificate does not get better by waiting"


# --- the product
def test_a_product_nobody_vouches_for_is_no_product(worker, robot, login):
    worker.sections["product"]["url"] = login.base
    ended = worker.run("--once")
    assert ended.status == 4, ended.out
    (began,) = ended.events("incident_began")
    assert began["incident"] == "unreachable"
    assert "product.ca_file" in began["sentence"]
    assert not ended.events("cycle_started")


def test_a_product_that_never_answers_is_away_after_the_time_allowed(worker, robot):
    with silent_server() as address:
        worker.sections["product"] |= {"url": address, "timeout_seconds": 1}
        ended = worker.run("--once")
    assert ended.status == 4, ended.out
    assert "did not answer in time" in ended.events("incident_began")[0]["sentence"]
    assert failed_attempts() == [0]


def test_a_product_that_fails_during_a_refresh_is_tried_again_and_then_counted_once(worker, robot, scripted):
    worker.sections["product"]["url"] = scripted.base
    scripted.say(200, READY)
    scripted.say(200, {"runner": "robot", "is_inactive": False, "companies": [{"code": "main", "name": "M"}]})
    scripted.say(502)
    scripted.say(502)
    scripted.say(200, {"runner": "robot"})
    ended = worker.run("--once")
    assert ended.status == 3, ended.out
    assert "main: Jobwarden failed with status 502" in ended.events("runner_failed")[0]["error"]
    outcome = next(body for path, _, body in scripted.requests if path.endswith("/outcomes/"))
    assert json.loads(outcome)["succeeded"] is False
    refreshes = [json.loads(body) for path, _, body in scripted.requests if path.endswith("/refresh/")]
    assert [one["cycle"] for one in refreshes] == [json.loads(outcome)["cycle"]] * 2


# --- telling people
def test_an_alarm_and_its_end_go_out_once_by_mail_and_webhook_also_if_one_is_late(
    worker, robot, mail_server, scripted, product
):
    worker.sections["mail"] = {
        "host": "127.0.0.1",
        "port": mail_server.port,
        "security": "none",
        "sender": "worker@example.com",
        "recipients": ["oncall@example.com"],
    }
    worker.sections["webhook"] = {"url": f"{scripted.base}/hook", "secret": "whsec_c2VjcmV0"}
    worker.sections["product"]["url"] = "http://127.0.0.1:9"
    scripted.say(500)
    scripted.say(204)
    assert worker.run("--once").status == 4
    assert worker.status["pending"][0]["channel"] == "webhook"
    for _ in range(2):
        assert worker.run("--once").status == 4
    worker.sections["product"]["url"] = product.url
    for _ in range(2):
        assert worker.run("--once").status == 0
    assert [mail["Subject"] for mail in mail_server.mails] == [
        "Jobwarden cannot be reached",
        "Over: Jobwarden cannot be reached",
    ]
    calls = [(headers["webhook-id"], json.loads(body)) for _, headers, body in scripted.requests]
    assert [body["type"] for _, body in calls] == ["jobwarden.worker.alarm"] * 2 + [
        "jobwarden.worker.recovery"
    ]
    assert calls[0][0] == calls[1][0], "the same message, tried again"
    assert calls[1][0] != calls[2][0]
    assert worker.status["pending"] == []


# --- what the program is made of
def test_the_program_loads_nothing_of_django_its_settings_or_a_database(tmp_path):
    file = tmp_path / "worker.toml"
    file.write_text('[product]\nurl = "http://127.0.0.1:9"\ntoken = "jw_x"\n[retry]\nattempts = 1\n')
    look = (
        "import runpy, sys\n"
        f"sys.argv = ['worker', '--config', {str(file)!r}, '--once']\n"
        "try:\n    runpy.run_module('refresher.worker', run_name='__main__')\n"
        "except SystemExit as end:\n    print(end.code, file=sys.stderr)\n"
        "print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, env={}, text=True, capture_output=True, timeout=60
    )
    status, names = done.stderr.splitlines()
    loaded = set(names.split())
    assert status == "4"
    assert not {"django", "rest_framework", "django_q", "sqlite3", "psycopg", "config"} & loaded
    ours = {
        name
        for name in loaded
        if name.split(".")[0] in ("jobqueue", "notifications", "packages", "refresher")
    }
    allowed = ("refresher.worker", "refresher.entra")
    assert {name for name in ours if not name.startswith(allowed)} == {
        "refresher",
        "jobqueue",
        "jobqueue.errors",
    }
    # The documentation says what else it needs.
    assert {"httpx", "msal"} <= loaded
