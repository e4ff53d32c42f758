"""The set-up card, the runner users, and the refresh log."""

from datetime import timedelta

import pytest

from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.inline import run_due_tasks
from refresher.asking import setup_of
from refresher.models import RefreshLog, Runner
from refresher.setup import RUNNER_GROUP
from tests import builders
from tests.admin.conftest import address, said
from tests.refresher.situations import external_mode, login_mode, make_runner, ready_job, refresh

pytestmark = pytest.mark.django_db


def card(setup, verb="change") -> str:
    return address(f"refresher/refreshsetup/{setup.pk}/{verb}/")


def headline(client, setup) -> str:
    return " ".join(client.get(card(setup)).content.decode().split())


def test_there_is_one_setup_for_each_company(signed_in):
    response = signed_in("Viewer").get(address("refresher/refreshsetup/"))
    assert response["Location"] == card(setup_of(builders.default_company()))
    assert signed_in("Administrator").get(address("refresher/refreshsetup/add/")).status_code == 403


def test_the_headline_says_whether_anything_is_refreshed_and_by_whom(signed_in):
    client = signed_in("Viewer")
    setup = login_mode()
    assert "Nothing is monitored" in headline(client, setup)
    ready_job(description="Post")
    assert "is refreshed after sign-ins" in headline(client, setup)
    assert "No pass yet." in headline(client, setup)
    login_mode(enabled=False)
    assert "Enabled is off." in headline(client, setup)
    login_mode(enabled=True, external_only=True)
    assert "the external refresher is off" in headline(client, setup)
    external_mode(default_runner=make_runner("night"), external_only=False)
    assert "is refreshed every hour from outside" in headline(client, setup)
    assert "by default as night" in headline(client, setup)


def test_what_is_wrong_is_said_in_sentences(signed_in):
    setup = external_mode(default_runner=None, default_time_zone="")
    ready_job(description="Post")
    wrong = signed_in("Viewer").get(card(setup)).context["wrong"]
    assert wrong[0].startswith("The default job time zone is empty")
    assert "“Post” (no runner user, and no default one)" in wrong[1]
    assert wrong[2].startswith("No pass has ended well for 3 hours.")


def test_the_external_refresher_is_enabled_and_disabled(signed_in):
    setup = login_mode()
    client = signed_in("Administrator")
    assert client.get(card(setup, "enable-external")).status_code == 200
    setup.refresh_from_db()
    assert not setup.use_external
    client.post(card(setup, "enable-external"))
    setup.refresh_from_db()
    assert setup.use_external
    assert "It is enabled already." in said(client.post(card(setup, "enable-external")))
    assert "Wait a minute" in said(client.post(card(setup, "refresh-now")))
    client.post(card(setup, "disable-external"))
    setup.refresh_from_db()
    assert not setup.use_external


def test_an_operator_refreshes_now_and_may_not_change_the_setup(signed_in):
    setup = login_mode()
    ready_job(description="Post")
    client = signed_in("Operator")
    assert "1 pass asked for" in said(client.post(card(setup, "refresh-now")))
    log = RefreshLog.objects.get()
    assert log.state == "queued"
    run_due_tasks(until_idle=True, now=database_now() + timedelta(seconds=5))
    log.refresh_from_db()
    assert log.state == "done"
    assert client.post(card(setup), {"default_time_zone": "UTC"}).status_code == 403
    assert "needs the group" in said(client.post(card(setup, "enable-external")))


def test_the_setup_is_saved_and_a_broken_runner_refused_on_its_field(signed_in):
    setup = login_mode(enabled=True)
    broken, good = make_runner("old", failed_attempts=15), make_runner("new")
    client = signed_in("Administrator")
    sent = {"enabled": "on", "default_runner": str(broken.pk), "default_time_zone": "Europe/Brussels"}
    response = client.post(card(setup), sent)
    assert "is inactive" in str(response.context["adminform"].form.errors["default_runner"])
    response = client.post(card(setup), sent | {"default_runner": str(good.pk), "external_only": "on"})
    assert response.status_code == 302
    setup.refresh_from_db()
    assert (setup.default_runner, setup.external_only, setup.default_time_zone) == (
        good,
        True,
        "Europe/Brussels",
    )
    response = client.post(card(setup), sent | {"default_runner": "", "default_time_zone": "Mars/Olympus"})
    assert "default_time_zone" in response.context["adminform"].form.errors


# --- runner users
def test_the_list_shows_the_light_of_each_runner_and_what_is_unserved(signed_in):
    broken = make_runner("old", failed_attempts=15, last_error="The secret has expired.")
    make_runner("shaky", failed_attempts=3)
    make_runner("off", is_enabled=False)
    external_mode(default_runner=make_runner("fine"))
    ready_job(description="Post", runner=broken)
    ready_job(description="Print")
    page = signed_in("Administrator").get(address("refresher/runner/"))
    html = page.content.decode()
    for word in ("Inactive", "Failing 3 of 15", "Disabled", "OK", "The secret has expired."):
        assert word in html
    assert [(str(job), why) for job, why in page.context["unserved"]] == [("Post", "old does not work")]


def test_failed_attempts_are_reset_one_by_one_and_together(signed_in):
    runner, other = make_runner("old", failed_attempts=15), make_runner("new")
    client = signed_in("Administrator")
    chosen = {"action": "reset", "_confirmed": "1", "_selected_action": [str(runner.pk), str(other.pk)]}
    response = client.post(address("refresher/runner/"), chosen)
    assert "1 reset." in said(response)
    assert "It has no failed attempts." in said(response)
    runner.refresh_from_db()
    assert runner.failed_attempts == 0


def test_a_runner_is_switched_off_and_on_and_removed_once_nobody_needs_it(signed_in):
    runner = make_runner("night")
    setup = external_mode(default_runner=runner)
    client = signed_in("Administrator")
    at = f"refresher/runner/{runner.pk}"
    client.post(address(f"{at}/disable/"))
    assert not Runner.objects.get().is_enabled
    page = client.get(address(f"{at}/change/")).content.decode()
    assert "is not enabled. Enable it in the list of runner users." in page
    client.post(address(f"{at}/enable/"))
    assert Runner.objects.get().is_enabled
    assert "is still needed" in said(client.post(address(f"{at}/remove/")))
    setup.default_runner = None
    setup.save()
    client.post(address(f"{at}/remove/"))
    assert not Runner.objects.exists()


def test_a_user_of_the_permission_set_is_registered(signed_in):
    user = builders.make_user("robot", groups=[RUNNER_GROUP])
    other = builders.make_user("person", groups=["Operator"])
    client = signed_in("Administrator")
    page = address("refresher/runner/register/")
    assert client.post(page, {"user": str(other.pk)}).status_code == 422
    assert client.post(page, {"user": str(user.pk)}).status_code == 302
    assert Runner.objects.get().name == "robot"
    assert signed_in("Scheduler").get(page).status_code == 403


# --- refresh log
def test_a_pass_says_what_it_did_to_each_job_and_why(signed_in):
    login_mode()
    ready_job(description="Post")
    refresh()
    client = signed_in("Viewer")
    log = RefreshLog.objects.get()
    page = client.get(address(f"refresher/refreshlog/{log.pk}/change/")).content.decode()
    assert "Post" in page
    assert "Scheduled as it should be." in page
    assert "1 job: 1 left alone." in client.get(address("refresher/refreshlog/")).content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 2), ("tab=failed", 1), ("tab=changed", 0), ("tab=open", 0), ("job=x", 0), ("runner=99999", 0)],
)
def test_the_log_is_narrowed(signed_in, query, count):
    login_mode()
    ready_job(description="Post")
    refresh()
    company, now = builders.default_company(), builders.NOW
    RefreshLog.objects.create(
        company=company, trigger="worker", state="failed", asked_at=now, message="No zone."
    )
    page = signed_in("Viewer").get(address(f"refresher/refreshlog/?{query}"))
    assert len(page.context["cl"].result_list) == count
