"""The API beside the admin: whatever a screen shows is offered, to the same groups and for the same acts."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client, RequestFactory

from tests import builders

pytestmark = pytest.mark.django_db
MAIN = "/api/v1/companies/main/"
GROUPS = ("Viewer", "Operator", "Scheduler", "Administrator")

LISTS = {
    "jobqueue.Entry": "entries/",
    "jobqueue.LogEntry": "log-entries/",
    "jobqueue.Category": "categories/",
    "jobqueue.Company": "/api/v1/companies/",
    "jobqueue.Credential": "credentials/",
    "jobqueue.ApiToken": "/api/v1/api-tokens/",
    "jobqueue.Cluster": "/api/v1/clusters/",
    "jobqueue.WorkerSession": "/api/v1/worker-sessions/",
    "jobqueue.SessionEvent": "session-events/",
    "jobqueue.ScheduledTask": "scheduled-tasks/",
    "jobqueue.ErrorMessageRegister": "error-messages/",
    "jobqueue.EntryChange": "changes/",
    "jobqueue.ReportDocument": "report-documents/",
    "notifications.NotificationList": "notification-lists/",
    "notifications.ChannelTarget": "notification-targets/",
    "notifications.Message": "messages/",
    "packages.Package": "packages/",
    "packages.Run": "package-runs/",
    "refresher.RefreshSetup": "refresh-setup/",
    "refresher.MonitoredJob": "monitored-jobs/",
    "refresher.Runner": "runners/",
    "refresher.RefreshLog": "refresh-log/",
}
OTHERWISE = {
    "auth.User": "looked after in the admin only",
    "auth.Group": "looked after in the admin only",
    "refresher.EntraTenant": "looked after in the admin only: consent needs a browser",
    "refresher.EntraApplication": "looked after in the admin only: consent needs a browser",
    "notifications.RecipientPreference": "/api/v1/me/message-preference/",
    "auditlog.LogEntry": "/api/v1/setup-changes/, for administrators; the page is for superusers",
}
OF_LIBRARIES = ("axes", "django_q")
"""Tables of libraries below: superusers may look into them."""
SEEN_BY_MORE = ("jobqueue.Company",)
"""Integrations find the companies they reach; the page is for those who change them."""
MADE_BY_VERBS = ("refresher.MonitoredJob", "refresher.Runner")
"""The admin adds them on pages of their own."""


def address_of(name: str) -> str:
    return LISTS[name] if LISTS[name].startswith("/") else f"{MAIN}{LISTS[name]}"


def test_every_screen_has_its_address_or_a_reason_to_have_none():
    models = [model._meta for model in admin.site._registry]
    shown = {model.label for model in models if model.app_label not in OF_LIBRARIES}
    assert shown == {*LISTS, *OTHERWISE}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", sorted(LISTS))
def test_groups_may_see_and_add_by_the_api_what_they_may_on_the_screen(name, group):
    company, user = builders.default_company(), builders.make_user(groups=[group])
    request: Any = RequestFactory().get("/")
    request.user, request.company = user, company
    page = admin.site._registry[apps.get_model(name)]
    client = Client()
    client.force_login(user)
    sees = client.get(address_of(name)).status_code == 200
    assert sees == (page.has_view_permission(request) or name in SEEN_BY_MORE)
    if name in MADE_BY_VERBS or name == "refresher.RefreshSetup":
        return
    # An empty body: whoever may is told what is missing, whoever may not is told that; 405 is for nobody.
    answer = client.post(address_of(name), {}, content_type="application/json")
    assert answer.status_code in (400, 403, 405), answer.content
    assert (answer.status_code == 400) == page.has_add_permission(request)


@pytest.mark.parametrize("group", GROUPS)
def test_groups_may_change_and_delete_by_the_api_what_they_may_on_the_screen(group):
    company, user = builders.default_company(), builders.make_user(groups=[group])
    request: Any = RequestFactory().get("/")
    request.user, request.company = user, company
    client = Client()
    client.force_login(user)
    rows = {
        "jobqueue.Entry": f"{MAIN}entries/{builders.make_entry(user=user).pk}/",
        "jobqueue.Category": f"{MAIN}categories/{builders.make_category('BANK').code}/",
        "jobqueue.Company": "/api/v1/companies/main/",
    }
    for name, address in rows.items():
        page = admin.site._registry[apps.get_model(name)]
        wrong = client.patch(address, {"colour": "red"}, content_type="application/json")
        assert (wrong.status_code == 400) == page.has_change_permission(request), (name, wrong.content)
        deleted = client.delete(address)
        if deleted.status_code != 405:
            assert (deleted.status_code == 204) == _may_delete(page, request), name


def _may_delete(page: Any, request: Any) -> bool:
    """Entries are deleted by a verb of the page, which is for schedulers."""
    return page.has_delete_permission(request) or any(
        verb.name.startswith("delete") and page.holds(request, verb.level)
        for verb in getattr(page, "verbs", ())
    )
