"""The status file: what the worker must still know after a restart, and what others may look at.

Written whole into a new file that takes the old one's place, so that nobody ever reads half of it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from refresher.worker.configuration import FAILURE_LIMIT, Runner

VERSION = 1
MOST_PENDING = 100


class AlreadyRunning(Exception):
    """Another worker uses the same status file."""


@dataclass(slots=True)
class RunnerRecord:
    """How one runner fared. ``untold`` counts failed cycles in a row the product could not be told of."""

    fingerprint: str = ""
    untold: int = 0
    last_result: str = ""
    last_error: str = ""
    last_cycle_at: float | None = None
    last_success_at: float | None = None

    @property
    def is_inactive(self) -> bool:
        return self.untold >= FAILURE_LIMIT


@dataclass(slots=True)
class Incident:
    """Something that is wrong since ``since``; ``told_at`` is when people heard of it last. Seconds since 1970."""

    sentence: str
    since: float
    told_at: float


@dataclass(slots=True)
class Pending:
    """A message that has not gone out by one channel yet."""

    channel: str
    id: str
    kind: str
    subject: str
    text: str
    at: float
    attempts: int = 0
    last_error: str = ""


@dataclass(slots=True)
class State:
    updated_at: float = 0.0
    next_cycle_at: float | None = None
    last_cycle: dict[str, Any] = field(default_factory=dict)
    runners: dict[str, RunnerRecord] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)

    def record_of(self, runner: Runner) -> RunnerRecord:
        """The runner's record; a new credential begins a new one, as registering it anew does in the product."""
        fingerprint = hashlib.sha256(f"{runner.name}\n{runner.credential}".encode()).hexdigest()[:16]
        record = self.runners.setdefault(runner.name, RunnerRecord(fingerprint))
        if record.fingerprint != fingerprint:
            record = self.runners[runner.name] = RunnerRecord(fingerprint)
        return record


def load(path: Path) -> State:
    """The state kept in the file; a new one if there is none. Raises ``ValueError`` for a file that is not ours."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return State()
    found = json.loads(text)
    if not isinstance(found, dict) or found.pop("version", None) != VERSION:
        raise ValueError("no status file of this version")
    try:
        state = State(**found)
        state.runners = {name: RunnerRecord(**one) for name, one in found["runners"].items()}
        state.incidents = {key: Incident(**one) for key, one in found["incidents"].items()}
        state.pending = [Pending(**one) for one in found["pending"]]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not in the form of a status file: {error}") from None
    return state


def save(path: Path, state: State, *, now: float) -> None:
    """Writes the state; raises ``OSError``."""
    state.updated_at = now
    state.pending = state.pending[-MOST_PENDING:]
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(fresh, "w", encoding="utf-8", opener=_private) as file:
            json.dump({"version": VERSION, **asdict(state)}, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Holds the status file for this process; raises ``AlreadyRunning``, or ``OSError`` for an unusable folder."""
    with open(path.with_name(f"{path.name}.lock"), "a", opener=_private) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning from None
        yield


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o640)
