"""The report SQL query: it reads from allowed connections and changes nothing, whatever the statement says.

Runs on the database of the test run; the guards of PostgreSQL are proven when that is the database.
"""

import contextlib

import pytest
from django.db import connection

from jobqueue.builtin.read_only_query import QueryFailed, select
from jobqueue.errors import InvalidParameters
from jobqueue.models import Company
from jobqueue.objects import OutputType, registry, rehearse
from jobqueue.states import Level, ObjectType
from tests.builders import make_company

pytestmark = pytest.mark.django_db(transaction=True)
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs PostgreSQL")
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="needs SQLite")
COUNT_TO = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {limit}) SELECT {what} FROM n"
)


@pytest.fixture(autouse=True)
def _allow_the_test_database(settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SQL_REPORT_ALIASES": ["default"]}


def show(query, *, output_type=OutputType.CSV, **parameters):
    return rehearse(
        registry.get(ObjectType.REPORT, 3),
        parameters={"connection": "default", "query": query, **parameters},
        report_output_type=output_type,
    )


def ask(query, **limits):
    return select(query, alias="default", **{"row_limit": 100, "timeout_seconds": 10, **limits})


def test_rows_become_a_csv_document():
    make_company("zeta", name="Ærø ApS")
    run = show("SELECT code, name FROM jobqueue_company WHERE code = 'zeta'", title="Companies")
    [document] = run.sink.documents
    assert document.content.decode("utf-8-sig") == "code,name\r\nzeta,Ærø ApS\r\n"
    assert document.file_name.startswith("Companies ")
    assert run.sink.texts == ["1 rows found."]


def test_rows_become_a_pdf_document():
    [document] = show("SELECT 1 AS one", output_type=OutputType.PDF).sink.documents
    assert document.content.startswith(b"%PDF")


def test_no_rows_still_have_columns():
    assert ask("SELECT code FROM jobqueue_company WHERE 1 = 0").columns == ["code"]


def test_the_row_limit_cuts_and_says_so():
    run = show(COUNT_TO.format(limit=50, what="i"), row_limit=10)
    assert run.sink.documents[0].content.count(b"\r\n") == 11
    assert (Level.WARNING, "Only the first 10 rows are shown; the query finds more.") in run.sink.lines
    assert not ask(COUNT_TO.format(limit=10, what="i"), row_limit=10).cut_off


def test_a_query_that_takes_too_long_is_stopped():
    with pytest.raises(QueryFailed, match=r"did not finish within 1 s. Narrow it"):
        ask(COUNT_TO.format(limit=2_000_000_000, what="count(*)"), timeout_seconds=1)


def test_a_mistake_is_told_in_the_databases_words():
    with pytest.raises(QueryFailed, match=r"The database refused the query: .*nothing_here"):
        ask("SELECT * FROM nothing_here")


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM jobqueue_company",
        "INSERT INTO jobqueue_company (code) VALUES ('x')",
        "UPDATE jobqueue_company SET name = 'x'",
        "DROP TABLE jobqueue_company",
        "CREATE TABLE mine (a int)",
        "SELECT 1; DELETE FROM jobqueue_company",
        "SELECT 1; COMMIT; DELETE FROM jobqueue_company",
        "COMMIT; DELETE FROM jobqueue_company",
        "WITH gone AS (DELETE FROM jobqueue_company RETURNING code) SELECT * FROM gone",
    ],
)
def test_nothing_can_be_changed_whatever_the_statement_says(query):
    make_company("zeta")
    before = Company.objects.count()
    with pytest.raises(QueryFailed):
        ask(query)
    assert Company.objects.count() == before


@only_sqlite
@pytest.mark.parametrize(
    "query",
    [
        "ATTACH DATABASE '/tmp/jobwarden-attached.sqlite3' AS other",
        "PRAGMA query_only = OFF",
        "SELECT * FROM pragma_query_only",
        "VACUUM INTO '/tmp/jobwarden-copy.sqlite3'",
        "BEGIN IMMEDIATE",
    ],
)
def test_sqlite_is_asked_for_nothing_but_reading(query):
    with pytest.raises(QueryFailed, match=r"Only SELECT is possible here|refused the query"):
        ask(query)


@only_postgresql
@pytest.mark.parametrize(
    "query",
    [
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SET TRANSACTION READ WRITE",
        "SELECT nextval(pg_get_serial_sequence('jobqueue_entry', 'entry_no'))",
        "SELECT * INTO mine FROM jobqueue_company",
        "SELECT code FROM jobqueue_company FOR UPDATE",
    ],
)
def test_postgresql_stays_read_only(query):
    with pytest.raises(QueryFailed):
        ask(query)


@only_postgresql
def test_what_a_function_does_all_the_same_is_rolled_back():
    with contextlib.suppress(QueryFailed):  # PostgreSQL 16 and later refuse it
        ask("SELECT lo_creat(-1)")
    assert ask("SELECT count(*) FROM pg_largeobject_metadata").rows == [(0,)]


@only_postgresql
def test_a_setting_of_one_report_does_not_outlive_it():
    ask("SELECT set_config('statement_timeout', '0', false)")
    assert ask("SELECT current_setting('transaction_read_only')").rows == [("on",)]


def test_bytes_are_counted_not_shown():
    query = "SELECT x'0102' AS b" if connection.vendor == "sqlite" else r"SELECT '\x0102'::bytea AS b"
    assert ask(query).rows == [("(2 bytes)",)]


def test_the_connection_must_be_on_the_allow_list(settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SQL_REPORT_ALIASES": []}
    with pytest.raises(InvalidParameters, match=r"parameter “Connection” is “default”, which is not offered"):
        show("SELECT 1")


@pytest.mark.parametrize("query", ["DELETE FROM x", "PRAGMA y", "-- hello", "COPY x TO PROGRAM 'y'"])
def test_what_is_no_query_is_refused_when_it_is_entered(query):
    with pytest.raises(
        InvalidParameters, match=r"must be one SELECT statement. Begin it with SELECT or WITH"
    ):
        show(query)


@pytest.mark.parametrize(
    "query", ["select 1 as a", "-- why\nSELECT 1 AS a", "/* x */ (SELECT 1 AS a)", "VALUES (1)"]
)
def test_a_query_may_begin_with_comments_or_brackets(query):
    if query.startswith("/*") and connection.vendor == "sqlite":
        query = "/* x */ SELECT 1 AS a"
    assert show(query).sink.documents[0].content.endswith(b"1\r\n")
