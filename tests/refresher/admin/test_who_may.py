"""Each action of the refresher's pages by each role: done, or refused in a sentence with nothing changed."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from jobqueue.models import ApiToken, CompanyMember, Entry
from jobqueue.states import Status
from refresher.models import EntraApplication, EntraTenant, MonitoredJob, RefreshSetup, Runner
from refresher.setup import RUNNER_GROUP
from tests import builders
from tests.admin.conftest import LEVELS, address, said
from tests.refresher.admin.test_monitored_jobs import values_of
from tests.refresher.situations import external_mode, make_runner, ready_job
from tests.refresher.test_simulating import whole_database

pytestmark = pytest.mark.django_db

VIEW, OPERATE, SCHEDULE, ADMINISTER = LEVELS
EVERY_COMPANY = "every company"
"""Administrators who are limited to some companies may not do these."""

ACTIONS = {
    "refreshsetup/{setup}/refresh-now/": OPERATE,
    "refreshsetup/{setup}/enable-external/": ADMINISTER,
    "refreshsetup/{setup}/disable-external/": ADMINISTER,
    "refreshsetup/{setup}/change/": ADMINISTER,
    "monitoredjob/{job}/repair/": OPERATE,
    "monitoredjob/{job}/accept/": SCHEDULE,
    "monitoredjob/{job}/assign-runner/": ADMINISTER,
    "monitoredjob/{job}/stop-monitoring/": SCHEDULE,
    "monitoredjob/{job}/change/": SCHEDULE,
    "monitoredjob/from-entries/": SCHEDULE,
    "monitoredjob/monitor-entry/{other}/": SCHEDULE,
    "monitoredjob/unmonitor-entry/{entry}/": SCHEDULE,
    "monitoredjob/distribute/": ADMINISTER,
    "monitoredjob/recreate/": ADMINISTER,
    "runner/{runner}/reset/": ADMINISTER,
    "runner/{runner}/disable/": ADMINISTER,
    "runner/{runner}/remove/": ADMINISTER,
    "runner/{runner}/worker-configuration/": ADMINISTER,
    "runner/register/": ADMINISTER,
    "entraapplication/{application}/enter-secret/": ADMINISTER,
    "entraapplication/{application}/disable/": ADMINISTER,
    "entraapplication/{application}/remove/": ADMINISTER,
    "entraapplication/{application}/grant-consent/": ADMINISTER,
    "entratenant/{tenant}/change/": ADMINISTER,
    "entratenant/{tenant}/delete/": ADMINISTER,
}


@pytest.fixture
def rows() -> dict[str, Any]:
    setup = external_mode(default_runner=make_runner("first"))
    idle = make_runner("idle", failed_attempts=4)
    idle.user.is_staff = False
    idle.user.save()
    builders.make_user("candidate", groups=[RUNNER_GROUP])
    entry, job = ready_job(description="Changed")
    Entry.objects.filter(pk=entry.pk).update(max_attempts=7)
    other = builders.make_recurring_entry(description="Other", status=Status.ON_HOLD)
    tenant = EntraTenant.objects.create(
        name="Contoso",
        tenant_id="7d0f6a0e-3f5e-4a53-8f37-0f3c5f3a9a11",
        client_id="1b8f7a52-95c4-4b5a-9a57-3f64d7f7a5c2",
    )
    application = EntraApplication.objects.create(
        runner=setup.default_runner,
        tenant=tenant,
        display_name="Night",
        client_id="8f1c1b52-0b5e-4d8e-9d8e-0f6f0a2f9d11",
    )
    return {
        "setup": setup.pk,
        "job": job.pk,
        "entry": entry.pk,
        "other": other.pk,
        "runner": idle.pk,
        "application": application.pk,
        "tenant": tenant.pk,
    }


def sent(rows: dict[str, Any]) -> dict[str, Any]:
    """What a form of any of the pages would hold."""
    return {
        "enabled": "on",
        "create_missing_custom_jobs": "on",
        "default_time_zone": "UTC",
        "default_runner": "",
        "description": "By a form",
        "object_type": "5",
        "object_id": "90001",
        "minutes_between_runs": "30",
        "run_on_mondays": "on",
        "time_zone": "UTC",
        "recurrence_anchor": "completion",
        "missed_runs": "once",
        "max_attempts": "2",
        "rerun_delay_seconds": "0",
        "timeout_seconds": "0",
        "inactivity_timeout_minutes": "5",
        "priority": "5",
        "priority_within_category": "2000",
        "auto_reschedule_delay_seconds": "0",
        "runner": str(rows["runner"]),
        "entry": str(rows["other"]),
        "user": str(get_user_model().objects.get(username="candidate").pk),
        "secret": "value",
        "name": "Renamed",
        "tenant_id": "7d0f6a0e-3f5e-4a53-8f37-0f3c5f3a9a11",
        "client_id": "1b8f7a52-95c4-4b5a-9a57-3f64d7f7a5c2",
        "post": "yes",
    }


def by_role() -> Iterator[Any]:
    """Each action by the lowest role that may do it, by the one below, and by an administrator of one company."""
    for action, least in ACTIONS.items():
        below = LEVELS[LEVELS.index(least) - 1]
        for group in (below, least, EVERY_COMPANY):
            yield pytest.param(action, group, id=f"{action}-{group}")


@pytest.mark.parametrize(("action", "group"), list(by_role()))
def test_each_role_does_what_is_its_own_and_is_refused_the_rest(signed_in, rows, action, group):
    least = ACTIONS[action]
    user = builders.make_user(groups=[ADMINISTER if group == EVERY_COMPANY else group])
    concerns_all = action.startswith(("runner", "entra"))
    if group == EVERY_COMPANY:
        CompanyMember.objects.create(company=builders.default_company(), user=user)
        allowed = not concerns_all
    else:
        allowed = LEVELS.index(group) >= LEVELS.index(least)
    client = signed_in(user=user)
    if "enable-external" in action:
        RefreshSetup.objects.update(use_external=False)
    path = address(f"refresher/{action.format(**rows)}")
    client.get(address(""))
    before = whole_database()
    data = sent(rows)
    if action == "monitoredjob/{job}/change/":
        data = values_of(MonitoredJob.objects.get(), description="By a form")
    response = client.post(path, data)
    after = whole_database()
    if not allowed:
        assert after == before
        assert response.status_code in (302, 403, 404), response.status_code
        if response.status_code == 302:
            words = said(response)
            assert "needs the group" in words or "limited to some" in words, words
        return
    assert response.status_code in (200, 302), (response.status_code, said(response))
    if "grant-consent" in action:
        assert "Continue at Entra ID" in response.content.decode()
    elif "worker-configuration" in action:
        assert ApiToken.objects.filter(user__username="idle").count() == 2
    elif "entratenant" in action and "delete" in action:
        assert EntraTenant.objects.exists(), "an application still needs it"
        assert after == before
    else:
        assert after != before, said(response)


@pytest.mark.parametrize("action", [one for one in ACTIONS if not one.endswith(("change/", "delete/"))])
def test_a_get_asks_and_does_nothing(signed_in, rows, action):
    client = signed_in()
    path = address(f"refresher/{action.format(**rows)}")
    client.get(address(""))
    before = whole_database()
    response = client.get(path)
    assert response.status_code in (200, 302)
    assert whole_database() == before


def test_a_form_from_another_site_is_refused(rows):
    client = Client(enforce_csrf_checks=True)
    client.force_login(builders.make_superuser())
    before = whole_database()
    for action in ACTIONS:
        response = client.post(address(f"refresher/{action.format(**rows)}"), sent(rows))
        assert response.status_code == 403, action
    assert whole_database() == before


def test_runner_users_have_no_business_on_the_pages(signed_in, rows):
    """The permission set grants refreshing only."""
    client = signed_in(user=builders.make_user(groups=[RUNNER_GROUP]))
    for page in ("refreshsetup/", "monitoredjob/", "runner/", "refreshlog/", "entraapplication/"):
        assert client.get(address(f"refresher/{page}")).status_code == 403
    assert Runner.objects.count() == 2
    assert MonitoredJob.objects.count() == 1
