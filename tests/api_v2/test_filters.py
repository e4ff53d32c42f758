"""``$filter``: what it finds is what the answers show, and what it does not know it refuses with the position."""

import itertools
import operator
import re
import string
import uuid
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobqueue.api_v2.conditions import condition_of
from jobqueue.api_v2.entries import ENTRIES, entries_of
from jobqueue.api_v2.errors import QueryError
from jobqueue.api_v2.kinds import Boolean, Choice, Guid, Int32, Moment, Seconds, Text
from jobqueue.api_v2.log_entries import LOG_ENTRIES, log_entries_of
from jobqueue.api_v2.tokens import LONGEST_FILTER
from jobqueue.models import Entry
from jobqueue.states import CategoryPriority, LogStatus, ObjectType, Status
from tests import builders

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def varied(company):
    """Three entries that differ in nearly everything; the last is as empty as can be."""
    builders.make_entry(
        user=builders.make_superuser("ann"),
        status=Status.ERROR,
        description="Bank import",
        parameter_string="it's 50% off_",
        earliest_start_at=AT,
        expires_at=AT + DAY,
        starting_time=time(8),
        ending_time=time(0),
        run_on_mondays=True,
        recurring=True,
        minutes_between_runs=60,
        max_attempts=3,
        attempts=1,
        rerun_delay_seconds=60,
        category_code="BANK",
        error_message="The bank is closed.",
        worker_id=7,
        session_number=9,
        system_task_id=uuid.uuid4(),
        priority_within_category=CategoryPriority.HIGH,
        timeout_seconds=90,
        user_session_started_at=AT,
    )
    builders.make_entry(
        user=builders.make_superuser("Bob"),
        object_id=90101,
        object_type=ObjectType.REPORT,
        description="BANK REPORT",
        earliest_start_at=AT - DAY,
        starting_time=time(0),
        next_run_date_formula="1D",
        recurring=True,
    )
    empty = builders.make_entry(is_system=True, object_id=123, description="")
    Entry.objects.filter(pk=empty.pk).update(last_ready_state_at=None, modified_at=None)


def literal(found, shown):
    """The value of an answer as it is written in a filter."""
    if isinstance(found.kind, Boolean):
        return "true" if shown else "false"
    if isinstance(found.kind, Guid | Moment | Int32):
        return str(shown)
    if isinstance(found.kind, Seconds):
        return f"duration'{shown}'"
    return "'" + shown.replace("'", "''") + "'"


FILTERABLE = [found for found in ENTRIES.properties if found.filterable]
ORDERED = [found for found in FILTERABLE if not isinstance(found.kind, Boolean | Choice | Seconds | Guid)]


@pytest.mark.parametrize("found", FILTERABLE, ids=lambda found: found.name)
def test_eq_finds_the_rows_that_show_the_value_and_ne_the_others(client, varied, found):
    rows = client.entries()
    assert len(rows) == 3
    for shown in {row[found.name] for row in rows}:
        wanted = [row["id"] for row in rows if row[found.name] == shown]
        rest = [row["id"] for row in rows if row[found.name] != shown]
        written = literal(found, shown)
        for text, expected in (
            (f"{found.name} eq {written}", wanted),
            (f"{found.name} ne {written}", rest),
            (f"not ({found.name} eq {written})", rest),
            (f"not not ({found.name} eq {written})", wanted),
            (f"{found.name} in ({written})", wanted),
            (f"{written} eq {found.name}", wanted),
        ):
            assert [row["id"] for row in client.entries(filter=text)] == expected, text


COMPARES = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge}


@pytest.mark.parametrize("found", ORDERED, ids=lambda found: found.name)
def test_comparisons_count_what_is_unset_as_the_value_it_is_shown_as(client, varied, found):
    rows = client.entries()
    for shown, word in itertools.product({row[found.name] for row in rows}, COMPARES):
        text = f"{found.name} {word} {literal(found, shown)}"
        found_ids = {row["id"] for row in client.entries(filter=text)}
        if isinstance(found.kind, Text):  # databases have their own order of letters
            same = {row["id"] for row in rows if row[found.name] == shown}
            assert (same <= found_ids) == (word in ("le", "ge")), text
        else:
            expected = {row["id"] for row in rows if COMPARES[word](row[found.name], shown)}
            assert found_ids == expected, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contains(description,'ank')", ["Bank import"]),
        ("contains(description,'BANK')", ["BANK REPORT"]),
        ("startswith(description,'Bank')", ["Bank import"]),
        ("endswith(description,'RT')", ["BANK REPORT"]),
        ("contains(description,'')", ["Bank import", "BANK REPORT", ""]),
        ("not contains(description,'ank')", ["BANK REPORT", ""]),
        ("contains(description,'ank') eq false", ["BANK REPORT", ""]),
        ("contains(description,'ank') ne false", ["Bank import"]),
        ("contains(parameterString,'50% off_')", ["Bank import"]),
        ("contains(parameterString,'it''s')", ["Bank import"]),
        ("contains(parameterString,'%')", ["Bank import"]),
        ("startswith(userId,'a')", ["Bank import"]),
        ("not startswith(userId,'a')", ["BANK REPORT", ""]),
        ("startswith(jobQueueCategoryCode,'ba')", ["Bank import"]),
        ("contains(status,'Hold')", ["BANK REPORT", ""]),
        ("startswith(status,'On_x0020_')", ["BANK REPORT", ""]),
        ("endswith(objectCaptionToRun,'eed')", ["Bank import"]),
        ("objectCaptionToRun eq ''", [""]),
        ("jobQueueCategoryCode eq 'bank'", ["Bank import"]),
        ("status eq 'error'", ["Bank import"]),
        ("priorityWithinCategory eq Microsoft.NAV.jobQueuePriority'High'", ["Bank import"]),
        ("jobTimeOut eq 'PT1M30S'", ["Bank import"]),
        ("startingTime eq 08:00:00", ["Bank import"]),
        ("startingTime eq null", [""]),
        ("earliestStartDateTime eq null", [""]),
        ("earliestStartDateTime ne null", ["Bank import", "BANK REPORT"]),
        ("earliestStartDateTime gt 2026-03-02", ["Bank import"]),
        ("earliestStartDateTime eq 2026-03-02T09:00:00.0000000+01:00", ["Bank import"]),
        ("userId eq null", [""]),
        ("systemTaskId ne null", ["Bank import"]),
        ("recurringJob", ["Bank import", "BANK REPORT"]),
        ("not recurringJob", [""]),
        ("status eq 'Error' or status eq 'Waiting'", ["Bank import"]),
        ("status in ('Error', 'On Hold') and recurringJob eq true", ["Bank import", "BANK REPORT"]),
        ("recurringJob eq true and (userId eq 'ann' or userId eq 'x')", ["Bank import"]),
        ("rerunDelay lt 60 and not (description eq '')", ["BANK REPORT"]),
        ("60 le rerunDelay", ["Bank import"]),
        ("description eq '' or description eq 'Bank import' and description ne ''", ["Bank import", ""]),
    ],
)
def test_filters_and_what_they_find(client, varied, text, expected):
    assert [row["description"] for row in client.entries(filter=text)] == expected


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("status", 1, "no condition by itself"),
        ("status eq", 10, "a property or a value is expected"),
        ("status eq 'Ready", 11, "no closing quote"),
        ("status eq 'Nonsense'", 11, "'Ready'"),
        ("status gt 'Ready'", 11, "eq, ne and in only"),
        ("status eq Ready", 1, "two properties"),
        ("1 eq 1", 1, "two values"),
        ("colour eq 'red'", 1, "Could not find a property named “colour”"),
        ("Status eq 'Ready'", 1, "Could not find"),
        ("status eq 'Ready' and", 22, "expected"),
        ("status eq 'Ready' status eq 'Error'", 19, "“and”, “or” or the end"),
        ("(status eq 'Ready'", 19, "close the parenthesis"),
        ("status eq 'Ready')", 18, "“and”, “or” or the end"),
        ("status eq 'Ready' or recurringJob", 1, "one property only"),
        ("status isnot 'Ready'", 8, "eq, ne"),
        ("rerunDelay eq '5'", 15, "whole number"),
        ("rerunDelay eq 5.5", 15, "whole number"),
        ("rerunDelay eq 99999999999999999999", 15, "whole number"),
        ("rerunDelay eq 3000000000", 15, "32 bits"),
        ("rerunDelay add 5 gt 6", 12, "expected"),
        ("recurringJob eq 1", 17, "true or false"),
        ("recurringJob gt false", 17, "eq and ne"),
        ("id eq 5", 7, "an id such as"),
        ("id eq {00000000-0000-0000-0000-000000000000}", 7, "not understood"),
        ("earliestStartDateTime gt '2026-03-02'", 26, "a moment such as"),
        ("earliestStartDateTime gt 2026-02-30T00:00:00Z", 26, "calendar"),
        ("earliestStartDateTime gt 0001-01-01T00:00:00+05:00", 26, "calendar"),
        ("earliestStartDateTime gt 2026-03-02T08:00:00 01:00", 26, "not understood"),
        ("startingTime eq '25:00'", 17, "time of day"),
        ("jobTimeOut eq 'PT'", 15, "duration"),
        ("jobTimeOut eq 'P99999999999999D'", 15, "duration"),
        ("tolower(description) eq 'x'", 1, "not offered"),
        ("year(earliestStartDateTime) eq 2026", 1, "not offered"),
        ("contains(description)", 21, "after the property"),
        ("contains('a', description)", 10, "a property is expected first"),
        ("contains(description, 5)", 23, "single quotes"),
        ("contains(rerunDelay, '5')", 22, "only texts"),
        ("contains(description, 'a') eq 'x'", 31, "true or false"),
        ("description in ()", 17, "a value is expected"),
        ("description in 'a'", 16, "after “in”"),
        ("jobQueueLogEntries/any(l: l/status eq 'Error')", 19, "not understood"),
        ("errorCallStack eq ''", 1, "Could not find"),
        ("description eq 'a;DROP TABLE'; --", 30, "not understood"),
        ("user__password eq 'x'", 1, "Could not find"),
        ("user.password eq 'x'", 1, "Could not find"),
        ("eq eq eq", 1, "a property or a value"),
        ("not", 4, "a property or a value"),
        ("$it eq 1", 1, "not understood"),
        ("description eq 'ö' and ö eq 1", 24, "not understood"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_position(text, position, says):
    with pytest.raises(QueryError, match=re.escape(says)) as refusal:
        condition_of(text, resource=ENTRIES)
    assert f"position {position}" in refusal.value.message
    assert refusal.value.code == "BadRequest_NotFound"


def test_a_refused_filter_is_a_400_in_the_shape_of_the_contract(client):
    code, message = client.refusal("/jobQueueEntries", filter="status eq 'Ready' status")
    assert code == "BadRequest_NotFound"
    assert message.startswith("Syntax error in $filter at position 19:")


def test_an_empty_filter_a_long_one_and_a_deep_one_are_refused(client):
    assert "is empty" in client.refusal("/jobQueueEntries", filter=" ")[1]
    assert "4,000" in client.refusal("/jobQueueEntries", filter="a" * (LONGEST_FILTER + 1))[1]
    for text in ("(" * 500 + "recurringJob" + ")" * 500, "not " * 500 + "recurringJob"):
        assert "nested more than 20 deep at position" in client.refusal("/jobQueueEntries", filter=text)[1]
    many = " and ".join(["scheduled"] * 201)
    assert "more than 200 conditions" in client.refusal("/jobQueueEntries", filter=many)[1]
    assert client.entries(filter=" and ".join(["scheduled"] * 200)) == []
    assert client.entries(filter="(" * 19 + "scheduled" + ")" * 19) == []
    values = ",".join(["1"] * 201)
    assert "more than 200 values" in client.refusal("/jobQueueEntries", filter=f"rerunDelay in ({values})")[1]


def test_texts_no_database_can_hold_are_refused(client):
    assert client.refusal("/jobQueueEntries", filter="description eq 'a\x00b'")[0].startswith("BadRequest")


WORDS = [
    *(found.name for found in ENTRIES.properties),
    *(found.name for found in LOG_ENTRIES.properties),
    *("eq", "ne", "gt", "ge", "lt", "le", "in", "and", "or", "not", "(", ")", ",", "'", "''"),
    *("null", "true", "false", "contains", "startswith", "endswith"),
    *("'Ready'", "'On Hold'", "5", "-1", "1.5", "2026-03-02", "2026-03-02T08:00:00Z", "08:00"),
    *("duration'PT5M'", "'PT5M'"),
    "00000000-0000-0000-0000-000000000000",
    "'\ud800'",
    "any",
    "/",
    "1e9",
    "9999-12-31T23:59:59-12:00",
]
NAMES = [found.name for found in ENTRIES.properties if found.filterable]
VALUES = [word for word in WORDS if word[0] in "'0123456789-" or word in ("null", "true", "false")]
CONDITION = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(NAMES),
        st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
        st.sampled_from(VALUES),
    ),
    st.builds(
        "{}({},{})".format,
        st.sampled_from(("contains", "endswith", "x")),
        st.sampled_from(NAMES),
        st.sampled_from(VALUES),
    ),
    st.builds("{} in ({})".format, st.sampled_from(NAMES), st.lists(st.sampled_from(VALUES)).map(",".join)),
    st.sampled_from(NAMES),
)
NESTED = st.recursive(
    CONDITION,
    lambda inner: st.one_of(
        inner.map("not {}".format),
        inner.map("({})".format),
        st.builds("{} {} {}".format, inner, st.sampled_from(("and", "or")), inner),
    ),
    max_leaves=8,
)
ANYTHING = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.printable, max_size=60),
    st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=8).map("".join),
    NESTED,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANYTHING)
def test_whatever_is_written_is_answered_or_refused(varied, company, text):
    for resource, rows in ((ENTRIES, entries_of(company)), (LOG_ENTRIES, log_entries_of(company))):
        try:
            condition = condition_of(text, resource=resource)
        except QueryError:
            continue
        matching = set(rows.filter(condition).values_list("pk", flat=True))
        others = set(rows.exclude(pk__in=matching).values_list("pk", flat=True))
        assert set(rows.filter(~condition).values_list("pk", flat=True)) == others


def test_a_shown_status_of_the_log_is_found_by_it(client):
    for number, status in enumerate([LogStatus.SUCCESS, LogStatus.ERROR, LogStatus.CANCELLED]):
        builders.make_log_entry(status=status, due_at=AT + number * DAY)
    for shown in ("Success", "In_x0020_Process", "In Process", "Error"):
        found = client.runs(filter=f"status eq '{shown}'")
        assert all(row["status"] in (shown, shown.replace(" ", "_x0020_")) for row in found)
    assert len(client.runs(filter="status in ('Success','Error')")) == 3
