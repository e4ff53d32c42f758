"""The calls of the API that read lists: how long each takes in the server, and how often it asks the database.

``python -m bench.calls`` makes each on the database of ``DATABASE_URL`` (made by ``python -m bench.generate``) with an
API token, fifty rows a page, and prints the median and the slowest twentieth in milliseconds. Measured is everything
from the address to the rendered answer, without network and web server; the floor is 50 ms for 10,000 entries and a
million log rows. The exit status is 1 if a call misses it.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

FLOOR_MILLISECONDS = 50.0
WARM_UPS = 3
TIMES = 40


@dataclass(slots=True)
class Call:
    """One call with what it took; ``rows`` says how many the answer must hold at least."""

    name: str
    address: str
    rows: int = 1
    milliseconds: tuple[float, ...] = ()
    queries: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def slow(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20)[-1]


def calls(company: Any) -> Iterator[Call]:
    """Every list an integration reads often, for rows that are there."""
    from jobqueue.models import Entry, LogEntry, LogLine
    from jobqueue.states import LogStatus

    log = LogEntry.objects.filter(company=company).order_by("-entry_no")
    entries = Entry.objects.filter(company=company)
    failed = log.filter(status=LogStatus.ERROR)[0]
    entry = entries.get(id=failed.entry_id)
    lines = LogLine.objects.filter(log_entry__company=company).order_by("-id").first()
    base = f"/api/v1/companies/{company.code}/"
    yield Call("Entries", f"{base}entries/", 50)
    yield Call("Entries, page 30", f"{base}entries/?page=30", 50)
    yield Call("Entries that are Ready", f"{base}entries/?status=Ready", 50)
    yield Call("Entries that are late", f"{base}entries/?late=true", 0)
    yield Call("Entries with a run in process", f"{base}entries/?running=true", 0)
    yield Call("Entries by words", f"{base}entries/?search=job", 0)
    yield Call("Entries of a category", f"{base}entries/?category={entry.category_code or '-'}", 1)
    yield Call("Entries by next start", f"{base}entries/?ordering=-earliest_start_at", 50)
    yield Call("One entry", f"{base}entries/{entry.pk}/", 0)
    yield Call("Why is it not running?", f"{base}entries/{entry.pk}/explain/", 0)
    yield Call("Queue at a glance", f"{base}status/", 0)
    yield Call("Log entries", f"{base}log-entries/", 50)
    yield Call("Log entries, next page", "", 50)
    yield Call("Log entries of an entry", f"{base}log-entries/?entry={entry.id}", 1)
    yield Call("Log entries with an error", f"{base}log-entries/?status=Error", 50)
    yield Call(
        "Log entries of an object", f"{base}log-entries/?object_type=Codeunit&object_id={failed.object_id}", 1
    )
    yield Call("Log entries of a user", f"{base}log-entries/?user={failed.user.get_username()}", 1)
    yield Call("Log entries by words found", f"{base}log-entries/?search=bank", 0)
    yield Call("One log entry", f"{base}log-entries/{failed.pk}/", 0)
    if lines is not None:
        yield Call("Log lines of a run", f"{base}log-entries/{lines.log_entry_id}/lines/?limit=50", 0)
    yield Call("Error messages", f"{base}error-messages/", 1)
    yield Call("Session events", f"{base}session-events/", 1)
    yield Call("Changes", f"{base}changes/", 1)
    yield Call("Scheduled tasks", f"{base}scheduled-tasks/", 50)
    other = f"/api/v2.0/companies({company.pk})/"
    yield Call("v2.0: entries", f"{other}jobQueueEntries?$top=50", 50)
    yield Call("v2.0: log entries", f"{other}jobQueueLogEntries?$top=50", 50)
    yield Call("v2.0: runs of an entry", f"{other}jobQueueEntries({entry.id})/jobQueueLogEntries?$top=50", 1)


def measure(call: Call, *, client: Any, times: int = TIMES) -> dict[str, Any]:
    """Makes the call again and again; returns the answer. Raises ``RuntimeError`` for one that is not as expected."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for _ in range(WARM_UPS):
        answer = _get(client, call)
    took = []
    for _ in range(times):
        began = time.perf_counter()
        _get(client, call)
        took.append((time.perf_counter() - began) * 1000)
    call.milliseconds = tuple(took)
    with CaptureQueriesContext(connection) as captured:
        _get(client, call)
    call.queries = len(captured)
    return answer


def _get(client: Any, call: Call) -> dict[str, Any]:
    answer = client.get(call.address)
    if answer.status_code != 200:
        raise RuntimeError(f"{call.address} answered {answer.status_code}: {answer.content[:300]!r}")
    found: dict[str, Any] = answer.json()
    rows = found.get("results", found.get("value", []))
    if len(rows) < call.rows:
        raise RuntimeError(f"{call.address} answered {len(rows)} rows, not {call.rows}.")
    return found


def client_of(actor: Any) -> Any:
    """A client with a token of the benchmark's user."""
    from django.test import Client

    from jobqueue import api_tokens
    from jobqueue.scheduler import database_now

    now = database_now()
    _, text = api_tokens.make_personal(
        actor, name="bench", scopes=["administer"], now=now, expires_at=now + timedelta(days=1)
    )
    return Client(headers={"Authorization": f"Bearer {text}"})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.calls", description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES)
    options = parser.parse_args()
    from bench import filling

    filling.set_up()
    from django.conf import settings

    from jobqueue import companies

    settings.ALLOWED_HOSTS = ["*"]
    settings.API_CALLS_PER_MINUTE = 1_000_000
    client = client_of(filling.actor())
    missed, following = [], ""
    print(f"{'':<34} {'median':>8} {'p95':>8} {'queries':>8}")
    for call in calls(companies.default()):
        call.address = call.address or following
        answer = measure(call, client=client, times=options.times)
        following = answer.get("next") or ""
        print(f"{call.name:<34} {call.median:>8.1f} {call.slow:>8.1f} {call.queries:>8}", flush=True)
        if call.median > FLOOR_MILLISECONDS:
            missed.append(call.name)
    if missed:
        sys.exit(f"More than {FLOOR_MILLISECONDS:.0f} ms: {', '.join(missed)}.")


if __name__ == "__main__":
    main()
