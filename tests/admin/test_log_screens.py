"""Pages that read logs find their rows by an index, however long the log is (PostgreSQL)."""

from datetime import timedelta

import pytest
from django.db import connection

from bench.large_site import Size, make
from bench.screens import look, screens
from jobqueue.models import LogEntry
from jobqueue.scheduler.clock import database_now
from tests import builders

LOG_ROWS = 20_000
MOST_VISITED = 2_500
"""Rows a page may look at. Counting and searching for words may look at more, on purpose and up to a bound."""
ALL_IT_MAY = ("words", "page 900")
KEPT_FOR_DAYS = ("jobqueue_sessionevent",)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="plans of PostgreSQL"),
]


@pytest.fixture
def company():
    company = builders.default_company()
    make(Size(entries=500, log_rows=LOG_ROWS), first_due_at=database_now() + timedelta(days=2))
    assert LogEntry.objects.filter(company=company).count() > LOG_ROWS / 4
    return company


def test_no_page_reads_a_log_from_end_to_end(company, client):
    client.force_login(builders.make_superuser(is_active=True))
    problems = []
    looked_at = 0
    for screen in screens(company):
        for plan in look(screen, client=client, times=0, only_indexes=True).plans:
            looked_at += 1
            if plan.without_index and not (plan.is_count and plan.without_index == KEPT_FOR_DAYS):
                problems.append(f"{screen.name}: reads all of {plan.without_index}: {plan.sql}")
            bounded = not plan.is_count and not any(words in screen.name for words in ALL_IT_MAY)
            if bounded and plan.visited > MOST_VISITED:
                problems.append(f"{screen.name}: looks at {plan.visited} rows: {plan.sql}")
    assert looked_at > 40
    assert not problems, "\n".join(problems)


def test_without_its_index_a_page_is_found_out(company, client):
    """The look itself: it must notice what it is there to notice."""
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX log_company_object")
    try:
        client.force_login(builders.make_superuser(is_active=True))
        screen = next(one for one in screens(company) if "never ran" in one.name)
        plans = look(screen, client=client, times=0, only_indexes=True).plans
        assert any(plan.visited > MOST_VISITED and not plan.is_count for plan in plans)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE INDEX log_company_object ON jobqueue_logentry"
                " (company_id, object_type, object_id, entry_no DESC)"
            )
