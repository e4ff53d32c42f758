"""The job object Log clean-up: what goes, what stays, and in which portions."""

from datetime import UTC, datetime, timedelta

import pytest

from jobqueue import inbox, retention
from jobqueue.models import ErrorMessageRegister, LogEntry, LogLine, ReportDocument
from jobqueue.objects import Document, EntryView, OutputType, registry, rehearse
from jobqueue.states import LogStatus, ObjectType
from tests.builders import make_company, make_entry, make_log_entry

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    return make_company()


@pytest.fixture
def entry(company):
    return make_entry(company=company)


def clean(company, **parameters):
    item = registry.get(ObjectType.CODEUNIT, 5)
    return rehearse(item, parameters=parameters, company_id=company.pk, now=NOW)


def row(entry, days, *, status=LogStatus.SUCCESS, **fields):
    return make_log_entry(entry, status=status, due_at=NOW - timedelta(days=days), **fields)


def test_old_rows_go_with_their_lines_and_young_ones_stay(company, entry):
    old, young = row(entry, 91), row(entry, 89)
    LogLine.objects.create(log_entry=old, at=NOW, text="x")
    run = clean(company, older_than_days=90)
    assert list(LogEntry.objects.all()) == [young]
    assert LogLine.objects.count() == 0
    assert run.sink.texts[0] == "1 log entries older than 90 days deleted."


def test_rows_in_process_stay_however_old(company, entry):
    running = row(entry, 400, status=LogStatus.IN_PROCESS)
    clean(company, older_than_days=1)
    assert LogEntry.objects.get() == running


def test_rows_that_brought_no_run_count_by_their_due_moment(company, entry):
    row(entry, 100, status=LogStatus.MISSED, ended_at=None)
    young = row(entry, 5, status=LogStatus.SKIPPED, ended_at=None)
    clean(company, older_than_days=90)
    assert LogEntry.objects.get() == young


def test_other_companies_are_not_touched(company):
    other = row(make_entry(company=make_company()), 400)
    clean(company, older_than_days=1)
    assert LogEntry.objects.get() == other


def test_error_messages_go_with_the_last_row_that_refers_to_them(company, entry):
    shared = ErrorMessageRegister.objects.create(company=company, created_at=NOW)
    alone = ErrorMessageRegister.objects.create(company=company, created_at=NOW)
    row(entry, 100, status=LogStatus.ERROR, error_register=shared)
    row(entry, 101, status=LogStatus.ERROR, error_register=alone)
    row(entry, 1, status=LogStatus.ERROR, error_register=shared)
    clean(company, older_than_days=90)
    assert list(ErrorMessageRegister.objects.all()) == [shared]


def test_rows_go_in_portions(company, entry):
    for days in range(100, 105):
        row(entry, days)
    before = NOW - timedelta(days=90)
    assert list(retention.delete_log_entries(company, ended_before=before, limit=2)) == [2, 2, 1]


def test_without_a_number_the_setting_counts_and_without_both_rows_are_kept(company, entry, settings):
    row(entry, 1000)
    settings.JOBQUEUE = {**settings.JOBQUEUE, "LOG_RETENTION_DAYS": None}
    assert (
        clean(company)
        .sink.texts[0]
        .startswith("Log entries are kept: neither the job nor LOG_RETENTION_DAYS")
    )
    assert LogEntry.objects.count() == 1
    settings.JOBQUEUE = {**settings.JOBQUEUE, "LOG_RETENTION_DAYS": 365}
    clean(company)
    assert LogEntry.objects.count() == 0


def test_expired_report_documents_of_the_company_go_unless_told_otherwise(company, entry, settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "REPORT_RETENTION_DAYS": 28}
    paper = Document("a.csv", "text/csv", b"x", OutputType.CSV)
    for owner in (entry, make_entry(company=make_company())):
        inbox.store(paper, entry=EntryView.of(owner), now=NOW - timedelta(days=29))
    clean(company, report_inbox=False)
    assert ReportDocument.objects.count() == 2
    assert clean(company).sink.texts[-1] == "1 report documents older than 28 days deleted."
    assert ReportDocument.objects.get().company != company
