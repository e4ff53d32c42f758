"""Every page renders for everyone who may see it, in a number of queries that does not grow with the rows."""

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.models import (
    Cluster,
    EntryChange,
    ErrorMessage,
    ErrorMessageRegister,
    LogLine,
    ReportDocument,
    ScheduledTask,
    SessionEvent,
    WorkerSession,
)
from jobqueue.states import LogStatus, Status
from tests import builders
from tests.admin.conftest import LEVELS, address

pytestmark = pytest.mark.django_db

LISTS = (
    "",
    "jobqueue/entry/",
    "jobqueue/logentry/",
    "jobqueue/category/",
    "jobqueue/reportdocument/",
    "jobqueue/scheduledtask/",
    "jobqueue/cluster/",
    "jobqueue/workersession/",
    "jobqueue/sessionevent/",
    "jobqueue/errormessageregister/",
    "jobqueue/entrychange/",
)
SET_UP = (
    "jobqueue/company/",
    "jobqueue/credential/",
    "jobqueue/company/add/",
    "jobqueue/credential/add/",
    "jobqueue/category/add/",
)


def one_of_everything(user, *, count: int = 1) -> dict[str, str]:
    """Rows for every page; the addresses of their cards."""
    company, now = builders.default_company(), builders.NOW
    builders.make_category("BANK")
    cards = {}
    for number in range(count):
        entry = builders.make_recurring_entry(
            status=Status(number % 7) if count > 1 else Status.READY,
            category_code="BANK",
            user=user,
            earliest_start_at=now,
            error_message="It broke.\nBadly.",
        )
        for minute, status in enumerate((LogStatus.SUCCESS, LogStatus.ERROR, LogStatus.IN_PROCESS)):
            log = builders.make_log_entry(
                entry, status=status, due_at=now.replace(minute=minute), attempt=number
            )
        LogLine.objects.create(log_entry=log, at=now, text="posted 1 of 2")
        register = ErrorMessageRegister.objects.create(
            company=company, created_at=now, user=user, message="Two errors"
        )
        for text in ("First", "Second"):
            ErrorMessage.objects.create(register=register, message=text, created_at=now)
        cluster = Cluster.objects.create(
            host="h", machine="m", pid=number, process_start=1, lease_until=now, workers=2
        )
        WorkerSession.objects.create(cluster=cluster, host="h", pid=number, process_start=1)
        SessionEvent.objects.create(kind="killed", at=now, company=company, record=entry.id, comment="Died")
        task = ScheduledTask.objects.create(
            main_routine="jobqueue.dispatch",
            company=company,
            user=user,
            not_before=now,
            rank=now,
            timeout_seconds=60,
            record=entry.id,
        )
        type(entry).objects.filter(pk=entry.pk).update(system_task_id=task.pk)
        EntryChange.objects.create(
            company=company,
            entry_id=entry.id,
            entry_description=str(entry),
            at=now,
            user=user,
            origin="admin",
            action="set-ready",
            changes={"Status": ["On Hold", "Ready"]},
        )
        document = ReportDocument.objects.create(
            company=company,
            user=user,
            entry_id=entry.id,
            log_entry_no=log.pk,
            object_id=3,
            description="Stock",
            output_type=5,
            file_name="stock.csv",
            content_type="text/csv",
            content=b"a",
            size_bytes=1,
            created_at=now,
        )
        cards = {
            "entry": f"jobqueue/entry/{entry.pk}/change/",
            "log": f"jobqueue/logentry/{log.pk}/change/",
            "register": f"jobqueue/errormessageregister/{register.pk}/change/",
            "cluster": f"jobqueue/cluster/{cluster.pk}/change/",
            "task": f"jobqueue/scheduledtask/{task.pk}/change/",
            "download": f"jobqueue/reportdocument/{document.pk}/download/",
        }
    return cards


@pytest.mark.parametrize("group", LEVELS)
def test_every_page_renders_for_every_level(signed_in, group):
    client = signed_in(group)
    cards = one_of_everything(client.user)
    for page in (*LISTS, *cards.values()):
        response = client.get(address(page))
        assert response.status_code == 200, page
    expected = 200 if group == "Administrator" else 403
    for page in SET_UP:
        assert client.get(address(page)).status_code == expected, page
    assert client.get(address("jobqueue/entry/add/")).status_code == (
        200 if group in ("Scheduler", "Administrator") else 403
    )


def test_someone_without_any_level_is_told_what_is_missing(signed_in):
    client = signed_in(user=builders.make_user())
    page = client.get(address("")).content.decode()
    assert "The group “Viewer” grants it" in page
    for listing in LISTS[1:]:
        assert client.get(address(listing)).status_code == 403, listing
    for card in one_of_everything(client.user).values():
        assert client.get(address(card)).status_code == 403, card


@pytest.mark.parametrize("page", LISTS)
def test_lists_need_the_same_number_of_queries_for_more_rows(signed_in, page):
    client = signed_in(user=builders.make_superuser())
    one_of_everything(client.user, count=2)
    client.get(address(page))
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address(page))
    one_of_everything(client.user, count=14)
    with CaptureQueriesContext(connection) as many:
        client.get(address(page))
    assert len(many) <= len(few) + 1, [query["sql"][:120] for query in many][-12:]


def test_no_page_carries_inline_scripts_or_addresses_of_other_hosts(signed_in):
    client = signed_in(user=builders.make_superuser())
    cards = one_of_everything(client.user)
    cards.pop("download")
    for page in (*LISTS, *SET_UP, *cards.values(), "jobqueue/entry/add/"):
        response = client.get(address(page))
        html = response.content.decode()
        assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", html), page
        assert not re.search(r"\son(click|load|change|submit)=", html), page
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html), page
        policy = response["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval'" in policy, page


def test_no_list_offers_djangos_unconfirmed_actions_or_a_date_hierarchy():
    for model, page in admin.site._registry.items():
        if model._meta.app_label == "jobqueue":
            assert page.date_hierarchy is None, model
            assert not page.show_full_result_count, model


def test_every_verb_names_a_level_a_question_and_bulk_words():
    for page in admin.site._registry.values():
        for verb in getattr(page, "verbs", ()):
            assert verb.level in ("view", "operate", "schedule", "administer"), verb.name
            assert callable(verb.question), verb.name
            assert bool(verb.question_many) == bool(verb.done_many), verb.name
            if verb.danger:
                assert verb.confirmed, f"{verb.name} is hard to undo and must be confirmed"
