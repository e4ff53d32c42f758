"""The report inbox: documents reach their running user and nobody else, and go after the retention."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from jobqueue import inbox
from jobqueue.errors import NotFound
from jobqueue.models import ReportDocument
from jobqueue.objects import Document, EntryView, OutputType
from tests.builders import make_company, make_entry, make_user

NOW = datetime(2026, 3, 2, 9, 0, 31, tzinfo=UTC)
PAPER = Document("list.csv", "text/csv", b"A\r\n1\r\n", OutputType.CSV)
pytestmark = pytest.mark.django_db


def put(user, *, now=NOW, company=None):
    entry = make_entry(user=user, company=company or make_company("main"), object_type=3, object_id=3)
    return inbox.store(PAPER, entry=EntryView.of(entry), now=now, log_entry_no=7)


def test_a_document_is_stored_for_the_running_user_to_the_minute():
    user = make_user()
    stored = ReportDocument.objects.get(pk=put(user).pk)
    assert (stored.user, stored.file_name, bytes(stored.content)) == (user, "list.csv", PAPER.content)
    assert (stored.size_bytes, stored.output_type, stored.log_entry_no) == (6, OutputType.CSV, 7)
    assert stored.created_at == datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    assert not stored.is_read


def test_opening_gives_the_content_and_marks_it_read():
    user = make_user()
    stored = put(user)
    assert inbox.unread_count(user) == 1
    opened = inbox.open_document(stored.pk, user=user)
    assert bytes(opened.content) == PAPER.content
    assert opened.is_read
    assert inbox.unread_count(user) == 0


def test_documents_of_others_do_not_exist_for_a_user_not_even_for_a_superuser():
    stored = put(make_user())
    for key in (stored.pk, str(uuid4()), "nonsense"):
        with pytest.raises(NotFound, match=r"no such document in your report inbox"):
            inbox.open_document(key, user=make_user(is_superuser=True))
    assert not ReportDocument.objects.get(pk=stored.pk).is_read


def test_the_list_is_the_users_own_newest_first_without_loading_contents(django_assert_num_queries):
    user, company = make_user(), make_company()
    older, newer = put(user, now=NOW - timedelta(days=1)), put(user, company=company)
    put(make_user())
    with django_assert_num_queries(1):
        assert [item.pk for item in inbox.documents_of(user)] == [newer.pk, older.pk]
    assert [item.pk for item in inbox.documents_of(user, company=company)] == [newer.pk]
    assert "content" in inbox.documents_of(user)[0].get_deferred_fields()


def test_a_user_deletes_only_their_own_documents():
    user, other = make_user(), make_user()
    mine, theirs = put(user), put(other)
    assert inbox.delete_documents([mine.pk, theirs.pk], user=user) == 1
    assert ReportDocument.objects.get() == theirs


def test_expired_documents_go_in_small_batches(settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "REPORT_RETENTION_DAYS": 28}
    user = make_user()
    for days in (40, 35, 29, 27, 0):
        put(user, now=NOW - timedelta(days=days))
    assert [inbox.purge(NOW, limit=2) for _ in range(3)] == [2, 1, 0]
    assert inbox.documents_of(user).count() == 2
