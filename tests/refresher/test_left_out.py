"""Jobs somebody counts on and nobody comes for, while the rest of the company is refreshed every hour: people hear."""

from datetime import timedelta

import pytest
from django.core.cache import caches
from rest_framework.test import APIClient

from jobqueue import api_tokens, doctor
from jobqueue.models import CompanyMember
from jobqueue.scheduler import database_now, fixed_clock
from notifications.models import Message
from refresher import runners, watching
from refresher.asking import companies_served_by
from refresher.models import MonitoredJob, RefreshLog, Runner
from refresher.setup import RUNNER_GROUP
from tests.admin.conftest import address
from tests.builders import NOW, actor_of, default_company, make_company, make_superuser, make_user
from tests.refresher.situations import external_mode, make_runner, ready_job, refresh

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def two_runners():
    """The default runner comes every hour; “second”, whom one of the two jobs counts on, does not."""
    setup = external_mode(default_runner=make_runner("first", created_by=make_superuser("anna")))
    second = make_runner("second")
    ready_job(description="Served")
    ready_job(description="Left out", runner=second)
    MonitoredJob.objects.update(created_at=NOW)
    return setup, second


def come(hours: int, *, runner: Runner | None = None) -> None:
    for hour in range(hours + 1):
        refresh(now=NOW + hour * HOUR, runner=runner)
        RefreshLog.objects.filter(ended_at__gt=NOW + hour * HOUR).update(ended_at=NOW + hour * HOUR)


def test_the_jobs_of_a_runner_that_never_comes_are_told_though_the_company_is_refreshed(two_runners):
    setup, second = two_runners
    come(3)
    assert watching.look_round(NOW + 3 * HOUR) == []
    assert watching.look_round(NOW + 3 * HOUR + MINUTE) == [setup]
    assert watching.look_round(NOW + 3 * HOUR + 2 * MINUTE) == []
    message = Message.objects.get()
    assert (message.scenario, message.user.username) == ("not_refreshed", "anna")
    assert message.facts["subject"].endswith("some jobs are not being refreshed")
    assert message.facts["happened"] == (
        "1 monitored job has not been refreshed for 3 hours, though others were: “Left out” (runner user second)."
    )
    refresh(now=NOW + 4 * HOUR, runner=second)
    refresh(now=NOW + 4 * HOUR)
    assert watching.look_round(NOW + 4 * HOUR + MINUTE) == [setup]
    assert Message.objects.latest("pk").scenario == "refreshed_again"


def test_a_job_that_was_only_just_monitored_or_handed_over_is_not_left_out_yet(two_runners):
    setup, _ = two_runners
    come(3)
    MonitoredJob.objects.filter(description="Left out").update(created_at=NOW + HOUR)
    assert watching.look_round(NOW + 3 * HOUR + MINUTE) == []
    MonitoredJob.objects.filter(description="Left out").update(created_at=NOW - HOUR)
    setup.external_enabled_at = NOW + HOUR
    setup.save()
    assert watching.look_round(NOW + 3 * HOUR + MINUTE) == []


def test_it_shows_on_every_screen_in_the_doctor_and_to_the_worker(two_runners, signed_in):
    setup, _ = two_runners
    come(3)
    later = NOW + 3 * HOUR + MINUTE
    watcher = make_user("watcher", groups=[RUNNER_GROUP])
    watcher.is_staff = False
    watcher.save()
    caches["shared"].clear()
    with fixed_clock(later):
        client = signed_in("Viewer")
        centre = client.get(address("")).content.decode()
        card = client.get(address(f"refresher/refreshsetup/{setup.pk}/change/")).content.decode()
        found = [result.sentence for result in doctor.examine()]
        _, text = api_tokens.make_application(
            actor_of(make_superuser()), watcher, name="w", scopes=["watch"], now=database_now()
        )
        status = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}").get("/api/v1/refresher/status/").json()
    assert "Refresher leaves out 1" in centre
    assert "Some jobs are not being refreshed" in centre
    assert "“Left out” (runner user second)" in card
    assert any("“Left out” (runner user second)" in sentence for sentence in found)
    (company,) = status["companies"]
    assert company["overdue"] is True
    assert "“Left out” (runner user second)" in company["overdue_reason"]


def test_a_runner_shut_out_of_the_company_is_said_to_serve_nobody_there(signed_in):
    """A membership elsewhere closes this company to it, and the worker is not even told of it."""
    external_mode(default_runner=make_runner("first"))
    second = make_runner("second")
    ready_job(description="Left out", runner=second)
    CompanyMember.objects.create(company=make_company("elsewhere"), user=second.user)
    assert companies_served_by(second) == []
    client = signed_in()
    page = client.get(address("refresher/runner/")).content.decode()
    assert "second does not work" in page
    assert "Not permitted" in page
    centre = client.get(address("")).content.decode()
    assert "runner user that does not work" in centre
    card = client.get(address(f"refresher/runner/{second.pk}/change/")).content.decode()
    assert "may not work in the company" in card
    found = [result.sentence for result in doctor.examine()]
    assert any("“second” may not work in the company" in sentence for sentence in found)
    words = " ".join(runners.operational_problems(second, company=default_company()))
    assert "Add the user to its members" in words
