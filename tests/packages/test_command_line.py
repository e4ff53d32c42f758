"""``manage.py packages``: the same sentences and codes as everywhere, words or JSON, exit status 1 for a refusal."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobqueue.models import Entry
from jobqueue.scheduler import fixed_clock
from packages.management.commands.packages import SUBCOMMANDS
from packages.models import Package, Run
from packages.states import PackageStatus
from tests import builders
from tests.packages.building import (
    FRIDAY_NOON,
    NIGHTLY,
    TONIGHT,
    active,
    last_run,
    make_package,
    nightly,
    reloaded,
    run,
    step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered(capsys):
    """Runs a subcommand; returns exit status, standard output and standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        status = 0
        try:
            call_command("packages", *map(str, words))
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        return status, said.out.strip(), said.err.strip()

    return call


@pytest.fixture
def boss(db):
    return builders.make_superuser("boss")


@pytest.fixture
def answer(answered, boss):
    """The JSON of a subcommand that succeeds."""

    def call(*words: str) -> Any:
        status, out, err = answered(*words, "--json", "--as", "boss")
        assert status == 0, err
        return json.loads(out)

    return call


@pytest.fixture
def refusal(answered, boss):
    """The error of a subcommand that is refused; its sentence is on standard error, too."""

    def call(*words: str) -> dict[str, Any]:
        status, out, err = answered(*words, "--json", "--as", "boss")
        assert status == 1
        error = json.loads(out)["error"]
        assert error["message"] in err
        return error

    return call


def test_a_package_is_made_filled_in_and_set_active_from_a_script(answer):
    made = answer("create", "Nightly", "--set", "on_error=continue", "--set", "time_zone=Europe/Amsterdam")
    assert (made["status"], made["on_error"], made["running"]) == ("On Hold", "Continue", False)
    first = answer("add-line", "nightly", "--object", "90001", "--set", "description=Import")
    second = answer("add-line", made["uuid"], "--object", "Codeunit 90001", "--always", "--on-error", "stop")
    assert (first["run_order"], second["run_order"]) == (10, 20)
    assert (second["always"], second["on_error"]) == (True, "Stop")
    found = answer(
        "add-recurrence", str(made["id"]), "--set", "weekdays=mon-fri", "--set", "starting_time=22:00"
    )
    assert (found["weekdays"], found["starting_time"]) == ([1, 2, 3, 4, 5], "22:00:00")
    assert answer("check", "Nightly")["problems"] == []
    activated = answer("set-active", "Nightly")
    assert activated["status"] == "Active"
    assert activated["next_run_at"].endswith("Z")
    assert "T22:00:00" in activated["next_run_local"]
    assert "The notification list is empty: nobody of your choice gets a mail." in activated["warnings"]
    Entry.objects.update(parameters={"password": "hunter2"})
    shown = answer("show", "Nightly")
    assert [line["run_order"] for line in shown["lines"]] == [10, 20]
    assert [line["parameters"] for line in shown["lines"]] == [{"password": "•••"}] * 2
    assert [row["words"] for row in shown["recurrences"]] == ["Mon–Fri at 22:00 (Europe/Amsterdam)"]
    assert len(answer("preview", "Nightly", "--count", "3")) == 3


def test_list_says_what_runs_and_where(answer):
    active(nightly(name="Going"))
    make_package("Held")
    step()
    found = {row["name"]: row for row in answer("list")}
    assert (found["Going"]["status"], found["Going"]["running"]) == ("Active", True)
    assert found["Going"]["running_line"].startswith("1 of 4: Import")
    assert [row["name"] for row in answer("list", "--status", "on-hold")] == ["Held"]
    assert [row["name"] for row in answer("list", "--running")] == ["Going"]


def test_activation_is_refused_with_every_finding_by_line(refusal):
    package = nightly(lines=(("Import", 10), ("Post", 10)))
    package.recurrences.all().delete()
    error = refusal("set-active", "Nightly")
    assert error["code"] == "cannot_start"
    assert [(one["line"], one["code"]) for one in error["findings"]] == [
        (10, "run_order_twice"),
        (10, "run_order_twice"),
        (None, "never_runs"),
    ]
    assert not reloaded(package).is_active


def test_hold_run_now_cancel_and_resume(answer, refusal):
    with fixed_clock(FRIDAY_NOON):
        package = active(nightly(failing=(20,)))
        held = answer("set-on-hold", "Nightly", "--reason", "Year end")
        assert (held["status"], held["hold_reason"], held["next_run_at"]) == ("On Hold", "Year end", None)
        assert refusal("set-on-hold", "Nightly")["code"] == "already_on_hold"
        began = answer("run-now", "Nightly")
        assert (began["trigger"], began["started_by"], began["is_open"]) == ("Manual", "boss", True)
        assert refusal("run-now", "Nightly")["code"] == "already_running"
        assert refusal("delete", "Nightly")["code"] == "package_locked"
        run(last_run(package).due_at)
        assert [row["outcome"] for row in answer("log", "Nightly")] == ["Error"]
        again = answer("resume", "Nightly")
        assert again["resumed_from"] == began["number"]
        cancelled = answer("cancel", "Nightly", "--reason", "wrong day")
        assert cancelled["cancel_reason"] == "wrong day"
        assert refusal("cancel", "Nightly")["code"] == "not_running"


def test_run_now_takes_a_first_or_an_only_line(answer, refusal):
    package = nightly()
    answer("run-now", "Nightly", "--only-line", "30")
    results = dict(last_run(package).lines.values_list("run_order", "result"))
    assert [order for order, result in results.items() if result != "left_out"] == [30]
    run(last_run(package).due_at)
    assert refusal("run-now", "Nightly", "--from-line", "99")["code"] == "not_found"


def test_the_log_shows_runs_with_their_lines_and_log_entries(answer):
    package = active(nightly(failing=(20,), on_error="continue"))
    run()
    (row,) = answer("log", "--lines", "--outcome", "completed-with-errors")
    assert row["package_name"] == "Nightly"
    assert [line["result"] for line in row["lines"]] == ["Success", "Error", "Success", "Success"]
    assert all(line["log_entries"] for line in row["lines"])
    assert "ran out of paper" in row["lines"][1]["error_message"]
    found = answer("run", str(row["number"]))
    assert (found["lines_succeeded"], found["lines_failed"]) == (3, 1)
    assert answer("history", "Nightly")[0]["to_status"] == "Active"
    assert last_run(package).number == row["number"]


def test_the_log_of_a_deleted_package_is_found_by_its_uuid(answer):
    with fixed_clock(TONIGHT):
        package = active(nightly())
        run()
        answer("set-on-hold", "Nightly")
        assert answer("delete", "Nightly")["deleted"] is True
        assert not Package.objects.exists()
        assert not Entry.objects.filter(owner_kind="package").exists()
        assert [row["outcome"] for row in answer("log", str(package.uuid))] == ["Success"]
        assert Run.objects.count() == 1


def test_lines_and_recurrences_change_until_the_package_is_active(answer, refusal):
    package = nightly()
    line = answer("change-line", "Nightly", "20", "--set", "run_order=25", "--set", "max_attempts=2")
    assert (line["run_order"], line["max_attempts"]) == (25, 2)
    key = str(package.recurrences.get().pk)
    changed = answer("change-recurrence", "Nightly", key, "--set", "weekdays=sat,sun")
    assert changed["weekdays"] == [6, 7]
    assert answer("remove-line", "Nightly", "25")["removed"] is True
    assert (
        answer("change", "Nightly", "--set", "description=Closes the day")["description"] == "Closes the day"
    )
    active(package)
    for words in (
        ("change", "Nightly", "--set", "name=Other"),
        ("add-line", "Nightly", "--object", "90001"),
        ("change-line", "Nightly", "10", "--set", "run_order=5"),
        ("remove-line", "Nightly", "10"),
        ("add-recurrence", "Nightly", "--set", "weekdays=mon"),
        ("change-recurrence", "Nightly", key, "--set", "weekdays=mon"),
        ("remove-recurrence", "Nightly", key),
        ("delete", "Nightly"),
    ):
        error = refusal(*words)
        assert error["code"] == "package_locked", words
        assert "Set it On Hold first" in error["message"], words
    assert reloaded(package).lines.count() == len(NIGHTLY) - 1


@pytest.mark.parametrize(("text", "value"), [("false", False), ("TRUE", True), ("no", False), ("on", True)])
def test_switches_are_written_as_people_write_them(answer, text, value):
    """The help of change-recurrence says enabled=false."""
    package = nightly()
    row = package.recurrences.get()
    assert answer("change-recurrence", "Nightly", row.pk, "--set", f"enabled={text}")["enabled"] is value
    changed = answer("change", "Nightly", "--set", f"run_equal_orders_together={text}")
    assert changed["run_equal_orders_together"] is value


def test_a_line_is_copied_from_an_existing_entry(answer, refusal):
    make_package()
    entry = builders.make_recurring_entry(description="Bank import")
    other = builders.make_entry(company=builders.make_company("other"))
    line = answer("add-line", "Nightly", "--entry", str(entry.pk), "--run-order", "5")
    assert (line["description"], line["run_order"]) == ("Bank import", 5)
    assert Entry.objects.filter(pk=entry.pk, recurring=True, owner_kind="").exists()
    error = refusal("add-line", "Nightly", "--entry", str(other.pk))
    assert error["problems"][0]["code"] == "other_company"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "Nothing"), "not_found"),
        (("show", "99999999999999999999999"), "not_found"),
        (("run", "zz"), "not_found"),
        (("create", " "), "invalid"),
        (("create", "New", "--set", "on_error=explode"), "invalid"),
        (("create", "New", "--set", "status=active"), "invalid"),
        (("create", "New", "--set", "nonsense"), "usage"),
        (("create", "Nightly"), "invalid"),
        (("list", "--status", "sleeping"), "usage"),
        (("log", "--outcome", "sleeping"), "usage"),
        (("add-recurrence", "Nightly"), "invalid"),
        (("add-recurrence", "Nightly", "--set", "weekdays=someday"), "usage"),
        (("add-recurrence", "Nightly", "--set", "next_run_date_formula=<x>"), "FORMULA"),
        (("change-line", "Nightly", "99", "--set", "run_order=1"), "not_found"),
        (("change-line", "Nightly", "10", "--set", "run_order=0"), "invalid"),
        (("add-line", "Nightly"), "invalid"),
        (("cancel", "Nightly"), "not_running"),
        (("resume", "Nightly"), "not_found"),
        (("copy", "Nightly", "--name", "NIGHTLY"), "invalid"),
        (("list", "--company", "nowhere"), "not_found"),
    ],
)
def test_bad_input_is_a_sentence_with_a_code_and_stores_nothing(refusal, words, code):
    package = nightly()
    before = package.revision
    error = refusal(*words)
    assert error["code"] == ("invalid" if code == "FORMULA" else code)
    assert error["message"].endswith(".")
    assert (Package.objects.count(), reloaded(package).revision) == (1, before)


@pytest.mark.parametrize(("group", "allowed"), [("Viewer", False), ("Operator", True)])
def test_the_rights_are_those_of_the_acting_user(answered, group, allowed):
    package = nightly()
    builders.make_user("ann", groups=[group])
    status, _, err = answered("set-active", "Nightly", "--as", "ann")
    assert (status == 0) == allowed, err
    assert reloaded(package).status == (PackageStatus.ACTIVE if allowed else PackageStatus.ON_HOLD)
    status, out, _ = answered("show", "Nightly", "--as", "ann")
    assert (status, "Nightly" in out) == (0, True)


def test_traces_and_parameters_are_for_those_who_maintain_packages(answered):
    active(nightly(failing=(20,)))
    run()
    builders.make_user("op", groups=["Operator"])
    builders.make_user("boss", groups=["Scheduler"])
    number = str(Run.objects.get().number)
    outside = json.loads(answered("run", number, "--json", "--as", "op")[1])
    inside = json.loads(answered("run", number, "--json", "--as", "boss")[1])
    assert "error_call_stack" not in outside["lines"][1]
    assert "RanOutOfPaper" in inside["lines"][1]["error_call_stack"]


def test_words_are_for_people(answered, boss):
    active(nightly())
    run()
    for words in (
        ("list",),
        ("show", "Nightly"),
        ("check", "Nightly"),
        ("preview", "Nightly"),
        ("log",),
        ("run", str(Run.objects.get().number)),
        ("history", "Nightly"),
    ):
        status, out, _ = answered(*words, "--as", "boss")
        assert status == 0, words
        assert out, words
        assert not out.startswith(("{", "[")), words


def test_every_subcommand_is_known_to_the_parser_and_others_are_not():
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("packages", "explode")
    for name in SUBCOMMANDS:
        with pytest.raises((CommandError, SystemExit)):
            call_command("packages", name, "--no-such-option")


def test_explain_names_what_stands_against_a_run(answer):
    nightly()
    found = answer("explain", "Nightly")
    assert found["sentence"].startswith("“Nightly” does not run.")
    closed = [one["question"] for one in found["answers"] if not one["open"]]
    assert closed[0] == "The schedule is on"
