"""The heartbeat kept beside the installation: the number of the latest heartbeat this host has stored in a database.

A file a database, named by the identity in it: several databases used from one folder do not disturb each other. Each
host keeps its own; a host that was off for weeks merely knows a smaller number than the database.
"""

import contextlib
import json
import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

logger = logging.getLogger("jobqueue.scheduler")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A heartbeat of a database: its number, and when it was by the database's clock."""

    number: int
    at: datetime


def read(folder: Path | None, identity: UUID) -> Heartbeat | None:
    """The heartbeat kept for that database; None when there is none, or none that can be read."""
    if folder is None:
        return None
    path = _path(folder, identity)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Heartbeat(int(found["number"]), datetime.fromisoformat(found["at"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("The heartbeat kept in %s cannot be read and does not count: %s", path, error)
        return None


def write(folder: Path | None, identity: UUID, heartbeat: Heartbeat, *, site_id: str) -> None:
    """Keeps the heartbeat. It must be stored in the database durably before; a failure is logged and passed over."""
    if folder is None:
        return
    path = _path(folder, identity)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps({"site_id": site_id, "number": heartbeat.number, "at": heartbeat.at.isoformat()})
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        logger.warning("The heartbeat cannot be kept in %s: %s", path, error)
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _path(folder: Path, identity: UUID) -> Path:
    return Path(folder) / f"{identity}.json"
