"""Which code this process runs, in words a person can compare between hosts."""

import tomllib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent
COMMIT_LENGTH = 9


@cache
def code_version() -> str:
    """The project's version, with the commit where the code is a checkout: ``0.1.0+1a2b3c4d5``."""
    commit = _commit()
    return f"{_release()}+{commit[:COMMIT_LENGTH]}" if commit else _release()


def _release() -> str:
    try:
        return str(tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, KeyError, ValueError):
        return "unknown"


def _commit() -> str:
    """The commit of the checkout, read from its files: the host may have no git. Empty where there is none."""
    folder = FOLDER / ".git"
    try:
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        loose = folder / name
        if loose.exists():
            return loose.read_text().strip()
        for line in (folder / "packed-refs").read_text().splitlines():
            if line.endswith(f" {name}"):
                return line.split()[0]
    except OSError:
        pass
    return ""
