"""What processes of a case write down: lines of a file, each appended in one write, so no database has to be up."""

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Note:
    """One line: what happened in which process, at which nanosecond of the system-wide monotonic clock."""

    what: str
    pid: int
    at: int
    facts: dict[str, Any] = field(default_factory=dict)


def folder() -> Path:
    """The folder of the suite's run; workers get it through the environment."""
    return Path(os.environ["CHAOS_DIR"])


def note(what: str, **facts: Any) -> None:
    """Appends a line."""
    line = json.dumps({"what": what, "pid": os.getpid(), "at": time.monotonic_ns(), "facts": facts})
    descriptor = os.open(folder() / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


class Reader:
    """Reads the notes as they grow."""

    def __init__(self, path: Path) -> None:
        self._path, self._place, self._notes = path, 0, []  # type: ignore[var-annotated]

    def all(self, *what: str) -> list[Note]:
        """Every note so far, of the given kinds."""
        self._read()
        return [found for found in self._notes if found.what in what]

    def forget(self) -> None:
        """Drops what was read: the next case starts with an empty list."""
        self._read()
        self._notes = []

    def _read(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._place += len(line)
                self._notes.append(Note(**json.loads(line)))
