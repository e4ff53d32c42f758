"""``doctor`` and ``adopt``: is this installation well, and is the database its own?"""

import json
import time
from argparse import Namespace
from typing import Any

from jobqueue import doctor, lifecycle
from jobqueue.actors import Actor
from jobqueue.doctor import Result, State
from jobqueue.errors import Refused
from jobqueue.lifecycle.adopting import STILL_IN_USE
from jobqueue.scheduler import copy_guard

LOOK_SECONDS = 0.5
MARKS = {State.OK: "✓", State.WARNING: "!", State.FAILURE: "✗"}


def examine(options: Namespace, *, stdin: Any, stdout: Any, stderr: Any) -> int:
    """Prints every finding; returns 1 if one is a failure. Answers without a database, too: that is a finding."""
    results = doctor.examine()
    state = doctor.worst(results)
    if options.json:
        found = {"state": state.value, "checks": [_result_json(result) for result in results]}
        stdout.write(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        stdout.write("\n".join(_lines(results)))
    return int(state is State.FAILURE)


def adopt(options: Namespace, actor: Actor) -> tuple[Any, str]:
    """Adopts a held database. One that was in use a moment ago is watched until it is clear whether it still is."""
    seen = _heartbeats()
    while True:
        try:
            adoption = lifecycle.adopt(actor=actor, keep_ready=options.keep_ready)
            break
        except Refused as refusal:
            if refusal.code != STILL_IN_USE or _heartbeats() != seen:
                raise
            time.sleep(LOOK_SECONDS)
    found = {"site_id": adoption.site_id, "former_site_id": adoption.former_site_id, "held": adoption.held}
    held = "1 entry was" if adoption.held == 1 else f"{adoption.held} entries were"
    kept = "All entries stay as they were." if options.keep_ready else f"{held} set On Hold."
    return found, f"The database of “{adoption.former_site_id}” belongs to “{adoption.site_id}” now. {kept}"


def _heartbeats() -> int:
    row = copy_guard.stored()
    return row.heartbeat_number if row is not None else 0


def _result_json(result: Result) -> dict[str, str]:
    return {"name": result.name, "state": result.state.value, "sentence": result.sentence, "fix": result.fix}


def _lines(results: list[Result]) -> list[str]:
    width = max((len(result.name) for result in results), default=0)
    lines = []
    for result in results:
        lines.append(f"{MARKS[result.state]} {result.name.ljust(width)}  {result.sentence}")
        if result.fix:
            lines.append(f"  {' ' * width}  → {result.fix}")
    return [*lines, "", doctor.summary(results)]
