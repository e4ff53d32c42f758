"""The run as a job sees it: lines, progress, collected errors, what it asks for, and questions nobody answers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jobqueue.errors import CallbackNotAllowed, NonRetriable, NotFound, Refused
from jobqueue.objects import CollectedErrors, EntryView, OutputType, make_run
from jobqueue.objects.records import find_record, record_reference
from jobqueue.states import Level, Status
from tests.builders import make_company, make_entry, make_user

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_lines_and_progress_go_to_the_sink():
    run = make_run()
    run.log("started")
    run.log(42, level=Level.WARNING)
    run.progress(3, 10)
    run.progress(4)
    assert run.sink.lines == [(Level.INFORMATION, "started"), (Level.WARNING, "42")]
    assert run.sink.progress_steps == [(3, 10), (4, None)]


def test_a_line_keeps_2048_characters():
    run = make_run()
    run.log("x" * 3000)
    assert len(run.sink.texts[0]) == 2048
    assert run.sink.texts[0].endswith("x…")


def test_collected_errors_fail_the_run_with_every_message():
    run = make_run()
    run.error("Order 1 has no customer.", record="sales.order:1", field_name="customer")
    run.warning("Order 2 is old.")
    run.error("Order 3 has no lines.")
    with pytest.raises(CollectedErrors) as caught:
        run.finish()
    assert str(caught.value) == "Order 1 has no customer. (1 more error: see the error messages.)"
    assert [(item.level, item.message, item.record, item.field_name) for item in caught.value.messages] == [
        (Level.ERROR, "Order 1 has no customer.", "sales.order:1", "customer"),
        (Level.WARNING, "Order 2 is old.", "", ""),
        (Level.ERROR, "Order 3 has no lines.", "", ""),
    ]
    assert [level for level, _text in run.sink.lines] == [Level.ERROR, Level.WARNING, Level.ERROR]


def test_warnings_alone_do_not_fail_the_run():
    run = make_run()
    run.warning("Order 2 is old.")
    run.finish()


def test_one_collected_error_is_the_message_of_the_run():
    run = make_run()
    run.error("Order 1 has no customer.")
    with pytest.raises(CollectedErrors, match=r"^Order 1 has no customer\.$"):
        run.finish()


def test_a_job_may_ask_for_inactivity_or_a_hold():
    run = make_run()
    assert run.requested_status is None
    run.set_inactive()
    assert run.requested_status == Status.INACTIVITY
    run.set_on_hold("The bank is closed.")
    assert (run.requested_status, run.hold_reason) == (Status.ON_HOLD, "The bank is closed.")


def test_nobody_is_there_a_message_becomes_a_line():
    run = make_run(caption="Import orders")
    assert run.gui_allowed is False
    run.message("12 orders imported.")
    assert run.sink.texts == ["12 orders imported."]


@pytest.mark.parametrize(
    "ask",
    [
        lambda run: run.confirm("Really?"),
        lambda run: run.prompt("Which folder?"),
        lambda run: run.ask_choice("Which?", ["a", "b"]),
    ],
)
def test_questions_are_non_retriable_errors_in_words(ask):
    with pytest.raises(
        CallbackNotAllowed, match=r"“Import orders” asked: “.*Make the answer a parameter"
    ) as caught:
        ask(make_run(caption="Import orders"))
    assert isinstance(caught.value, NonRetriable)


def test_a_requested_cancel_ends_the_run_at_the_next_look():
    class Cancelled(Exception):
        pass

    def look():
        raise Cancelled

    run = make_run()
    run.check_cancelled()
    run._check_cancelled = look
    with pytest.raises(Cancelled):
        run.check_cancelled()
    with pytest.raises(Cancelled):
        run.progress(1)


@pytest.mark.parametrize(
    ("kind", "ending", "beginning"),
    [(OutputType.PDF, ".pdf", b"%PDF"), (OutputType.CSV, ".csv", b"\xef\xbb\xbfA")],
)
def test_a_table_becomes_a_document_of_the_output_type(kind, ending, beginning):
    run = make_run(
        report_output_type=kind, description="Stock / value", now=NOW, time_zone="Europe/Copenhagen"
    )
    run.add_table(run.table(["A"], [[1]]))
    [document] = run.sink.documents
    assert document.file_name == f"Stock _ value 2026-03-02{ending}"
    assert document.content.startswith(beginning)
    assert document.output_type == kind
    assert run.document_count == 1


def test_processing_only_leaves_no_document_and_other_types_are_refused():
    run = make_run(report_output_type=OutputType.NONE)
    run.add_table(run.table(["A"], []))
    assert run.sink.documents == []
    with pytest.raises(Refused, match=r"Tables cannot be written as Excel. Choose PDF or CSV."):
        make_run(report_output_type=OutputType.EXCEL).add_table(run.table(["A"], []))


@pytest.mark.django_db
def test_the_run_knows_user_company_zone_and_record_of_its_entry():
    company, user = make_company(), make_user()
    entry = make_entry(
        company=company, user=user, time_zone="Europe/Copenhagen", record_to_process=record_reference(company)
    )
    view = EntryView.of(entry, attempt=2)
    run = make_run(**{name: getattr(view, name) for name in view.__slots__})
    assert (run.user, run.company, run.record) == (user, company, company)
    assert run.time_zone == ZoneInfo("Europe/Copenhagen")
    assert (view.attempt, view.entry_no, view.id) == (2, entry.entry_no, entry.id)


@pytest.mark.django_db
def test_the_system_identity_has_no_user():
    assert make_run().user is None


@pytest.mark.django_db
def test_references_lead_to_their_record_or_say_why_not():
    company = make_company()
    assert find_record(record_reference(company)) == company
    assert record_reference(company) == f"jobqueue.company:{company.pk}"
    assert find_record("") is None
    assert (record_reference(None), record_reference("a.b:1")) == ("", "a.b:1")
    for reference in ("nonsense", "no.model:1", "jobqueue.nothing:1", "jobqueue:1"):
        with pytest.raises(NotFound, match=r"names no kind of record. Write app.model:key"):
            find_record(reference)
    for key in ("00000000-0000-0000-0000-000000000000", "x", ""):
        with pytest.raises(NotFound, match=r"does not exist any more"):
            find_record(f"jobqueue.company:{key}")


def test_a_record_that_is_not_stored_cannot_be_referred_to():
    from django.contrib.auth import get_user_model

    with pytest.raises(ValueError, match=r"not stored yet"):
        record_reference(get_user_model()(username="x"))
