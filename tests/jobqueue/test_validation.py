"""Field rules, defaults, limits and what follows from a change, as tables."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from jobqueue.models import Entry
from jobqueue.states import Anchor, CategoryPriority, ObjectType, OutputType
from jobqueue.validation import apply, coerce, problems_of
from tests.builders import NOW, default_company, make_category, make_company, make_entry, make_user

pytestmark = pytest.mark.django_db

PEOPLE, CODE = False, True
MON_TO_FRI = {f"run_on_{day}s": True for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
LISTING, PROCESSING_ONLY, TAKE_ORDER = 90101, 90102, 90020


def new(**values) -> Entry:
    return Entry(company=default_company(), object_id=90001, **values)


def entered(entry: Entry, values, *, by_code=PEOPLE, now=NOW):
    """Hands in values as a door would; the problems of input and rules."""
    clean, problems = coerce(values, time_zone=entry.time_zone, by_code=by_code)
    problems += apply(entry, clean, by_code=by_code, now=now)
    return problems + problems_of(entry, by_code=by_code, now=now)


def found(problems) -> set[tuple[str, str]]:
    return {(problem.field, problem.code) for problem in problems}


REFUSED = [
    ({"max_attempts": 11}, ("max_attempts", "invalid")),
    ({"max_attempts": -1}, ("max_attempts", "invalid")),
    ({"rerun_delay_seconds": 3601}, ("rerun_delay_seconds", "invalid")),
    ({"inactivity_timeout_minutes": 4}, ("inactivity_timeout_minutes", "invalid")),
    ({"starting_time": "08:00"}, ("starting_time", "only_when_recurring")),
    ({"ending_time": "08:00"}, ("ending_time", "only_when_recurring")),
    ({"minutes_between_runs": 30}, ("minutes_between_runs", "no_weekday")),
    ({"recurring": True}, ("run_on_mondays", "no_weekday")),
    ({"weekdays": [1], "recurring": False}, ("run_on_mondays", "is_recurring")),
    ({"weekdays": [1], "next_run_date_formula": "1D"}, ("next_run_date_formula", "formula_excludes_weekdays")),
    ({"minutes_between_runs": 5, "next_run_date_formula": "1D"},
     ("next_run_date_formula", "formula_excludes_weekdays")),
    ({"next_run_date_formula": "CD"}, ("next_run_date_formula", "formula_stands_still")),
    ({"next_run_date_formula": "-1D"}, ("next_run_date_formula", "formula_stands_still")),
    ({"next_run_date_formula": "D32"}, ("next_run_date_formula", "formula_number")),
    ({"next_run_date_formula": "1D+1D+1D+1D+1D+1D+1D+1D"}, ("next_run_date_formula", "formula_too_long")),
    ({"weekdays": [1], "minutes_between_runs": 1500}, ("minutes_between_runs", "minutes_not_whole_days")),
    ({"expires_at": "2026-03-01T00:00Z", "earliest_start_at": NOW}, ("expires_at", "expires_before_start")),
    ({"time_zone": "Mars/Olympus"}, ("time_zone", "unknown_time_zone")),
    ({"category_code": "NONE"}, ("category_code", "unknown_category")),
    ({"category_code": "ELEVENCHARS"}, ("category_code", "invalid")),
    ({"description": "x" * 251}, ("description", "invalid")),
    ({"parameter_string": "x" * 251}, ("parameter_string", "invalid")),
    ({"parameter_string": "a\x00b"}, ("parameter_string", "invalid")),
    ({"parameters": {"surplus": 1}}, ("parameters", None)),
    ({"parameters": "[1]"}, ("parameters", "invalid")),
    ({"parameters": "{"}, ("parameters", "invalid")),
    ({"record_to_process": "no reference"}, ("record_to_process", "unknown_record_type")),
    ({"record_to_process": "auth.user:999"}, ("record_to_process", "record_gone")),
    ({"object_id": 4711}, ("object_id", "unknown_object")),
    ({"object_id": 0}, ("object_id", "object_missing")),
    ({"object_type": "Page"}, ("object_type", "invalid")),
    ({"priority": 7}, ("priority", "invalid")),
    ({"missed_runs": "never"}, ("missed_runs", "invalid")),
    ({"recurrence_anchor": "moon"}, ("recurrence_anchor", "invalid")),
    ({"earliest_start_at": "tomorrow"}, ("earliest_start_at", "invalid")),
    ({"earliest_start_at": "0001-01-01T00:00Z"}, ("earliest_start_at", "invalid")),
    ({"starting_time": "25:00"}, ("starting_time", "invalid")),
    ({"max_attempts": "many"}, ("max_attempts", "invalid")),
    ({"max_attempts": 1.5}, ("max_attempts", "invalid")),
    ({"max_attempts": True}, ("max_attempts", "invalid")),
    ({"max_attempts": None}, ("max_attempts", "invalid")),
    ({"run_on_mondays": "perhaps"}, ("run_on_mondays", "invalid")),
    ({"weekdays": [8]}, ("weekdays", "invalid")),
    ({"status": 0}, ("status", "unknown_field")),
    ({"owner_kind": "package"}, ("owner_kind", "unknown_field")),
    ({"is_system": True}, ("is_system", "unknown_field")),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), REFUSED, ids=lambda value: str(value)[:60])
def test_people_are_refused_with_a_field_a_code_and_a_sentence(values, expected):
    entry = new(recurrence_anchor=Anchor.FIXED)
    problems = entered(entry, values)
    field, code = expected
    matching = [one for one in problems if one.field.split(".")[0] == field and code in (None, one.code)]
    assert matching, found(problems)
    assert all(one.message.endswith(".") for one in problems)


@pytest.mark.parametrize(
    "values",
    [
        {"max_attempts": 10, "rerun_delay_seconds": 3600, "inactivity_timeout_minutes": 5},
        {
            "weekdays": "mon tue",
            "starting_time": "22:00",
            "ending_time": "02:00",
            "minutes_between_runs": "30",
        },
        {"next_run_date_formula": "<cm + 1d>", "starting_time": "06:00:30"},
        {"expires_at": "2026-03-02T00:00Z", "earliest_start_at": "2026-03-02T00:00Z"},
        {"time_zone": "Europe/Copenhagen", "category_code": "bank", "priority": "High"},
        {"object_type": "codeunit", "priority_within_category": 3000, "missed_runs": "skip"},
        {"weekdays": [7], "minutes_between_runs": 2880},
    ],
    ids=str,
)
def test_people_may_enter(values):
    make_category("BANK")
    assert entered(new(recurrence_anchor=Anchor.FIXED), values) == []


@pytest.mark.parametrize(
    "values",
    [
        {"max_attempts": 50},
        {"inactivity_timeout_minutes": 0},
        {"starting_time": time(8), "minutes_between_runs": 30},
        {"category_code": "NEW"},
        {"owner_kind": "package", "owner_reference": "7"},
    ],
    ids=str,
)
def test_code_may_go_outside_what_people_may(values):
    assert entered(new(), values, by_code=CODE) == []


def test_all_problems_come_together_in_the_order_of_the_card():
    problems = entered(
        new(), {"time_zone": "Nowhere", "object_id": 4711, "max_attempts": 99, "category_code": "NONE"}
    )
    assert [problem.field for problem in problems] == [
        "object_id",
        "max_attempts",
        "category_code",
        "time_zone",
    ]


class TestRecurrence:
    @pytest.mark.parametrize("minutes", [0, None])
    def test_weekdays_alone_mean_once_a_day(self, minutes):
        entry = new()
        values = {"weekdays": [1]} | ({} if minutes is None else {"minutes_between_runs": minutes})
        assert entered(entry, values) == []
        assert (entry.recurring, entry.minutes_between_runs) == (True, 1440)

    def test_a_formula_clears_weekdays_and_minutes(self):
        entry = new(recurring=True, minutes_between_runs=15, **MON_TO_FRI)
        assert entered(entry, {"next_run_date_formula": "1d+cm"}) == []
        assert (entry.weekdays, entry.minutes_between_runs) == (frozenset(), 0)
        assert (entry.recurring, entry.next_run_date_formula) == (True, "1D+CM")

    @pytest.mark.parametrize(
        "values", [{"run_on_mondays": True}, {"minutes_between_runs": 30, "weekdays": [1]}]
    )
    def test_weekdays_clear_the_formula(self, values):
        entry = new(recurring=True, next_run_date_formula="1D")
        assert entered(entry, values) == []
        assert (entry.next_run_date_formula, entry.recurring) == ("", True)

    def test_a_form_may_hand_in_the_unchanged_other_side(self):
        entry = new(recurring=True, next_run_date_formula="1D")
        form = {"next_run_date_formula": "1D", "minutes_between_runs": 30, "run_on_mondays": True}
        assert entered(entry, form) == []
        assert (entry.next_run_date_formula, entry.minutes_between_runs) == ("", 30)

    def test_minutes_alone_do_not_make_a_formula_job_repeat_by_minutes(self):
        entry = new(recurring=True, next_run_date_formula="1D")
        assert ("minutes_between_runs", "no_weekday") in found(entered(entry, {"minutes_between_runs": 30}))
        assert not entry.recurring

    def test_unticking_the_last_day_takes_minutes_and_window_along(self):
        entry = new(recurring=True, run_on_mondays=True, minutes_between_runs=30, starting_time=time(8))
        assert entered(entry, {"run_on_mondays": False, "minutes_between_runs": 30}) == []
        assert (entry.recurring, entry.minutes_between_runs, entry.starting_time) == (False, 0, None)

    def test_a_formula_fills_an_empty_earliest_start_only(self):
        empty, filled = new(), new(earliest_start_at=NOW + timedelta(days=90))
        entered(empty, {"next_run_date_formula": "1D", "starting_time": "02:00"})
        entered(filled, {"next_run_date_formula": "1D", "starting_time": "02:00"})
        assert empty.earliest_start_at == datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
        assert filled.earliest_start_at == NOW + timedelta(days=90)

    def test_a_grid_of_days_is_counted_from_a_stored_day(self):
        entry = new(recurrence_anchor=Anchor.FIXED)
        entered(entry, {"weekdays": [3, 4], "minutes_between_runs": 2880})
        assert entry.anchor_date == date(2026, 3, 4)
        entered(entry, {"description": "Another name"}, now=NOW + timedelta(days=30))
        assert entry.anchor_date == date(2026, 3, 4)
        entered(entry, {"earliest_start_at": "2026-05-01T00:00Z"})
        assert entry.anchor_date == date(2026, 5, 6)
        entered(entry, {"minutes_between_runs": 60})
        assert entry.anchor_date is None


class TestObject:
    def test_another_object_brings_its_caption_and_clears_the_rest(self):
        entry = new(description="Mine", parameter_string="x", parameters={"a": 1})
        entered(entry, {"object_id": 90002})
        assert (entry.description, entry.parameter_string, entry.parameters) == ("Fail", "", {})

    def test_another_type_without_an_object_leaves_none(self):
        entry = new()
        assert ("object_id", "object_missing") in found(entered(entry, {"object_type": ObjectType.REPORT}))

    def test_what_the_object_declares_fills_what_was_not_given(self):
        entry, given = new(), new()
        entered(entry, {"object_id": 90010})
        entered(given, {"object_id": 90010, "timeout_seconds": 3})
        assert (entry.timeout_seconds, given.timeout_seconds) == (5, 3)

    def test_every_parameter_problem_names_its_parameter(self):
        problems = entered(new(), {"object_id": TAKE_ORDER, "parameters": {"lines": "many", "colour": "red"}})
        assert {problem.field for problem in problems} == {
            "parameters.customer", "parameters.lines", "parameters.colour",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("given", "stored"), [(0, 43_200), (60, 60), (43_200, 43_200), (999_999, 86_399)]
    )
    def test_no_timeout_means_the_default_and_too_long_a_one_is_reduced(self, given, stored):
        entry = new()
        assert entered(entry, {"timeout_seconds": given}) == []
        assert entry.timeout_seconds == stored


class TestReports:
    def test_the_output_type_starts_with_what_the_report_produces(self):
        listing, silent = new(), new()
        entered(listing, {"object_type": "Report", "object_id": LISTING})
        entered(silent, {"object_type": "Report", "object_id": PROCESSING_ONLY})
        assert (listing.report_output_type, silent.report_output_type) == (OutputType.PDF, OutputType.NONE)

    @pytest.mark.parametrize(
        ("report", "output", "allowed"),
        [
            (LISTING, OutputType.PDF, True),
            (LISTING, OutputType.CSV, True),
            (LISTING, OutputType.NONE, False),
            (LISTING, OutputType.EXCEL, False),
            (PROCESSING_ONLY, OutputType.NONE, True),
            (PROCESSING_ONLY, OutputType.CSV, False),
        ],
    )
    def test_output_types(self, report, output, allowed):
        entry = new()
        problems = entered(
            entry, {"object_type": "Report", "object_id": report, "report_output_type": output}
        )
        assert (found(problems) == set()) is allowed

    def test_a_printer_is_only_for_printing(self):
        entry = new()
        problems = entered(entry, {"object_type": "Report", "object_id": LISTING, "printer_name": "Office"})
        assert found(problems) == {("printer_name", "printer_not_used")}

    def test_clearing_the_options_deletes_the_stored_parameters(self):
        entry = new(object_type=ObjectType.REPORT, parameters={"a": 1}, report_request_page_options=True)
        entry.object_id = LISTING
        entered(entry, {"report_request_page_options": False})
        assert entry.parameters == {}


class TestReading:
    def test_a_moment_without_offset_is_read_on_the_entrys_clock(self):
        clean, problems = coerce({"earliest_start_at": "2026-07-01T08:00"}, time_zone="Europe/Copenhagen")
        assert (clean["earliest_start_at"], problems) == (datetime(2026, 7, 1, 6, tzinfo=UTC), [])

    @pytest.mark.parametrize("value", ["High", "high", "1000", 1000, CategoryPriority.HIGH])
    def test_choices_are_taken_as_words_names_and_numbers(self, value):
        assert coerce({"priority_within_category": value}, time_zone="UTC") == (
            {"priority_within_category": 1000},
            [],
        )

    def test_empty_values(self):
        given = {"description": None, "earliest_start_at": "", "starting_time": None, "parameters": ""}
        clean, problems = coerce(given, time_zone="UTC")
        assert (clean, problems) == (
            {"description": "", "earliest_start_at": None, "starting_time": None, "parameters": {}}, [],
        )  # fmt: skip


def test_categories_of_another_company_do_not_count():
    make_category("BANK", company=make_company("elsewhere"))
    assert ("category_code", "unknown_category") in found(entered(new(), {"category_code": "BANK"}))


def test_a_record_that_vanished_later_does_not_keep_the_entry_from_being_released():
    entry = make_entry(record_to_process=f"auth.user:{make_user().pk}")
    assert problems_of(entry, by_code=True, changed=(), now=NOW) == []
    entry.record_to_process = "auth.user:4711"
    assert problems_of(entry, by_code=True, changed=(), now=NOW) == []
    assert found(problems_of(entry, now=NOW)) == {("record_to_process", "record_gone")}
