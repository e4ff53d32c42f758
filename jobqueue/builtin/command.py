"""Management command: runs one of the Django commands an administrator allowed."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field

from django.core.management import CommandError, call_command

from jobqueue.conf import settings
from jobqueue.errors import CallbackNotAllowed, JobQueueError
from jobqueue.objects import Run, codeunit
from jobqueue.states import Level

MAX_LINES = 1000


class CommandFailed(JobQueueError):
    """The command reported an error or ended with a status other than 0."""

    code = "command_failed"


def allowed_commands() -> list[str]:
    """The commands of ``ALLOWED_COMMANDS``."""
    return sorted(settings().allowed_commands)


@dataclass(frozen=True)
class ManagementCommand:
    command: str = field(
        metadata={"choices": allowed_commands, "help": "One of the commands listed in ALLOWED_COMMANDS."}
    )
    arguments: list[str] = field(
        default_factory=list,
        metadata={"max_length": 1000, "help": "Arguments, one each, for example --verbosity=2."},
    )


@codeunit(2, "Management command", parameters=ManagementCommand, permission="jobqueue.run_command")
def management_command(run: Run[ManagementCommand]) -> None:
    """Runs a Django management command; what it writes goes into the log.

    An administrator lists the possible commands in ALLOWED_COMMANDS. An error of the command fails the run.
    """
    name = run.parameters.command
    output, errors = _LineWriter(run, level=Level.INFORMATION), _LineWriter(run, level=Level.WARNING)
    try:
        with redirect_stdout(output), _empty_stdin():
            call_command(name, *run.parameters.arguments, stdout=output, stderr=errors, no_color=True)
    except CommandError as error:
        raise CommandFailed(f"The command {name} failed: {error}") from error
    except SystemExit as end:
        if end.code not in (None, 0):
            raise CommandFailed(f"The command {name} ended with status {end.code}.") from end
    except EOFError:
        raise CallbackNotAllowed(
            f"The command {name} asked for input, but nobody can answer a job. Add the argument that answers it, "
            "for example --no-input."
        ) from None
    finally:
        output.close()
        errors.close()


class _LineWriter(io.TextIOBase):
    """A text file whose lines become log lines, at most 1,000 of them."""

    def __init__(self, run: Run[ManagementCommand], *, level: Level) -> None:
        self._run, self._level = run, level
        self._rest = ""
        self._count = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._log(line)
        return len(text)

    def close(self) -> None:
        if not self.closed and self._rest:
            self._log(self._rest)
        self._rest = ""
        super().close()

    def _log(self, line: str) -> None:
        if not line.strip():
            return
        self._count += 1
        if self._count <= MAX_LINES:
            self._run.log(line.rstrip(), level=self._level)
        elif self._count == MAX_LINES + 1:
            self._run.log(
                f"Further output is not kept: it has more than {MAX_LINES:,} lines.", level=Level.WARNING
            )


@contextmanager
def _empty_stdin() -> Iterator[None]:
    kept, sys.stdin = sys.stdin, io.StringIO("")
    try:
        yield
    finally:
        sys.stdin = kept
