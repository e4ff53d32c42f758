"""Rows of long lists are shown quickly, and exactly as Django REST framework shows them."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from rest_framework import serializers

from jobqueue.api.entries import entries_shown
from jobqueue.api.entry_rows import EntrySerializer
from jobqueue.api.error_messages import ErrorMessageSerializer
from jobqueue.api.log_rows import LogEntrySerializer, LogEntryWhole, LogLineSerializer
from jobqueue.api.quick_rows import share_people
from jobqueue.api.scheduled_tasks import TaskSerializer
from jobqueue.models import Entry, ErrorMessage, ErrorMessageRegister, LogEntry, LogLine, ScheduledTask
from jobqueue.scheduler import create_task
from tests.builders import default_company, make_entry, make_log_entry, make_user

pytestmark = pytest.mark.django_db
MOMENT = datetime(2026, 3, 2, 9, 30, 0, 250_000, tzinfo=UTC)


def rows_of_all_kinds():
    """Entries, log entries and a line, with everything filled in and with everything left empty."""
    full, person = make_entry(description="Full"), make_user()
    Entry.objects.filter(pk=full.pk).update(
        user=person,
        held_by=person,
        hold_kind="manual",
        starting_time=time(8, 30),
        parameters={"url": "https://rates.example", "password": "x"},
        earliest_start_at=MOMENT,
        expires_at=MOMENT.replace(microsecond=0),
        held_at=MOMENT,
        run_on_mondays=True,
    )
    empty = make_entry(description="Empty")
    Entry.objects.filter(pk=empty.pk).update(user=None, created_by=None, parameters={}, object_id=999_999)
    log = make_log_entry(full, due_at=MOMENT, started_at=MOMENT, ended_at=MOMENT, error_message="No paper.")
    make_log_entry(empty, due_at=MOMENT)
    LogLine.objects.create(log_entry=log, at=MOMENT, level=1, text="Begun")
    register = ErrorMessageRegister.objects.create(
        company=default_company(), user=person, message="No paper.", created_at=MOMENT
    )
    ErrorMessage.objects.create(register=register, level=1, message="No paper.", created_at=MOMENT)
    task = ScheduledTask.objects.get(pk=create_task("jobqueue.watch"))
    task.shown_entry_no = None
    return [
        (TaskSerializer, task),
        *((EntrySerializer, entry) for entry in entries_shown(default_company())),
        *((shown, row) for row in LogEntry.objects.all() for shown in (LogEntrySerializer, LogEntryWhole)),
        *((LogLineSerializer, line) for line in LogLine.objects.all()),
        *((ErrorMessageSerializer, message) for message in ErrorMessage.objects.all()),
    ]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_it_shows_what_a_model_serializer_shows(zone):
    rows = rows_of_all_kinds()
    assert len(rows) == 9
    with timezone.override(ZoneInfo(zone)):
        for shown_as, row in rows:
            by_the_book = serializers.ModelSerializer.to_representation(shown_as(row), row)
            assert shown_as(row).data == by_the_book
            assert list(shown_as(row).data) == list(by_the_book)


def test_people_are_looked_up_once(django_assert_num_queries):
    person = make_user()
    for _ in range(3):
        make_entry()
    Entry.objects.update(user=person, created_by=person, held_by=None)
    page = list(Entry.objects.all())
    with django_assert_num_queries(1):
        share_people(page, "user", "held_by", "created_by")
        assert {id(entry.user) for entry in page} == {id(page[0].created_by)}
        assert {entry.held_by for entry in page} == {None}
    with django_assert_num_queries(0):
        share_people(page, "user")
        share_people([], "user")
