"""The same occasion noticed by two transactions at once, with connections of their own."""

import threading
import time

import pytest
from django.db import connection, transaction

from notifications.models import ChannelTarget, Message
from notifications.notify import notify
from tests.builders import default_company
from tests.notifications.outbox import make_list, occasion

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"),
]
LATE = {"sample_late": "late:70"}


def wait_until_somebody_waits() -> None:
    """Returns once another connection to this database waits for a lock."""
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_stat_clear_snapshot()"
            )  # a transaction sees the first one again and again
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waited within 10 s")


def told_of_failure(lists) -> set[str]:
    """Tells of a late run that failed while another transaction has just noticed, unstored yet, that it is late."""

    def fail() -> None:
        try:
            notify(occasion("sample_error", "sample_late", lists=lists, once=LATE, source=("run", "failed")))
        finally:
            connection.close()

    failing = threading.Thread(target=fail)
    with transaction.atomic():
        notify(occasion("sample_late", lists=lists, once=LATE, source=("run", "late")))
        failing.start()
        wait_until_somebody_waits()
    failing.join(30)
    return set(Message.objects.filter(source_reference="failed").values_list("recipient", flat=True))


def test_a_failure_is_told_although_somebody_else_notices_the_same_lateness():
    lists = (make_list(("ann@example.com", "sample_error"), ("bob@example.com", "sample_late")),)
    assert "ann@example.com" in told_of_failure(lists)


def test_a_failure_is_told_although_a_webhook_hears_of_the_same_lateness():
    ChannelTarget.objects.create(
        company=default_company(), name="Ops", kind="webhook", events=["sample_late"]
    )
    assert told_of_failure((make_list(("ann@example.com", "sample_error")),)) >= {"ann@example.com"}
