"""The job object Management command, with commands of Django and of the tests."""

import sys

import pytest
from django.core.management import BaseCommand, CommandError

from jobqueue.builtin.command import CommandFailed
from jobqueue.errors import CallbackNotAllowed, InvalidParameters
from jobqueue.objects import registry, rehearse
from jobqueue.states import Level, ObjectType


class Talk(BaseCommand):
    """Does what its first argument says."""

    def add_arguments(self, parser):
        parser.add_argument("what")
        parser.add_argument("--times", type=int, default=1)

    def handle(self, *, what, times, **_options):
        if what == "write":
            for number in range(times):
                self.stdout.write(self.style.SUCCESS(f"line {number}"))
            self.stdout.write("no end of line", ending="")
            print("printed")  # noqa: T201
            self.stderr.write("a warning")
        elif what == "fail":
            raise CommandError("it broke")
        elif what == "exit":
            sys.exit(3)
        elif what == "leave":
            sys.exit(0)
        elif what == "ask":
            input("Really? ")


@pytest.fixture(autouse=True)
def _commands(settings, monkeypatch):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "ALLOWED_COMMANDS": ["talk", "diffsettings"]}
    monkeypatch.setattr("django.core.management.get_commands", lambda: {"talk": Talk(), "shell": Talk()})


def run(*arguments, command="talk"):
    item = registry.get(ObjectType.CODEUNIT, 2)
    return rehearse(item, parameters={"command": command, "arguments": list(arguments)})


def test_what_the_command_writes_becomes_log_lines_without_colours():
    assert run("write", "--times=2").sink.lines == [
        (Level.INFORMATION, "line 0"),
        (Level.INFORMATION, "line 1"),
        (Level.INFORMATION, "no end of lineprinted"),
        (Level.WARNING, "a warning"),
    ]


def test_a_flood_of_output_is_cut():
    lines = run("write", "--times=1500").sink.texts
    assert lines[999] == "line 999"
    assert lines[1000] == "Further output is not kept: it has more than 1,000 lines."
    assert lines[1001:] == ["a warning"]


def test_an_error_or_a_status_of_the_command_fails_the_run():
    with pytest.raises(CommandFailed, match=r"The command talk failed: it broke"):
        run("fail")
    with pytest.raises(CommandFailed, match=r"The command talk ended with status 3"):
        run("exit")
    with pytest.raises(CommandFailed, match=r"--times: invalid int value"):
        run("write", "--times=x")


def test_leaving_early_with_status_0_is_a_success():
    run("leave")


def test_a_question_of_the_command_is_a_non_retriable_error():
    with pytest.raises(CallbackNotAllowed, match=r"asked for input, but nobody can answer a job"):
        run("ask")


def test_a_command_not_allowed_is_refused():
    with pytest.raises(
        InvalidParameters, match=r"which is not offered. Choose one of: “diffsettings”, “talk”"
    ):
        run("write", command="shell")
