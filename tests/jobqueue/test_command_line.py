"""The command line, in words and in JSON."""

import io
import json
import sys
from datetime import timedelta

import pytest
from django.core.management import call_command

from jobqueue.models import Entry, EntryChange, ScheduledTask
from jobqueue.scheduler import database_now
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import HoldKind, LogStatus, Origin, Status
from tests.builders import (
    default_company,
    make_company,
    make_entry,
    make_log_entry,
    make_recurring_entry,
    make_superuser,
    make_user,
)


def run(*words: str, stdin: str = "") -> tuple[int, str, str]:
    """Runs the command as a terminal would; exit status, standard output and error."""
    out, error = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.StringIO(stdin)
    try:
        call_command("jobqueue", *words, stdout=out, stderr=error)
        status = 0
    except SystemExit as left:
        status = int(left.code or 0)
    finally:
        sys.stdin = before
    return status, out.getvalue(), error.getvalue()


def run_json(*words: str):
    status, out, _ = run(*words, "--json")
    return status, json.loads(out)


@pytest.fixture
def boss(db):
    return make_superuser("boss")


@pytest.fixture
def entry(boss):
    return make_entry(user=boss, description="Bank import")


class TestArithmetic:
    def test_next_run_answers_each_line(self):
        question = {"weekdays": [1, 2, 3, 4, 5], "minutes": 15, "base": "2026-03-02T10:07:30Z"}
        status, out, error = run(
            "next-run", stdin=json.dumps(question) + "\n\n" + json.dumps(question) + "\n"
        )
        assert (status, error) == (0, "")
        assert out == '{"next_run": "2026-03-02T10:22:30Z"}\n' * 2

    def test_next_run_goes_on_after_an_error_and_leaves_with_1(self):
        status, out, _ = run(
            "next-run", "--json", stdin='nonsense\n{"minutes": 15, "base": "2026-03-02T10:00:00Z"}\n'
        )
        first, second = map(json.loads, out.splitlines())
        assert status == 1
        assert set(first["error"]) == set(second["error"]) == {"code", "message"}

    @pytest.mark.parametrize(
        ("formula", "day", "expected"),
        [
            ("1D+CM", "2026-03-31", "2026-04-30"),
            ("-CM", "2026-03-17", "2026-03-01"),
            ("-WD2", "2026-03-03", "2026-02-24"),
        ],
    )
    def test_date_formula_may_begin_with_a_minus(self, formula, day, expected):
        assert run("date-formula", formula, day) == (0, f'{{"date": "{expected}"}}\n', "")
        assert run("date-formula", formula, day, "--json")[0] == 0

    @pytest.mark.parametrize("words", [["D32", "2026-03-01"], ["1D"], ["1D", "yesterday"], []])
    def test_a_date_formula_that_cannot_be_answered_leaves_with_1(self, words):
        status, out, error = run("date-formula", *words)
        assert status == 1
        assert json.loads(out)["error"]["message"] in error

    def test_as_a_program_without_a_database(self, manage, bare_environment):
        nowhere = {**bare_environment, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
        done = manage("jobqueue", "date-formula", "-CM", "2026-03-17", environment=nowhere)
        assert (done.returncode, done.stdout, done.stderr) == (0, '{"date": "2026-03-01"}\n', "")
        question = json.dumps(
            {"weekdays": [1], "minutes": 1440, "starting_time": "06:00", "base": "2026-03-02T06:10:00Z"}
        )
        done = manage("jobqueue", "next-run", environment=nowhere, stdin=question)
        assert (done.returncode, done.stdout, done.stderr) == (
            0,
            '{"next_run": "2026-03-09T06:00:00Z"}\n',
            "",
        )
        done = manage("jobqueue", "list", environment=nowhere)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("The database cannot be used: ")
        assert "Traceback" not in done.stderr


class TestReading:
    def test_list_shows_the_entries_of_the_company(self, entry, boss):
        make_entry(user=boss, company=make_company("other"), description="Elsewhere")
        status, out, _ = run("list")
        assert status == 0
        assert "Bank import" in out
        assert "Elsewhere" not in out

    def test_list_takes_a_status_in_words(self, entry, boss):
        make_entry(user=boss, status=Status.ERROR)
        assert [one["status"] for one in run_json("list", "--status", "on hold")[1]] == ["On Hold"]

    def test_list_refuses_a_status_it_does_not_know(self, entry):
        status, found = run_json("list", "--status", "sleepy")
        assert status == 1
        assert "Choose one of: Ready" in found["error"]["message"]

    def test_show_finds_by_number_and_by_id(self, entry):
        by_number, by_id = run_json("show", str(entry.pk))[1], run_json("show", str(entry.id))[1]
        assert by_number == by_id
        assert by_number["description"] == "Bank import"
        assert by_number["object_type"] == "Codeunit"
        assert by_number["user"] == "boss"
        assert by_number["company"] == default_company().code
        assert by_number["created_at"] == "2026-03-02T09:00:00Z"
        assert by_number["scheduled"] is False
        assert "Bank import" in run("show", str(entry.pk))[1]

    @pytest.mark.parametrize(
        "key", ["4711", "0", "9" * 30, "rubbish", "4f7a0c1e-0000-4000-8000-000000000000", "-1 "]
    )
    def test_an_unknown_entry_is_one_sentence(self, entry, key):
        status, out, error = run("show", "--", key)
        assert (status, out) == (1, "")
        assert error.startswith("There is no job queue entry")
        assert error.count("\n") == 1

    def test_log_shows_duration_and_message(self, entry):
        make_log_entry(entry, status=LogStatus.ERROR, error_message="Bank closed.")
        assert "Bank closed." in run("log")[1]
        row = run_json("log", str(entry.pk), "--lines")[1][0]
        assert (row["status"], row["error_message"], row["duration_ms"], row["lines"]) == (
            "Error",
            "Bank closed.",
            0,
            [],
        )

    def test_preview_lists_planned_runs(self, boss):
        entry = make_recurring_entry(user=boss)
        status, found = run_json("preview", str(entry.pk), "--count", "5")
        assert (status, len(found)) == (0, 5)
        assert set(found[0]) == {"at", "local", "notes", "will_run"}

    def test_status_counts_entries_and_names_missing_workers(self, entry):
        assert run_json("status")[1]["entries"]["On Hold"] == 1
        assert "start “manage.py jobworker”" in run("status")[1]

    def test_objects_show_their_parameters(self, boss):
        typed = next(one for one in run_json("objects")[1] if one["object_id"] == 90020)
        assert typed["parameters"][0]["name"] == "customer"

    def test_history_and_categories_are_listed(self, entry):
        run("set-on-hold", str(entry.pk), "--reason", "stock-taking")
        assert run_json("history", str(entry.pk))[1][0]["reason"] == "stock-taking"
        assert run("categories") == (0, "Nothing found.\n", "")

    def test_log_and_history_of_an_entry_that_is_gone_are_found_by_its_uuid(self, entry):
        make_log_entry(entry, status=LogStatus.SUCCESS)
        assert run("delete", str(entry.pk), "--reason", "no longer needed")[0] == 0
        status, rows = run_json("log", str(entry.id))
        assert (status, [row["status"] for row in rows]) == (0, ["Success"])
        status, changes = run_json("history", str(entry.id))
        assert (status, changes[0]["action"]) == (0, "delete")
        assert run("log", str(entry.pk))[0] == 1
        assert run("show", str(entry.id))[0] == 1

    def test_the_log_of_an_entry_that_is_gone_stays_inside_its_company(self, entry):
        make_log_entry(entry, status=LogStatus.SUCCESS)
        assert run("delete", str(entry.pk))[0] == 0
        make_company("elsewhere", members=[make_user("guest", groups=["Viewer"])])
        status, answer = run_json("log", str(entry.id), "--as", "guest")
        assert (status, answer["error"]["code"]) == (1, "not_found")


class TestChanging:
    def test_an_entry_is_created_changed_and_released(self, boss):
        status, found = run_json(
            "create",
            "--object",
            "Codeunit 90001",
            "--set",
            "weekdays=mon,tue",
            "--set",
            "starting_time=08:00",
        )
        assert status == 0
        assert found["weekdays"] == [1, 2]
        assert (found["status"], found["recurrence_anchor"], found["minutes_between_runs"]) == (
            "On Hold",
            "fixed",
            1440,
        )
        number = str(found["entry_no"])
        assert run_json("change", number, "--set", "description=Import")[1]["description"] == "Import"
        assert run_json("set-ready", number)[1]["scheduled"] is True
        assert "Status: On Hold." in run("set-on-hold", number, "--until", "2099-01-01T08:00")[1]
        assert set(EntryChange.objects.values_list("origin", flat=True)) == {Origin.COMMAND}

    def test_what_was_created_runs_and_is_in_the_log(self, boss):
        run("create", "--object", "90002", "--set", "description=Bank", "--set", "max_attempts=1", "--ready")
        for minutes in (1, 2):
            assert run_due_tasks(now=database_now() + timedelta(minutes=minutes), until_idle=True)
        assert [row["status"] for row in run_json("log")[1]] == ["Error", "Error"]
        assert run_json("list", "--status", "error")[1][0]["error_message"] == "The printer ran out of paper."
        assert "On Hold" not in run("explain", str(Entry.objects.get().pk))[1]

    def test_all_problems_are_reported_together(self, boss):
        status, found = run_json(
            "create", "--object", "Codeunit 4711", "--set", "max_attempts=11", "--set", "colour=red",
            "--set", "category_code=NONE", "--set", "earliest_start_at=tomorrow",
        )  # fmt: skip
        assert status == 1
        assert {one["field"] for one in found["error"]["problems"]} == {
            "object_id", "max_attempts", "colour", "category_code", "earliest_start_at",
        }  # fmt: skip
        assert not Entry.objects.exists()

    def test_a_locked_field_is_refused_with_the_next_step(self, boss):
        entry = make_entry(status=Status.ERROR, user=boss)
        status, out, error = run("change", str(entry.pk), "--set", "description=New")
        assert (status, out) == (1, "")
        assert "Description can be changed only while it is On Hold. Set it On Hold first." in error
        assert (
            run_json("change", str(entry.pk), "--set", "description=New")[1]["error"]["code"]
            == "locked_field"
        )

    def test_run_now_run_once_copy_and_delete(self, entry):
        assert run("run-now", str(entry.pk))[0] == 0
        code, said, _ = run("run-now", str(entry.pk))
        assert code == 0
        assert "already asked for by" in said
        assert ScheduledTask.objects.count() == 1
        copy = run_json("run-once", str(entry.pk), "--parameter-string", "May")[1]
        assert (copy["parameter_string"], copy["status"]) == ("May", "Ready")
        assert run_json("copy", str(entry.pk))[1]["hold_kind"] == HoldKind.DRAFT
        assert run_json("delete", str(entry.pk))[1]["deleted"] is True
        assert run("run-once", str(copy["entry_no"]), "--parameters", "[]")[0] == 1

    def test_cancel_says_that_nothing_runs(self, entry):
        status, _, error = run("cancel", str(entry.pk))
        assert status == 1
        assert "has no run in process" in error

    def test_restart_answers_in_words(self, boss):
        entry = make_entry(status=Status.ERROR, user=boss, description="Bank import")
        assert (
            run("restart", str(entry.pk))[1]
            == f"Entry {entry.pk} “Bank import” was restarted. Status: Ready.\n"
        )

    def test_log_rows_are_marked_and_deleted(self, entry):
        row = make_log_entry(entry, status=LogStatus.IN_PROCESS)
        assert run_json("mark-error", str(row.pk))[1]["status"] == "Error"
        assert run("mark-error", str(row.pk))[0] == 1
        assert run_json("delete-log")[1] == {"deleted": 1}
        assert run_json("remove-failed")[1] == {"removed": 0}
        assert run_json("check-stale")[1] == {"stale": 0}


class TestActing:
    def test_without_a_single_superuser_the_user_must_be_named(self, entry):
        make_superuser("chief")
        status, _, error = run("list")
        assert status == 1
        assert "more than one active superuser" in error
        assert run("list", "--as", "chief")[0] == 0

    def test_an_unknown_user_is_refused(self, entry):
        assert "There is no user “nobody”" in run("list", "--as", "nobody")[2]

    def test_permission_is_checked_as_that_user(self, entry):
        make_user("viewer", groups=["Viewer"])
        assert run("show", str(entry.pk), "--as", "viewer")[0] == 0
        status, found = run_json("set-ready", str(entry.pk), "--as", "viewer")
        assert (status, found["error"]["code"]) == (1, "not_allowed")
        assert "The group “Operator” grants it" in found["error"]["message"]

    def test_other_companies_stay_out_of_sight(self, entry):
        guest = make_user("guest", groups=["Operator"])
        make_company("other", members=[guest])
        assert "There is no job queue entry" in run("show", str(entry.pk), "--as", "guest")[2]
        assert "There is no company “main”" in run("list", "--company", "main", "--as", "guest")[2]
