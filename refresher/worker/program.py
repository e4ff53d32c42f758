"""The command line, the loop, and how the worker ends.

Exit status: 0 all is well (also after TERM), 1 an unforeseen error, 2 the command line or the configuration cannot be
used, 3 a runner failed or is inactive, 4 the product is away or not well, 5 another worker holds the status file. The
loop ends with 0, 1, 2 or 5 only.
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from refresher.worker import alarms, state
from refresher.worker.calling import CallFailed, Stopped
from refresher.worker.checking import check
from refresher.worker.configuration import Configuration
from refresher.worker.log import LEVELS, Log
from refresher.worker.parsing import FILE_VARIABLE, PREFIX, ConfigurationError, load
from refresher.worker.schedule import delayed, first_planned, next_planned
from refresher.worker.state import Pending
from refresher.worker.work import PRODUCT_UNWELL, Work

FAILED, UNUSABLE, ALREADY_RUNNING = 1, 2, 5
DEFAULT_FILE = "worker.toml"
LEVEL_VARIABLE = f"{PREFIX}LOG_LEVEL"


class Stop:
    """Set by TERM and INT; a second one ends the process at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked)

    def wait(self, seconds: float) -> bool:
        """Waits; True as soon as the worker shall stop."""
        return self._event.wait(max(0.0, seconds))

    @property
    def asked(self) -> bool:
        return self._event.is_set()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self._event.is_set():
            os._exit(128 + number)
        self._event.set()


def main(arguments: Sequence[str]) -> int:
    """Runs the worker; returns the exit status."""
    options = _parser().parse_args(arguments)
    file = Path(options.config or os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)
    environment = {name: text for name, text in os.environ.items() if name != LEVEL_VARIABLE}
    try:
        configuration = load(file, environment)
    except ConfigurationError as error:
        for problem in error.problems:
            _complain(problem)
        return UNUSABLE
    stop = Stop()
    stop.listen()
    if options.check:
        return check(configuration, file=file, say=_say, wait=stop.wait)
    log = Log(level=options.log_level)
    if options.test_alarm:
        return _test_alarm(configuration)
    try:
        with state.alone(configuration.status_file):
            return _run(configuration, stop=stop, log=log, once=options.once, reset=options.reset)
    except state.AlreadyRunning:
        sentence = f"Another worker uses the status file “{configuration.status_file}”. Stop it, or name another file."
        log.error("already_running", error=sentence)
        return ALREADY_RUNNING
    except Stopped:
        log.info("stopped")
        return 0
    except CallFailed as error:
        log.error("unusable", error=str(error))
        return UNUSABLE
    except OSError as error:
        log.error("unusable", error=f"The status file cannot be used: {error}. Check status.file.")
        return UNUSABLE
    except Exception as error:
        frames = [
            f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(error.__traceback__)
        ]
        log.error("crashed", error=f"{type(error).__name__}: {error}", trace=frames)
        return FAILED


def _run(
    configuration: Configuration, *, stop: Stop, log: Log, once: bool, reset: Sequence[str] | None
) -> int:
    work = Work(configuration, log=log, wait=stop.wait)
    try:
        if reset is not None:
            return _reset(work, names=reset)
        if once:
            return work.round(with_cycle=True).exit_status
        _loop(work, stop=stop)
        log.info("stopped")
        return 0
    finally:
        work.close()


def _loop(work: Work, *, stop: Stop) -> None:
    """Rounds until told to stop. The next cycle is kept, so that a restart brings no extra one.

    A cycle that found nobody at the product's address is made up for as soon as somebody answers.
    """
    schedule, chance = work.configuration.schedule, random.random
    planned = first_planned(work.state.next_cycle_at, now=time.time(), schedule=schedule)
    due = planned
    work.log.info("started", runners=len(work.configuration.runners), product=work.configuration.product.url)
    while not stop.asked:
        now = time.time()
        is_due = now >= due
        done = work.round(with_cycle=is_due)
        if is_due and done.is_complete:
            planned = next_planned(planned, now=now, schedule=schedule)
            due = delayed(planned, schedule=schedule, chance=chance())
            work.state.next_cycle_at = planned
            work.save()
        pause = schedule.check_minutes * 60
        if stop.wait(pause if now >= due else min(pause, due - time.time())):
            return


def _reset(work: Work, *, names: Sequence[str]) -> int:
    known = {runner.name: runner for runner in work.configuration.runners}
    unknown = [name for name in names if name not in known]
    if unknown:
        _complain(f"No runner user is called {', '.join(unknown)}. Known are: {', '.join(known)}.")
        return UNUSABLE
    for name in names or known:
        work.state.record_of(known[name]).untold = 0
    work.save()
    _say(
        "The worker calls them again at the next cycle. What Jobwarden counted is reset in its list of runner users."
    )
    return 0


def _test_alarm(configuration: Configuration) -> int:
    """Sends one message by every channel; says of each whether it was taken."""
    now, status = time.time(), 0
    named = alarms.channels(configuration)
    if not named:
        _say("Alarms reach nobody: enter a section [mail] or [webhook].")
        return UNUSABLE
    for channel in named:
        text = f"This is a test of the Jobwarden worker on {alarms.name_of(configuration)}. Nothing is wrong."
        message = Pending(channel, f"test-{int(now)}", "test", "A test of the Jobwarden worker", text, now)
        try:
            alarms.send(message, configuration=configuration, now=now)
            _say(f"ok    {channel} took the message.")
        except alarms.NotSent as failure:
            _say(f"FAIL  {failure}")
            status = PRODUCT_UNWELL
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m refresher.worker",
        description="Refreshes the monitored jobs of Jobwarden from outside, every hour, and watches over it.",
        epilog="Exit status: 0 well, 2 configuration, 3 a runner failed, 4 Jobwarden is away or not well, "
        "5 another worker holds the status file.",
    )
    parser.add_argument("--config", help=f"The TOML file; else {FILE_VARIABLE}, else {DEFAULT_FILE}.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true", help="One cycle and one look, then end; for timers.")
    mode.add_argument(
        "--check", action="store_true", help="Try everything out, and say in words what is wrong."
    )
    mode.add_argument("--test-alarm", action="store_true", help="Send a test message by every channel.")
    mode.add_argument(
        "--reset",
        nargs="*",
        metavar="RUNNER",
        help="Call runners again that are inactive here; all if none is named.",
    )
    parser.add_argument(
        "--log-level",
        choices=LEVELS,
        default=os.environ.get(LEVEL_VARIABLE, "info"),
        help="info unless given.",
    )
    return parser


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
