"""Every list: as many queries for five rows as for fifty, pages, and nothing of other companies."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue import api_tokens, history
from jobqueue.models import (
    Cluster,
    CompanyMember,
    Credential,
    ErrorMessage,
    ErrorMessageRegister,
    ReportDocument,
    ScheduledTask,
    SessionEvent,
    WorkerSession,
)
from jobqueue.scheduler import database_now
from jobqueue.states import HoldKind, LogStatus, OutputType
from tests import builders
from tests.api.refusing import refused

pytestmark = pytest.mark.django_db
MAIN = "/api/v1/companies/main/"
NOW = builders.NOW


def _cluster():
    return Cluster.objects.create(
        host="alpha", machine="m", pid=1, process_start=1, lease_until=NOW + timedelta(days=36_500), workers=2
    )


def _register(company, user):
    register = ErrorMessageRegister.objects.create(company=company, created_at=NOW, user=user, message="No")
    ErrorMessage.objects.create(register=register, message="No", created_at=NOW)


def _document(company, user):
    ReportDocument.objects.create(
        company=company,
        user=user,
        entry_id=builders.make_entry(company=company).id,
        object_id=1,
        description="List",
        output_type=OutputType.CSV,
        file_name="list.csv",
        content_type="text/csv",
        content=b"a",
        size_bytes=1,
        created_at=NOW,
    )


def _entry(company, user):
    return builders.make_entry(
        company=company, user=user, hold_kind=HoldKind.MANUAL, held_by=user, held_at=NOW
    )


def _change(company, user):
    history.record(_entry(company, user), actor=builders.actor_of(user), action="create", now=NOW)


def _task(company, user):
    task = ScheduledTask.objects.create(
        main_routine="x", company=company, user=user, not_before=NOW, rank=NOW, timeout_seconds=1
    )
    builders.make_entry(company=company, user=user, system_task_id=task.pk)


def _worker(company, user):
    WorkerSession.objects.create(cluster=_cluster(), host="alpha", pid=1, process_start=1)


def _credential(company, user):
    Credential.objects.create(company=company, name=f"c{Credential.objects.count()}")


def _token(company, user):
    now = database_now()
    api_tokens.make_personal(
        builders.actor_of(user), name="t", scopes=["view"], now=now, expires_at=now + timedelta(days=1)
    )


LISTS = {
    "entries/": _entry,
    "holds/": _entry,
    "changes/": _change,
    "log-entries/": lambda company, user: builders.make_log_entry(
        _entry(company, user), status=LogStatus.ERROR, ended_by=user
    ),
    "categories/": lambda company, user: builders.make_category(
        f"C{company.categories.count()}", company=company
    ),
    "error-messages/": _register,
    "report-documents/": _document,
    "session-events/": lambda company, user: SessionEvent.objects.create(
        at=NOW, kind="killed", company=company, user=user
    ),
    "scheduled-tasks/": _task,
    "credentials/": _credential,
    "members/": lambda company, user: CompanyMember.objects.create(
        company=company, user=builders.make_user()
    ),
    "/api/v1/api-tokens/": _token,
    "/api/v1/setup-changes/": lambda company, user: builders.make_category(
        f"S{company.categories.count()}", company=company
    ),
    "/api/v1/companies/": lambda company, user: builders.make_company(),
    "/api/v1/clusters/": lambda company, user: _cluster(),
    "/api/v1/worker-sessions/": _worker,
}
OF_NO_COMPANY = [name for name in LISTS if name.startswith("/")]
FOR_ADMINISTRATORS = ("credentials/", "members/", "/api/v1/setup-changes/")


def address_of(name: str) -> str:
    return name if name.startswith("/") else f"{MAIN}{name}"


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_the_database_as_often_for_fifty_rows_as_for_five(calling, name):
    client, company = calling(), builders.default_company()
    counts = []
    for rows in (5, 45):
        for _ in range(rows):
            LISTS[name](company, client.user)
        client.get(address_of(name))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.get(address_of(name))
        assert answer.status_code == 200
        counts.append(len(queries))
    assert len(answer.json()["results"]) == 50
    clock = connection.vendor == "postgresql"  # it is asked for the time; SQLite's is the host's
    assert counts[0] == counts[1] <= 10 + clock


@pytest.mark.parametrize("name", [name for name in LISTS if name not in OF_NO_COMPANY])
def test_rows_of_other_companies_are_not_listed(calling, name):
    client = calling()
    LISTS[name](builders.make_company("other"), client.user)
    before = client.get(address_of(name)).json()["results"]
    assert before == []
    LISTS[name](builders.default_company(), client.user)
    assert len(client.get(address_of(name)).json()["results"]) == 1


@pytest.mark.parametrize("name", LISTS)
def test_every_list_refuses_what_it_does_not_know(calling, name):
    client = calling()
    address = address_of(name)
    assert refused(client.get(f"{address}?colour=red"), 400, "invalid")["errors"][0]["field"] == "colour"
    refused(client.get(f"{address}?page_size=0"), 400, "invalid")
    refused(client.get(f"{address}?search=%00"), 400, "invalid")
    page = "cursor=x" if "count" not in client.get(address).json() else "page=99"
    refused(
        client.get(f"{address}?{page}"), 404, "cursor_unknown" if "cursor" in page else "page_out_of_range"
    )


@pytest.mark.parametrize("name", LISTS)
def test_every_list_needs_the_level_to_see(calling, name):
    user = builders.make_user()
    scopes = ["administer" if name in FOR_ADMINISTRATORS else "view"]
    refused(calling(user=user, scopes=scopes).get(address_of(name)), 403, "not_allowed")
    if name in FOR_ADMINISTRATORS:
        refused(calling("Scheduler", scopes=["schedule"]).get(address_of(name)), 403, "scope_missing")
        refused(calling("Scheduler").get(address_of(name)), 403, "not_allowed")
        assert calling().get(address_of(name)).status_code == 200
    else:
        assert calling("Viewer", scopes=["view"]).get(address_of(name)).status_code == 200


@pytest.mark.parametrize(
    ("moment", "status"),
    [("2026-03-02T08:00:00%2B21:33", 200), ("0001-01-01T00:00:00%2B05:00", 400), ("yesterday", 400)],
)
def test_a_moment_may_have_any_offset_that_leads_to_a_year_there_is(calling, moment, status):
    client = calling()
    for name in ("log-entries/?ended_before=", "log-entries/?ended_after=", "entries/?starts_before="):
        assert client.get(f"{MAIN}{name}{moment}").status_code == status
