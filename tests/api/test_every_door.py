"""Every operation of the document, whoever calls: the level it needs, and nothing of another company."""

import pytest
from rest_framework.test import APIClient

from jobqueue import api_tokens
from jobqueue.models import (
    CompanyMember,
    Credential,
    EntryChange,
    ErrorMessageRegister,
    ReportDocument,
    ScheduledTask,
    SessionEvent,
)
from notifications.models import ChannelTarget, NotificationLine
from refresher.models import RefreshLog
from tests import builders
from tests.api.operations import operations, without_names
from tests.api.test_lists import LISTS
from tests.notifications.admin.test_mail_log import make_message
from tests.packages import building
from tests.refresher import situations

pytestmark = pytest.mark.django_db

LEVELS = ("view", "operate", "schedule", "administer")
GROUPS = {"Viewer": 0, "Operator": 1, "Scheduler": 2, "Integrator": 2, "Administrator": 3}
OPERATE = """
    entries_set_ready entries_set_on_hold entries_restart entries_run_now entries_run_once entries_cancel
    entries_bulk_set_ready entries_bulk_set_on_hold entries_bulk_restart entries_bulk_run_now entries_bulk_cancel
    log_entries_mark_as_error messages_send_again webhooks_replay refresh_now package_runs_cancel package_runs_resume
    packages_set_active packages_set_on_hold packages_run_now packages_resume packages_cancel packages_bulk_set_active
    packages_bulk_set_on_hold monitored_jobs_repair
"""
ADMINISTER = """
    categories_create categories_change categories_delete companies_create companies_change default_list_choose doctor
    entries_check_stale log_entries_delete notification_lists_send_test refresh_setup_change targets_list targets_read
    targets_create targets_change targets_delete webhooks_list webhooks_read webhooks_create webhooks_change
    webhooks_delete webhooks_send_test webhooks_renew_secret webhooks_drop_old_secret adopt credentials_list
    credentials_read credentials_create credentials_change credentials_delete members_list members_read members_add
    members_remove runners_register runners_remove runners_disable runners_enable runners_reset
    runners_worker_configuration scheduled_tasks_cancel scheduled_tasks_set_ready setup_changes_list setup_changes_read
"""
SCHEDULE = """
    enqueue entries_create entries_change entries_delete entries_copy entries_bulk_delete entries_remove_failed
    entry_lists_link entry_lists_unlink monitored_jobs_create monitored_jobs_change monitored_jobs_delete
    monitored_jobs_accept notification_lists_create notification_lists_change notification_lists_delete
    notification_lines_create notification_lines_change notification_lines_delete packages_create packages_change
    packages_delete packages_copy package_lines_create package_lines_change package_lines_delete package_lines_reorder
    package_recurrences_create package_recurrences_change package_recurrences_delete
"""
VIEW = """
    refresh_simulate report_documents_delete report_documents_mark_read report_documents_mark_unread
    message_preference_change api_tokens_create api_tokens_revoke
"""  # beside everything else that is only read
OF_RUNNERS = "refresh refresher_assignments refresher_outcome refresher_status"
OF_ANYBODY = "me"
LEVEL_OF = {
    name: level
    for level, names in zip(LEVELS, (VIEW, OPERATE, SCHEDULE, ADMINISTER), strict=True)
    for name in names.split()
}
# Shared lists are set-up; to make tokens the token itself needs a scope of its own.
ASKS_FOR_MORE = ("notification_lists_create", "api_tokens_create", "runners_worker_configuration")
OF_SERVERS_THAT_STREAM = "status_events log_entries_events entries_events"
APART = {*OF_RUNNERS.split(), *OF_ANYBODY.split(), *OF_SERVERS_THAT_STREAM.split()}


def level_of(operation):
    return LEVELS.index(LEVEL_OF.get(operation.name, "view"))


def call(client, operation, address):
    body = None if operation.method in ("get", "delete") else operation.body or {}
    return getattr(client, operation.method)(address, body, format="json")


@pytest.fixture(autouse=True)
def no_limit(settings):
    settings.API_CALLS_PER_MINUTE = settings.API_REFUSALS_PER_MINUTE = 1_000_000


def test_every_operation_that_writes_has_its_level_here():
    writing = {operation.name for operation in operations() if operation.method != "get"}
    assert writing - set(LEVEL_OF) <= APART


@pytest.mark.parametrize("group", [*GROUPS, None])
def test_a_group_may_do_what_its_level_says(calling, group):
    user = builders.make_user(groups=[group] if group else [])
    client, rank = calling(user=user), GROUPS[group] if group else -1
    wrong = []
    for operation in operations():
        if operation.name in APART:
            continue
        response = call(client, operation, operation.address("main"))
        refused = response.status_code == 403 and response.json()["code"] == "not_allowed"
        if refused != (level_of(operation) > rank) and not (refused and operation.name in ASKS_FOR_MORE):
            wrong.append((operation.name, response.status_code, response.content[:200]))
        assert response.status_code < 500, (operation.name, response.content)
    assert not wrong


@pytest.mark.parametrize("scope", [*LEVELS, "refresh", "watch"])
def test_a_scope_reaches_as_far_as_its_level(calling, scope):
    client = calling("Administrator", scopes=[scope])
    rank = LEVELS.index(scope) if scope in LEVELS else -1
    wrong = []
    for operation in operations():
        if operation.name in APART:
            continue
        response = call(client, operation, operation.address("main"))
        refused = response.status_code == 403 and response.json()["code"] == "scope_missing"
        if refused != (level_of(operation) > rank) and not (refused and operation.name in ASKS_FOR_MORE):
            wrong.append((operation.name, response.status_code, response.content[:200]))
    assert not wrong


def test_what_runners_call_is_for_runners(calling):
    administrator = calling("Administrator")
    for operation in operations():
        if operation.name in OF_RUNNERS.split():
            response = call(administrator, operation, operation.address("main"))
            assert (response.status_code, response.json()["code"]) == (403, "scope_missing"), operation.name


@pytest.mark.parametrize("kind", ["none", "unknown", "expired", "revoked", "disabled"])
def test_no_operation_answers_without_good_credentials(calling, kind):
    good = calling("Administrator")
    token = good.token
    if kind == "expired":
        token.expires_at = token.created_at
    elif kind == "revoked":
        token.revoked_at = token.created_at
    elif kind == "disabled":
        token.user.is_active = False
        token.user.save()
    token.save()
    text = {"none": "", "unknown": f"{api_tokens.START}12345678_x"}.get(kind, good.text)
    client = APIClient(**({"HTTP_AUTHORIZATION": f"Bearer {text}"} if text else {}))
    for operation in operations():
        response = call(client, operation, operation.address("main"))
        assert response.status_code == 401, operation.name
        assert response["WWW-Authenticate"].startswith("Bearer")


# --- other companies
@pytest.fixture
def theirs():
    """One row of everything in the company “other”, by the part of the path before its key."""
    company, user = builders.make_company("other"), builders.make_superuser()
    for name, make in LISTS.items():
        if not name.startswith("/"):
            make(company, user)
    entry = builders.make_entry(company=company, user=user, description="Their secret")
    package = building.make_package("Theirs", company=company)
    line, recurrence = building.add_line(package, "Import", 10), building.add_daily(package)
    run = building.lifecycle.run_now(package, actor=building.boss_of(package))
    message = make_message("failed", company=company)
    target = ChannelTarget.objects.create(company=company, name="Ops", kind="webhook", host="x.example")
    job = situations.monitored(builders.make_recurring_entry(company=company))
    log = RefreshLog.objects.create(company=company, trigger="refresh_now", asked_at=builders.NOW, user=user)
    listed = NotificationLine.objects.filter(list__company=company).first()
    rows = {
        "entries": entry.id,
        "enqueue": entry.id,
        "log-entries": builders.make_log_entry(entry).id,
        "categories": builders.make_category("THEIRS", company=company).code,
        "packages": package.uuid,
        "package-lines": line.uuid,
        "recurrences": recurrence.pk,
        "package-runs": run.pk,
        "messages": message.pk,
        "webhooks": target.pk,
        "notification-targets": target.pk,
        "notification-lists": listed.list_id,
        "lines": listed.pk,
        "monitored-jobs": job.pk,
        "refresh-log": log.pk,
        "error-messages": ErrorMessageRegister.objects.get(company=company).pk,
        "report-documents": ReportDocument.objects.get(company=company).pk,
        "credentials": Credential.objects.get(company=company).pk,
        "members": CompanyMember.objects.filter(company=company).first().user.get_username(),
        "scheduled-tasks": ScheduledTask.objects.filter(company=company).first().pk,
        "changes": EntryChange.objects.filter(company=company).first().pk,
        "session-events": SessionEvent.objects.filter(company=company).first().pk,
    }
    return {name: str(key) for name, key in rows.items()}


def test_a_row_of_another_company_is_answered_like_none(calling, theirs):
    client = calling(user=builders.make_superuser())
    for operation in operations():
        if not operation.of_a_row or "{company}" not in operation.path or operation.name.startswith(SHARED):
            continue
        assert operation.address("main", theirs) != operation.address("main"), operation.name
        foreign = call(client, operation, operation.address("main", theirs))
        unknown = call(client, operation, operation.address("main"))
        assert foreign.status_code == unknown.status_code, (operation.name, foreign.content)
        assert foreign.status_code == 404 or operation.method != "get", (operation.name, foreign.content)
        assert foreign.status_code in (400, 404), (operation.name, foreign.content)
        said = [without_names(answer.json()["detail"]) for answer in (foreign, unknown)]
        assert said[0] == said[1], operation.name


# Runner users serve all companies, and an inbox is its owner's.
SHARED = ("runners_", "report_documents_")


def test_the_rows_are_there_in_their_own_company(calling, theirs):
    client = calling(user=builders.make_superuser())
    for operation in operations():
        if operation.method != "get" or not operation.of_a_row or "{company}" not in operation.path:
            continue
        if not operation.name.startswith(SHARED) and operation.name not in APART:
            response = call(client, operation, operation.address("other", theirs))
            assert response.status_code == 200, (operation.name, response.content)


@pytest.mark.parametrize("limited", ["user", "token"])
def test_another_company_is_answered_like_none(calling, company, theirs, limited):
    client = calling(limited_to=company)
    if limited == "user":
        user = builders.make_user(groups=["Administrator"])
        builders.make_company(company.code, members=[user])
        client = calling(user=user)
    for operation in operations():
        if "{company}" not in operation.path or operation.name in APART:
            continue
        foreign = call(client, operation, operation.address("other", theirs))
        unknown = call(client, operation, operation.address("nowhere", theirs))
        assert foreign.status_code == unknown.status_code == 404, operation.name
        assert foreign.json()["code"] == unknown.json()["code"] == "not_found"
        said = [without_names(answer.json()["detail"]) for answer in (foreign, unknown)]
        assert said[0] == said[1], operation.name


def test_no_list_holds_anything_of_another_company(calling, theirs):
    client = calling()
    for operation in operations():
        if operation.method != "get" or operation.of_a_row or "{company}" not in operation.path:
            continue
        response = call(client, operation, operation.address("main"))
        assert response.status_code == 200 or operation.name in APART, operation.name
        body = response.content.decode()
        assert "Their" not in body, operation.name
        assert not [key for key in theirs.values() if len(key) > 20 and key in body], operation.name


# --- counting calls
def test_calls_that_are_forbidden_or_lead_nowhere_are_counted_too(calling, settings):
    settings.API_CALLS_PER_MINUTE = 3
    client = calling("Viewer")
    addresses = ("companies/nowhere/entries/", "companies/main/entries/999/", "doctor/", "doctor/")
    statuses = [client.get(f"/api/v1/{address}").status_code for address in addresses]
    assert statuses == [404, 404, 403, 429]


# --- conditions
def test_every_answer_to_get_carries_an_etag_that_is_good_for_304(calling):
    client = calling("Administrator")
    for operation in operations():
        if operation.method != "get" or operation.of_a_row or operation.name in APART - {OF_ANYBODY}:
            continue
        address = operation.address("main")
        first = client.get(address)
        assert first["ETag"], operation.name
        if operation.name == "doctor":  # it measures times
            continue
        for tag in (first["ETag"], f"W/{first['ETag'].removeprefix('W/')}", "*", f'"x", {first["ETag"]}'):
            again = client.get(address, headers={"If-None-Match": tag})
            assert (again.status_code, again.content) == (304, b""), (operation.name, tag)


def test_an_etag_made_weak_on_its_way_is_still_good(calling):
    client, entry = calling(), builders.make_entry()
    address = f"/api/v1/companies/main/entries/{entry.pk}/"
    tag = f"W/{client.get(address)['ETag']}"
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    assert client.patch(address, {"description": "x"}, headers={"If-Match": tag}).status_code == 200
    assert client.patch(address, {"description": "y"}, headers={"If-Match": tag}).status_code == 412
    package = building.make_package()
    address = f"/api/v1/companies/main/packages/{package.uuid}/"
    tag = f"W/{client.get(address)['ETag']}"
    assert client.patch(address, {"description": "x"}, headers={"If-Match": tag}).status_code == 200
    assert client.patch(address, {"description": "y"}, headers={"If-Match": tag}).status_code == 412


# --- what may be sent
def test_an_address_no_database_can_look_up_leads_nowhere(calling):
    client = calling(user=builders.make_superuser())
    for operation in operations():
        address = operation.address("%00")
        if "NOWHERE" in address or "%00" in address:
            response = call(client, operation, address.replace("NOWHERE", "a%00"))
            assert (response.status_code, response.json()["code"]) == (404, "not_found"), operation.name
        response = call(client, operation, operation.address("%FF%ED%A0%80").replace("NOWHERE", "%FF"))
        assert response.status_code < 500, operation.name


ENTRY = '{"object_id": 90001, %s"description": "x"}'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (ENTRY % '"object_id": 90002, ', "“object_id” twice"),
        (ENTRY % '"parameters": {"a": 1, "a": 2}, ', "“a” twice"),
        (ENTRY % '"object_id": NaN, ', "NaN is no number"),
        (ENTRY % '"object_id": -Infinity, ', "-Infinity is no number"),
        ("﻿" + ENTRY % "", "no JSON"),
        ((ENTRY % "").encode("utf-16"), "not UTF-8"),
        (b'{"description": "\xff"}', "not UTF-8"),
        ("", "required"),
        ("[" * 100_000, "nested too deeply"),
        ('{"description": "\\ud800"}', "half a character"),
        ('{"\\ud800": 1, "\\ud800": 2}', "“?” twice"),
        ('{"object_id": ' + "9" * 5_000 + "}", "no JSON"),
    ],
)
def test_bodies_that_can_be_read_in_two_ways_or_in_none_are_refused(calling, body, says):
    client = calling()
    response = client.generic(
        "POST", "/api/v1/companies/main/entries/", body, "application/json; charset=utf-16"
    )
    assert response.status_code == 400, response.content
    assert says in response.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "messages/?queued_from=0001-01-01T00:00:00%2B05:00",
        "messages/?queued_before=9999-12-31T23:59:59-05:00",
        "notification-lists/?enabled=maybe",
        "notification-lists/?private=7",
        "packages/?running=maybe",
        "package-runs/?running=maybe",
    ],
)
def test_filters_that_mean_nothing_are_refused(calling, query):
    response = calling().get(f"/api/v1/companies/main/{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid"), response.content


def test_filters_take_moments_with_any_offset(calling):
    client = calling()
    for query in ("messages/?queued_from=", "package-runs/?due_from=", "entries/?starts_after="):
        for moment in ("2026-03-02T00:00:00%2B23:59", "2026-03-02T00:00:00-16:00", "2026-03-02"):
            assert client.get(f"/api/v1/companies/main/{query}{moment}").status_code == 200, query


@pytest.mark.parametrize(
    "cursor", ["cD1hYmM=", "cD0yMDI2LTEzLTAx", "cD0lMDA=", "bz05OTk5OTk5OTk5", "x", "cD05OTk5OTk="]
)
def test_a_cursor_that_was_tampered_with_is_no_failure_of_the_server(calling, cursor):
    client, company = calling(), builders.default_company()
    for make in LISTS.values():
        make(company, client.user)
    for operation in operations():
        if operation.method == "get" and operation.name.endswith("_list") and "{company}" in operation.path:
            if operation.of_a_row:
                continue
            response = client.get(f"{operation.address('main')}?cursor={cursor}")
            assert response.status_code in (200, 400, 404), (operation.name, response.content)


def test_the_lists_of_an_entry_are_found_by_its_number_too(calling):
    client, entry = calling(), builders.make_entry()
    made = client.post("/api/v1/companies/main/notification-lists/", {"name": "Ops"}).json()
    for key in (entry.pk, entry.id):
        address = f"/api/v1/companies/main/entries/{key}/notification-lists/"
        assert [row["id"] for row in client.post(address, {"list": made["id"]}).json()] == [made["id"]]
        assert [row["id"] for row in client.get(address).json()] == [made["id"]]
        assert client.delete(f"{address}{made['id']}/").status_code == 204
    assert client.get("/api/v1/companies/main/entries/x/notification-lists/").status_code == 404
