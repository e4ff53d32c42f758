"""``next-run`` and ``date-formula``: schedule arithmetic without a database."""

import json
from argparse import Namespace
from typing import Any

from jobqueue.schedule import answer, date_formula_answer

DATE_FORMULA_USAGE = (
    "Write: jobqueue date-formula FORMULA DATE, for example: jobqueue date-formula 1D+CM 2026-03-31."
)


def next_run(options: Namespace, *, stdin: Any, stdout: Any, stderr: Any) -> int:
    """Answers each line of standard input with one line; returns 1 if any was an error. Empty lines are passed over."""
    status = 0
    for line in stdin:
        if not line.strip():
            continue
        found = answer(line)
        status = max(status, int("error" in found))
        stdout.write(json.dumps(found, ensure_ascii=False))
    return status


def date_formula(options: Namespace, *, stdin: Any, stdout: Any, stderr: Any) -> int:
    """Prints the date a formula leads to; the formula may begin with a minus."""
    words = [word for word in options.words if word != "--json"]
    if len(words) != 2:
        found: dict[str, object] = {"error": {"code": "usage", "message": DATE_FORMULA_USAGE}}
    else:
        found = date_formula_answer(words[0], date=words[1])
    stdout.write(json.dumps(found, ensure_ascii=False))
    error = found.get("error")
    if isinstance(error, dict):
        stderr.write(str(error["message"]))
    return int(error is not None)
