"""One JSON object a line on standard output: time (UTC), level, event, and what belongs to it. Never a secret."""

import json
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

LEVELS = ("debug", "info", "warning", "error")


class Log:
    """Writes lines of at least ``level``."""

    def __init__(self, *, level: str = "info", stream: TextIO | None = None) -> None:
        self._least = LEVELS.index(level)
        self._stream = stream

    def info(self, event: str, **facts: Any) -> None:
        self._write("info", event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._write("warning", event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._write("error", event, facts)

    def _write(self, level: str, event: str, facts: dict[str, Any]) -> None:
        if LEVELS.index(level) < self._least:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": now, "level": level, "event": event, **facts}
        stream = self._stream or sys.stdout
        try:
            stream.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads the lines any more; that must not end the work
