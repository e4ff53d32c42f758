"""Registering codeunits and reports, looking them up, and what is refused while a module is imported."""

from dataclasses import dataclass

import pytest

from jobqueue.errors import InvalidParameters, NonRetriable, Refused, UnknownObject
from jobqueue.objects import (
    BadJobObject,
    Document,
    OutputType,
    codeunit,
    failure_routine,
    make_run,
    registry,
    rehearse,
    report,
)
from jobqueue.states import ObjectType


@pytest.fixture(autouse=True)
def _own_registry():
    with registry.isolated():
        yield


def work(run):
    """Does the work.

    In two paragraphs.
    """


def other(run):
    pass


def test_a_codeunit_is_found_by_type_and_id_with_its_words():
    codeunit(50100, "Import orders", category=" imports ", timeout_seconds=60, max_attempts=3)(work)
    found = registry.get(ObjectType.CODEUNIT, 50100)
    assert found.caption == "Import orders"
    assert found.help == "Does the work.\n\nIn two paragraphs."
    assert found.name == "Codeunit 50100 “Import orders”"
    assert found.defaults == {"category_code": "IMPORTS", "timeout_seconds": 60, "max_attempts": 3}
    assert found.function is work


def test_codeunits_and_reports_count_their_ids_separately():
    codeunit(50100, "Work")(work)
    report(50100, "List")(other)
    assert [item.caption for item in registry.all()] == ["List", "Work"]


def test_an_unknown_object_is_none_or_a_non_retriable_error():
    assert registry.find(ObjectType.REPORT, 4711) is None
    with pytest.raises(UnknownObject, match=r"Report 4711 is not registered by any installed app.") as caught:
        registry.get(ObjectType.REPORT, 4711)
    assert isinstance(caught.value, NonRetriable)


def test_a_taken_id_is_refused_naming_both_functions():
    codeunit(50100, "Work")(work)
    with pytest.raises(
        BadJobObject, match=r"registered by .*work and again by .*other. Give one of them another id"
    ):
        codeunit(50100, "Other")(other)
    assert registry.get(ObjectType.CODEUNIT, 50100).function is work


def test_importing_a_module_twice_registers_its_objects_once():
    codeunit(50100, "Work")(work)
    codeunit(50100, "Work")(work)
    assert len(registry.all()) == 1


async def later(run):
    pass


def no_argument():
    pass


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: codeunit(0, "Work")(work), "the id must be a whole number from 1"),
        (lambda: codeunit(50100, "")(work), "give it a caption of at most 250 characters"),
        (lambda: codeunit(50100, "Work", permission="run")(work), "must be written app.codename"),
        (lambda: codeunit(50100, "Work", category="TOO LONG A CODE")(work), "longer than 10 characters"),
        (lambda: codeunit(50100, "Work", timeout_seconds=0)(work), "the timeout must be 1 to 86399 seconds"),
        (lambda: codeunit(50100, "Work", max_attempts=11)(work), "max_attempts must be 0 to 10"),
        (
            lambda: codeunit(50100, "Work", rerun_delay_seconds=-1)(work),
            "rerun_delay_seconds must be 0 to 3600",
        ),
        (lambda: codeunit(50100, "Work")(later), "must not be async"),
        (lambda: codeunit(50100, "Work")(no_argument), "exactly one argument: the run"),
        (lambda: codeunit(50100, "Work", parameters=dict)(work), "must be a frozen dataclass"),
        (lambda: report(50100, "List", output_types=[OutputType.WORD])(work), "may name PDF and CSV"),
        (
            lambda: report(50100, "List", output_types=[])(work),
            "either names output_types or is processing_only",
        ),
        (
            lambda: report(50100, "List", output_types=[OutputType.CSV], processing_only=True)(work),
            "either names output_types or is processing_only",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_at_import(declare, words):
    with pytest.raises(BadJobObject, match=words):
        declare()
    assert registry.all() == []


@dataclass(frozen=True)
class Folder:
    name: str = "in"
    depth: int = 1


def read_text(text):
    name, _, depth = text.partition(";")
    return {"name": name, **({"depth": int(depth)} if depth else {})}


def test_the_parameter_string_is_free_text_unless_the_object_reads_it():
    codeunit(50100, "Work", parameters=Folder)(work)
    assert registry.get(5, 50100).parse("anything", {}) == Folder()


def test_an_object_may_read_its_parameter_string_and_typed_values_win():
    codeunit(50100, "Work", parameters=Folder, parse_parameter_string=read_text)(work)
    item = registry.get(5, 50100)
    assert item.parse("out;3", {}) == Folder("out", 3)
    assert item.parse("out;3", {"name": "typed"}) == Folder("typed", 3)
    with pytest.raises(InvalidParameters, match=r"the parameter string “out;x” cannot be read"):
        item.parse("out;x", {})


def test_an_object_without_parameters_takes_none():
    codeunit(50100, "Work")(work)
    item = registry.get(5, 50100)
    assert item.schema() == []
    item.parse("free text", {})
    with pytest.raises(
        InvalidParameters, match=r"Codeunit 50100 “Work” knows no parameter “x”. It has no parameters"
    ):
        item.parse("", {"x": 1})


def test_output_types_follow_the_report():
    report(50100, "List")(work)
    report(50101, "Only CSV", output_types=[OutputType.CSV])(work)
    report(50102, "Post", processing_only=True)(work)
    both, only_csv, processing = registry.all()
    assert [item.default_output_type for item in registry.all()] == [
        OutputType.PDF,
        OutputType.CSV,
        OutputType.NONE,
    ]
    both.require_output_type(OutputType.CSV)
    processing.require_output_type(OutputType.NONE)
    for item, kind, words in (
        (both, OutputType.WORD, "cannot be produced as Word. Choose PDF or CSV."),
        (both, OutputType.PRINT, "cannot be produced as Print. Choose PDF or CSV."),
        (both, OutputType.NONE, "produces something to look at and cannot run with None"),
        (only_csv, OutputType.PDF, "cannot be produced as PDF. Choose CSV."),
        (processing, OutputType.PDF, "only processes data. Choose the output type None (Processing only)."),
    ):
        with pytest.raises(Refused) as caught:
            item.require_output_type(kind)
        assert words in caught.value.message


def test_a_codeunit_ignores_the_output_type():
    codeunit(50100, "Work")(work)
    registry.get(5, 50100).require_output_type(OutputType.WORD)


def test_a_failure_routine_is_a_function_or_a_registered_name():
    calls = []

    @failure_routine("tests.undo")
    def undo(run, failure):
        calls.append((run, failure))

    codeunit(50100, "By name", failure="tests.undo")(work)
    codeunit(50101, "By function", failure=undo)(work)
    codeunit(50102, "Without")(work)
    codeunit(50103, "Unknown", failure="tests.nothing")(work)
    assert [item.failure for item in registry.all()] == [undo, undo, None, None]
    run = make_run()
    for item in registry.all():
        item.call_failure(run, "failure")
    assert calls == [(run, "failure")] * 2


def test_two_failure_routines_cannot_share_a_name():
    failure_routine("tests.shared")(work)
    with pytest.raises(BadJobObject, match=r"Give one of them another name"):
        failure_routine("tests.shared")(other)


def test_a_report_hands_over_what_it_returns():
    document = Document("a.csv", "text/csv", b"x", OutputType.CSV)

    @report(50100, "List")
    def listing(run):
        return [run.table(["A"], [[1]], title="Table"), document]

    run = rehearse(registry.get(3, 50100), report_output_type=OutputType.CSV)
    assert [item.file_name[:5] for item in run.sink.documents] == ["Table", "a.csv"]


def test_a_report_returning_something_else_is_told_what_reports_leave():
    report(50100, "List")(lambda run: "text")
    with pytest.raises(TypeError, match=r"List returned str; a report leaves Tables and Documents"):
        rehearse(registry.get(3, 50100))


def test_a_report_run_with_an_output_type_it_does_not_offer_is_refused():
    report(50100, "List", output_types=[OutputType.CSV])(work)
    with pytest.raises(Refused, match=r"cannot be produced as PDF. Choose CSV."):
        rehearse(registry.get(3, 50100), report_output_type=OutputType.PDF)


def test_a_report_without_a_document_says_so_unless_it_only_processes():
    report(50100, "List")(work)
    report(50101, "Post", processing_only=True)(other)
    assert rehearse(registry.get(3, 50100)).sink.texts == ["The report left no document."]
    assert rehearse(registry.get(3, 50101)).sink.texts == []
