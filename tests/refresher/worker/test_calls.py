"""What the worker calls: assignments, refresh, outcomes and status, with tokens of every kind of caller."""

import uuid
from datetime import timedelta

import pytest
from django.core.cache import caches
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from jobqueue import api_tokens
from jobqueue.models import Entry
from jobqueue.scheduler import database_now
from jobqueue.states import Status
from notifications.models import Message
from refresher.models import RefreshLog, Runner
from refresher.passing.calls import refresh_for_worker
from refresher.setup import RUNNER_GROUP
from refresher.states import PassState
from tests.builders import actor_of, default_company, make_company, make_superuser, make_user
from tests.refresher.situations import external_mode, make_runner, ready_job
from tests.refresher.test_at_once import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_counts():
    caches["shared"].clear()


def calling(user, *scopes, company=None):
    """A client with an API token of the user."""
    _, text = api_tokens.make_application(
        actor_of(make_superuser()), user, name="test", scopes=scopes, now=database_now(), company=company
    )
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {text}")


def application_user(name, *groups):
    user = make_user(name, groups=groups)
    user.is_staff = False
    user.save()
    return user


@pytest.fixture
def runner(db):
    user = application_user("robot", RUNNER_GROUP)
    return Runner.objects.create(user=user, created_at=database_now(), created_by=make_superuser())


@pytest.fixture
def setup(runner):
    return external_mode(default_runner=runner)


@pytest.fixture
def call(runner):
    return calling(runner.user, "refresh")


@pytest.fixture
def watcher(db):
    return calling(application_user("watcher", RUNNER_GROUP), "watch")


def refresh(client, company=None):
    return client.post(f"/api/v1/companies/{company or default_company().code}/refresh/")


def post(client, **values):
    return client.post("/api/v1/refresher/outcomes/", {"cycle": str(uuid.uuid4()), **values}, format="json")


# --- assignments
def test_a_runner_is_told_the_companies_that_count_on_it_and_no_others(setup, call):
    external_mode(make_company("elsewhere"))
    answer = call.get("/api/v1/refresher/assignments/").json()
    assert [one["code"] for one in answer["companies"]] == [default_company().code]
    assert (answer["runner"], answer["is_operational"], answer["failure_limit"]) == ("robot", True, 15)


def test_a_company_that_is_not_enabled_is_not_assigned(setup, call):
    setup.enabled = False
    setup.save()
    assert call.get("/api/v1/refresher/assignments/").json()["companies"] == []


def test_a_token_for_one_company_is_told_only_that_one(setup, runner):
    other = external_mode(make_company("elsewhere"), default_runner=runner).company
    answer = calling(runner.user, "refresh", company=other).get("/api/v1/refresher/assignments/").json()
    assert [one["code"] for one in answer["companies"]] == ["elsewhere"]


def test_an_inactive_runner_learns_it_here(setup, call, runner):
    Runner.objects.filter(pk=runner.pk).update(failed_attempts=15)
    answer = call.get("/api/v1/refresher/assignments/").json()
    assert (answer["is_inactive"], answer["is_operational"]) == (True, False)
    assert "15 times in a row" in answer["problems"][0]


def test_who_is_no_runner_is_refused(db):
    answer = calling(application_user("nobody", RUNNER_GROUP), "refresh").get(
        "/api/v1/refresher/assignments/"
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "no_runner")


# --- refresh
def test_a_refresh_runs_the_pass_as_the_token_s_runner(setup, call, runner):
    entry, _ = ready_job()
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR, system_task_id=None)
    answer = refresh(call).json()
    log = RefreshLog.objects.get()
    assert (answer["status"], answer["log"], answer["jobs"]) == ("refreshed", log.pk, 1)
    assert (log.runner, log.user, log.state) == (runner, runner.user, PassState.DONE)


def test_a_second_refresh_finds_nothing_left_to_do(setup, call):
    entry, _ = ready_job()
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR, system_task_id=None)
    first, second = refresh(call).json(), refresh(call).json()
    assert (first["restarted"], second["restarted"], second["left_alone"]) == (1, 0, 1)


def test_a_company_that_is_not_enabled_answers_so_and_nothing_is_touched(setup, call, runner):
    entry, _ = ready_job()
    setup.use_external = False
    setup.save()
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR)
    answer = refresh(call)
    assert (answer.status_code, answer.json()["status"]) == (200, "not_enabled")
    assert Entry.objects.get().status == Status.ERROR
    assert not RefreshLog.objects.exists()
    assert Runner.objects.get().last_success_at is None


def test_a_success_sets_the_failed_attempts_to_0(setup, call, runner):
    Runner.objects.filter(pk=runner.pk).update(failed_attempts=3, last_error="x")
    refresh(call)
    stored = Runner.objects.get(pk=runner.pk)
    assert (stored.failed_attempts, stored.last_error) == (0, "")


def test_in_a_cycle_the_failed_attempts_wait_for_its_outcome(setup, call, runner):
    Runner.objects.filter(pk=runner.pk).update(failed_attempts=3, last_error="x")
    cycle = str(uuid.uuid4())
    address = f"/api/v1/companies/{setup.company.code}/refresh/"
    assert call.post(address, {"cycle": cycle}, format="json").status_code == 200
    stored = Runner.objects.get(pk=runner.pk)
    assert (stored.failed_attempts, stored.last_success_at) == (3, None)
    post(call, succeeded=False, error="elsewhere it failed")
    assert Runner.objects.get(pk=runner.pk).failed_attempts == 4
    post(call, succeeded=True)
    assert Runner.objects.get(pk=runner.pk).failed_attempts == 0
    answer = call.post(address, {"cycle": "soon"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_foreign_and_unknown_companies_do_not_exist(setup, runner):
    make_company("closed", members=[make_superuser()])
    make_company("open", members=[runner.user])
    call = calling(runner.user, "refresh")
    for code in ("closed", "nowhere", default_company().code):
        answer = refresh(call, code)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_company_the_token_is_not_good_for_does_not_exist(setup, runner):
    make_company("elsewhere")
    call = calling(runner.user, "refresh", company=default_company())
    assert refresh(call, "elsewhere").status_code == 404


def test_two_passes_of_a_runner_never_run_side_by_side(setup, call, runner):
    running = RefreshLog.objects.create(
        company=setup.company,
        runner=runner,
        user=runner.user,
        trigger="worker",
        state=PassState.RUNNING,
        asked_at=database_now(),
        started_at=database_now(),
    )
    answer = refresh(call)
    assert (answer.status_code, answer.json()["code"]) == (409, "pass_running")
    RefreshLog.objects.filter(pk=running.pk).update(started_at=database_now() - timedelta(minutes=11))
    assert refresh(call).status_code == 200  # its process is long gone
    running.refresh_from_db()
    assert (running.state, running.ended_at is not None) == (PassState.FAILED, True)
    assert "broke off" in running.message


def test_a_refused_runner_leaves_no_row_behind(setup, call, runner):
    Runner.objects.filter(pk=runner.pk).update(failed_attempts=15)
    answer = refresh(call)
    assert (answer.status_code, answer.json()["code"]) == (409, "runner_not_operational")
    assert not RefreshLog.objects.exists()


def test_a_pass_that_breaks_off_does_not_keep_the_next_one_away(setup, call, monkeypatch):
    def broken(*_args, **_named):
        raise RuntimeError("disk full")

    call.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr("refresher.passing.refresh.registration.register_all", broken)
        assert refresh(call).status_code == 500
    assert RefreshLog.objects.get().state == PassState.FAILED
    assert refresh(call).status_code == 200


def test_without_a_default_time_zone_the_whole_pass_fails_in_words(setup, call):
    setup.default_time_zone = ""
    setup.save()
    answer = refresh(call)
    assert (answer.status_code, answer.json()["code"]) == (409, "pass_failed")
    assert "default job time zone" in answer.json()["detail"]


def test_parameters_are_refused_the_identity_comes_from_the_token_alone(setup, call):
    answer = call.post(f"/api/v1/companies/{setup.company.code}/refresh/", {"runner": "other"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_field")


def test_the_scope_is_needed(setup, runner):
    call = calling(runner.user, "administer")
    assert refresh(call).json()["code"] == "scope_missing"
    assert call.get("/api/v1/refresher/status/").json()["code"] == "scope_missing"
    assert APIClient().get("/api/v1/refresher/assignments/").status_code == 401


# --- outcomes
def test_a_failed_cycle_counts_once(setup, call, runner):
    cycle = str(uuid.uuid4())
    for _ in range(3):
        answer = post(call, cycle=cycle, succeeded=False, error="The call failed.")
    assert (answer.json()["failed_attempts"], answer.json()["runner"]) == (1, "robot")
    assert post(call, succeeded=False, error="Again.").json()["failed_attempts"] == 2
    assert Runner.objects.get(pk=runner.pk).last_error == "Again."
    assert post(call, succeeded=True).json()["failed_attempts"] == 0


def test_fifteen_failures_make_it_inactive_and_people_are_told(setup, call, runner):
    answers = [post(call, succeeded=False, error="No answer.").json() for _ in range(15)]
    assert [one["is_inactive"] for one in answers] == [False] * 14 + [True]
    told = set(Message.objects.values_list("scenario", flat=True))
    assert told == {"runner_failing", "runner_inactive"}


def test_a_runner_speaks_for_itself_only(setup, call):
    make_runner("other")
    answer = post(call, succeeded=False, error="x", runner="other")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert Runner.objects.get(user__username="other").failed_attempts == 0


def test_the_worker_s_own_token_says_who_could_not_sign_in(setup, watcher):
    answer = post(watcher, succeeded=False, error="The client secret has expired.", runner="robot")
    assert answer.json()["failed_attempts"] == 1
    assert post(watcher, succeeded=False, error="x", runner="ghost").status_code == 404


def test_the_scope_alone_does_not_make_a_watcher(setup):
    stranger = calling(application_user("stranger"), "watch")
    answer = post(stranger, succeeded=False, error="x", runner="robot")
    assert answer.status_code == 403
    assert stranger.get("/api/v1/refresher/status/").status_code == 403


def test_a_failure_needs_a_sentence(setup, call):
    answer = post(call, succeeded=False)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "error"


# --- status
def test_the_status_tells_of_workers_tasks_companies_and_runners(setup, watcher, call):
    ready_job()
    found = watcher.get("/api/v1/refresher/status/").json()
    assert (found["worker_processes"], found["held"], found["oldest_due_task_seconds"] is None) == (
        0,
        False,
        False,
    )
    assert [one["runner"] for one in found["runners"]] == ["robot"]
    (company,) = found["companies"]
    assert (company["external"], company["monitored"], company["overdue"]) == (True, True, True)
    refresh(call)
    (company,) = watcher.get("/api/v1/refresher/status/").json()["companies"]
    assert company["overdue"] is False
    assert company["last_refreshed_at"] is not None


def test_a_runner_sees_itself_only(setup, call):
    make_runner("other")
    assert [one["runner"] for one in call.get("/api/v1/refresher/status/").json()["runners"]] == ["robot"]


# --- the document
def test_the_document_describes_every_call():
    document = SchemaGenerator(api_version="v1").get_schema(request=None, public=True)
    for path, method in (
        ("/api/v1/refresher/assignments/", "get"),
        ("/api/v1/refresher/outcomes/", "post"),
        ("/api/v1/refresher/status/", "get"),
        ("/api/v1/companies/{company}/refresh/", "post"),
    ):
        operation = document["paths"][path][method]
        assert operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert operation["summary"]


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_run_one_pass_at_a_time():
    runner = Runner.objects.create(
        user=application_user("robot", RUNNER_GROUP), created_at=database_now(), created_by=make_superuser()
    )
    setup, actor = external_mode(default_runner=runner), actor_of(runner.user)
    entry, _ = ready_job()
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR, system_task_id=None)
    answers = at_once(*[lambda: refresh_for_worker(setup.company, actor=actor)] * 4)
    assert set(answers) <= {"", "pass_running"}
    assert answers.count("") >= 1
    logs = RefreshLog.objects.all()
    assert [log.state for log in logs] == [PassState.DONE] * answers.count("")
    assert sum(log.restarted for log in logs) == 1
