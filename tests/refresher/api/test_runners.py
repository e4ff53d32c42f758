"""Runner users by the API, and the one time their credential leaves."""

import tomllib

import pytest

from jobqueue.models import ApiToken
from refresher.models import Runner
from refresher.setup import RUNNER_GROUP
from tests import builders
from tests.api.refusing import refused
from tests.refresher.situations import external_mode, make_runner, ready_job

pytestmark = pytest.mark.django_db
BASE = "/api/v1/companies/main/"
RUNNERS = f"{BASE}runners/"


def robot(name: str = "robot"):
    user = builders.make_user(name, groups=[RUNNER_GROUP])
    user.is_staff = False
    user.save()
    return user


def test_a_runner_is_registered_disabled_enabled_reset_and_removed(calling, company):
    robot()
    client = calling()
    made = client.post(RUNNERS, {"user": "robot"})
    assert made.status_code == 201, made.content
    assert (made.json()["user"], made.json()["problems"], made.json()["is_default"]) == ("robot", [], False)
    one = f"{RUNNERS}robot/"
    off = client.post(f"{one}disable/").json()
    assert off["is_enabled"] is False
    assert "not enabled" in off["problems"][0]
    assert client.post(f"{one}enable/").json()["problems"] == []
    Runner.objects.update(failed_attempts=15, last_error="No answer.")
    assert client.get(one).json()["is_inactive"] is True
    assert client.post(f"{one}reset/").json()["failed_attempts"] == 0
    assert client.delete(one).status_code == 204
    refused(client.get(one), 404, "not_found")


def test_runners_are_looked_after_by_administrators_of_every_company(calling, company):
    make_runner("robot")
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company("main", members=[limited])
    assert [row["user"] for row in calling("Viewer").get(RUNNERS).json()["results"]] == ["robot"]
    for client, code in (
        (calling("Scheduler"), "not_allowed"),
        (calling(user=limited), "not_allowed"),
        (calling(limited_to=company), "scope_missing"),
    ):
        refused(client.post(RUNNERS, {"user": "robot"}), 403, code)
    assert calling(user=limited).get(RUNNERS).json()["results"] == []
    external_mode(default_runner=Runner.objects.get())
    assert calling(user=limited).get(RUNNERS).json()["results"][0]["is_default"] is True
    refused(calling(user=limited).post(f"{RUNNERS}robot/disable/"), 403, "not_allowed")


def test_a_runner_that_is_needed_is_not_removed(calling, company):
    external_mode(default_runner=make_runner("robot"))
    refused(calling().delete(f"{RUNNERS}robot/"), 409, "runner_in_use")


@pytest.mark.parametrize(("name", "code"), [("nobody", "unknown_user"), ("anna", "permission_set_missing")])
def test_who_cannot_be_a_runner(calling, company, name, code):
    builders.make_user("anna")
    found = refused(calling().post(RUNNERS, {"user": name}), 400, "invalid")
    assert found["errors"][0]["code"] == code


def test_the_configuration_of_the_worker_holds_tokens_made_for_it(calling, company):
    robot()
    client = calling(scopes=["administer", "tokens"])
    client.post(RUNNERS, {"user": "robot"})
    one = f"{RUNNERS}robot/worker-configuration/"
    answer = client.post(one, {"url": "https://jobs.example.com"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["file_name"] == "worker-robot.toml"
    found = tomllib.loads(answer.json()["content"])
    assert found["product"]["url"] == "https://jobs.example.com"
    assert found["runners"][0]["name"] == "robot"
    assert ApiToken.objects.filter(user__username="robot").count() == 2
    refused(calling().post(one), 403, "scope_missing")
    refused(client.post(one, {"url": "nowhere"}), 400, "invalid")


def test_a_monitored_job_is_repaired_at_once_by_operators(calling, company):
    external_mode()
    entry, job = ready_job()
    entry.delete()
    one = f"{BASE}monitored-jobs/{job.pk}/repair/"
    refused(calling("Viewer", scopes=["view"]).post(one), 403, "scope_missing")
    answer = calling("Operator").post(one)
    assert answer.status_code == 200, answer.content
    assert answer.json()["outcomes"][0]["job"] == job.pk


def test_a_token_of_an_administrator_decides_about_runners_only_with_that_scope(calling, company):
    external_mode()
    _, job = ready_job(runner=make_runner("robot"))
    one = f"{BASE}monitored-jobs/{job.pk}/"
    client = calling(scopes=["schedule"])
    for answer in (
        client.patch(one, {"runner": None}),
        client.patch(one, {"parameter_string": "other"}),
        client.post(f"{one}accept/"),
    ):
        refused(answer, 403, "scope_missing")
    assert client.patch(one, {"description": "Kept alive"}).status_code == 200


def test_a_change_on_an_older_state_is_412(calling, company):
    make_runner("robot")
    client = calling()
    seen = client.get(f"{RUNNERS}robot/")["ETag"]
    assert client.post(f"{RUNNERS}robot/disable/", headers={"If-Match": seen}).status_code == 200
    refused(client.delete(f"{RUNNERS}robot/", headers={"If-Match": seen}), 412, "changed_meanwhile")
