"""Keeps a few child programs running: restarts what died, forwards the order to stop, leaves nobody behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 30.0  # a child that lived this long has recovered: the next restart is quick again
PR_SET_PDEATHSIG = 1


def restart_wait_seconds(failures: int) -> float:
    """Doubles from half a second to half a minute: 1 → 0.5, 2 → 1, 3 → 2, … 7 and more → 30."""
    return min(FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, 10), LONGEST_WAIT_SECONDS)


@dataclass
class Child:
    """One program that should always run. ``fatal_status`` is an exit that restarting cannot cure."""

    name: str
    command: Sequence[str]
    fatal_status: int | None = None
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    start_at: float = 0.0

    def start(self, *, now: float) -> None:
        # A session of its own: Ctrl-C in the terminal reaches only the parent, which stops its children in order.
        self.process = subprocess.Popen(self.command, start_new_session=True, preexec_fn=_end_with_parent)
        self.started = now

    def note_end(self, *, now: float) -> None:
        self.failures = 1 if now - self.started >= STEADY_SECONDS else self.failures + 1
        self.start_at = now + restart_wait_seconds(self.failures)
        self.process = None


@dataclass
class Family:
    """Children run side by side until TERM, INT or HUP arrives, or one of them ends in a way restarting cannot cure."""

    children: Sequence[Child]
    stop_seconds: float
    say: Callable[[str], None] = print
    stopping: bool = field(default=False, init=False)

    def run(self) -> int:
        """Blocks. Returns 0 after an ordered stop, else the status of the child that could not run."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        status = 0
        try:
            while not self.stopping and not status:
                status = self._look_after(now=time.monotonic())
                time.sleep(0.1)
        finally:
            self._stop()
        return status

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _look_after(self, *, now: float) -> int:
        for child in self.children:
            if child.process is None:
                if now >= child.start_at:
                    child.start(now=now)
                continue
            status = child.process.poll()
            if status is None:
                continue
            _signal_group(child.process, signal.SIGKILL)  # what it may have left behind
            if status == child.fatal_status:
                self.say(f"The {child.name} cannot start; the lines above say why.")
                return status
            child.note_end(now=now)
            wait = child.start_at - now
            self.say(f"The {child.name} ended ({_ending(status)}); it is started again in {wait:g} s.")
        return 0

    def _stop(self) -> None:
        """TERM to every child, and KILL to the group of those that have not ended ``stop_seconds`` later."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self.stop_seconds
        for process in running:
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"Process {process.pid} did not stop within {self.stop_seconds:g} s and is killed.")
            _signal_group(process, signal.SIGKILL)
            process.wait()


def _ending(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # the group is empty


def _end_with_parent() -> None:
    """Linux: the child gets TERM when its parent dies in any way, even by SIGKILL. Elsewhere the group kill must do."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
