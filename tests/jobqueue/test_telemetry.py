"""Events name things in words: what a person reads in an alert."""

import logging

import pytest

from jobqueue import telemetry
from tests.builders import make_company, make_entry

pytestmark = pytest.mark.django_db


def test_an_entry_event_names_company_object_and_status_in_words(caplog):
    entry = make_entry(company=make_company(code="north", name="Northern Branch"))
    with caplog.at_level(logging.INFO, logger="jobqueue.telemetry"):
        telemetry.entry_event("0000E24", entry)
    (record,) = [found for found in caplog.records if found.event_id == "0000E24"]
    assert record.dimensions["JobQueueCompanyName"] == "Northern Branch"
    assert record.dimensions["JobQueueId"] == str(entry.id)
    assert record.dimensions["JobQueueStatus"] == "On Hold"
    assert record.dimensions["JobQueueIsRecurring"] == "No"


def test_an_event_nobody_listens_to_costs_no_query(django_assert_num_queries):
    entry = make_entry()
    logging.getLogger("jobqueue.telemetry").setLevel(logging.CRITICAL)
    try:
        with django_assert_num_queries(0):
            telemetry.entry_event("0000E24", entry)
    finally:
        logging.getLogger("jobqueue.telemetry").setLevel(logging.NOTSET)
