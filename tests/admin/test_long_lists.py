"""Lists of a long log: what is bounded says so, and filters still offer what is there."""

from datetime import timedelta

import pytest

from jobqueue import companies
from jobqueue.admin import base, paginator
from jobqueue.admin.filters import objects_of
from jobqueue.models import Entry, ErrorMessage, ErrorMessageRegister, LogEntry
from jobqueue.states import Level, ObjectType
from tests import builders
from tests.admin.conftest import address, said

pytestmark = pytest.mark.django_db
LOG = "jobqueue/logentry/"


@pytest.fixture
def entry(company):
    return builders.make_entry(description="Nightly")


def rows(entry, count: int, **fields) -> None:
    for number in range(count):
        builders.make_log_entry(entry, due_at=builders.NOW + timedelta(minutes=number), **fields)


def test_a_search_looks_through_the_newest_rows_and_says_so(entry, signed_in, monkeypatch):
    rows(entry, 1, error_message="The oldest broke")
    rows(builders.make_entry(), 4)
    monkeypatch.setattr(base, "SEARCHED_ROWS", 3)
    answer = signed_in().get(address(f"{LOG}?q=oldest"), follow=True)
    assert "Searched the newest 3 rows." in said(answer)
    assert "The oldest broke" not in answer.content.decode()


def test_a_search_in_a_narrowed_list_reaches_further_back(entry, signed_in, monkeypatch):
    rows(entry, 1, error_message="The oldest broke")
    rows(builders.make_entry(), 4)
    monkeypatch.setattr(base, "SEARCHED_ROWS", 3)
    answer = signed_in().get(address(f"{LOG}?q=oldest&entry={entry.id}"), follow=True)
    assert "Searched" not in said(answer)
    assert "The oldest broke" in answer.content.decode()


def test_a_list_ends_after_the_last_page_it_may_show(entry, monkeypatch):
    rows(entry, 7)
    monkeypatch.setattr(paginator, "MOST_PAGES", 2)
    found = paginator.EstimatingPaginator(LogEntry.objects.order_by("-entry_no"), 2)
    assert (found.count, found.num_pages) == (7, 2)


def test_the_object_filter_offers_each_object_of_the_company_once(entry):
    rows(entry, 3)
    builders.make_log_entry(builders.make_entry(object_type=ObjectType.REPORT, object_id=90_010))
    builders.make_log_entry(builders.make_entry(company=builders.make_company(), object_id=90_003))
    wanted = [(ObjectType.REPORT, 90_010), (ObjectType.CODEUNIT, builders.SUCCESS_OBJECT)]
    assert objects_of(LogEntry, companies.default()) == wanted
    assert objects_of(LogEntry, companies.default(), at_most=1) == wanted[:1]
    assert objects_of(Entry, companies.default()) == wanted


def test_messages_are_counted_for_the_registers_of_the_page(company, signed_in):
    for levels in ((Level.ERROR, Level.ERROR, Level.WARNING), ()):
        register = ErrorMessageRegister.objects.create(
            company=company, created_at=builders.NOW, message="Several"
        )
        for level in levels:
            ErrorMessage.objects.create(register=register, level=level, message="x", created_at=builders.NOW)
    page = signed_in().get(address("jobqueue/errormessageregister/"), follow=True).content.decode()
    assert "2 errors, 1 warning" in page
    assert "none" in page
