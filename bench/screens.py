"""The pages that read logs: which they are, what they ask the database, and how long they take.

``python -m bench.screens`` opens each on the database of ``DATABASE_URL`` (made by ``python -m bench.generate``) and
prints milliseconds, the longest statement, and how many rows the database looked at for one statement at most.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LOG_TABLES = (
    "jobqueue_logentry",
    "jobqueue_logline",
    "jobqueue_errormessageregister",
    "jobqueue_errormessage",
    "jobqueue_sessionevent",
    "jobqueue_entrychange",
)
WARM_UPS = 1
TIMES = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """How PostgreSQL answered one statement; ``visited`` counts the log rows it looked at, ``without_index`` names
    tables it read from end to end."""

    sql: str
    milliseconds: float
    visited: int
    without_index: tuple[str, ...]

    @property
    def is_count(self) -> bool:
        return "COUNT(" in self.sql


@dataclass(slots=True)
class Screen:
    """One page with the statements that read logs."""

    name: str
    address: str
    milliseconds: float = 0.0
    plans: list[Plan] = field(default_factory=list)


def screens(company: Any) -> Iterator[Screen]:
    """Every page of the admin that reads logs, each list with each of its filters, for rows that are there."""
    from jobqueue.models import Entry, ErrorMessageRegister, LogEntry
    from jobqueue.states import LogStatus

    log = LogEntry.objects.filter(company=company).order_by("-entry_no")
    entry = Entry.objects.filter(company=company).order_by("entry_no")[0]
    failed = log.filter(status=LogStatus.ERROR)[0]
    register = ErrorMessageRegister.objects.filter(company=company).first()
    base = f"/c/{company.code}/admin/"
    yield Screen("Role centre", base)
    lists = f"{base}jobqueue/"
    yield Screen("Log entries", f"{lists}logentry/")
    for tab in ("in-process", "error", "success", "no-run"):
        yield Screen(f"Log entries, tab {tab}", f"{lists}logentry/?tab={tab}")
    yield Screen("Log entries of an entry", f"{lists}logentry/?entry={entry.id}")
    yield Screen(
        "Log entries of an object", f"{lists}logentry/?object={failed.object_type}-{failed.object_id}"
    )
    yield Screen("Log entries of an object that never ran", f"{lists}logentry/?object=5-4242")
    yield Screen("Log entries of a category", f"{lists}logentry/?category=CAT9")
    yield Screen("Log entries without category", f"{lists}logentry/?category=-")
    yield Screen("Log entries of a user", f"{lists}logentry/?user={failed.user_id}")
    yield Screen("Log entries, words found", f"{lists}logentry/?q=bank")
    yield Screen("Log entries, words not there", f"{lists}logentry/?q=nowhere")
    yield Screen("Log entries, page 900", f"{lists}logentry/?p=900")
    yield Screen("Log card", f"{lists}logentry/{failed.pk}/change/")
    yield Screen("Entries", f"{lists}entry/")
    yield Screen("Entry card", f"{lists}entry/{entry.pk}/change/")
    yield Screen("Error messages", f"{lists}errormessageregister/")
    yield Screen("Error messages, words", f"{lists}errormessageregister/?q=nowhere")
    if register is not None:
        yield Screen("Error message card", f"{lists}errormessageregister/{register.pk}/change/")
    yield Screen("Session events", f"{lists}sessionevent/")
    yield Screen("Session events of a kind", f"{lists}sessionevent/?kind__exact=lost")
    yield Screen("Session events of a worker", f"{lists}sessionevent/?worker=3")
    yield Screen("Session events, words", f"{lists}sessionevent/?q=nowhere")
    yield Screen("Changes", f"{lists}entrychange/")
    yield Screen("Changes of an entry", f"{lists}entrychange/?entry={entry.id}")


def look(screen: Screen, *, client: Any, times: int = TIMES, only_indexes: bool = False) -> Screen:
    """Opens the page and asks PostgreSQL how it answered each statement about logs.

    ``only_indexes`` takes the whole scan of a table from the planner wherever there is any other way: in a small table
    that shows whether there is one.
    """
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for _ in range(WARM_UPS):
        _get(client, screen.address)
    began = time.perf_counter()
    for _ in range(times):
        _get(client, screen.address)
    screen.milliseconds = (time.perf_counter() - began) * 1000 / max(1, times)
    with CaptureQueriesContext(connection) as captured:
        _get(client, screen.address)
    with connection.cursor() as cursor:
        cursor.execute(f"SET enable_seqscan = {'off' if only_indexes else 'on'}")
        for query in captured.captured_queries:
            sql = query["sql"]
            if sql.lstrip("( ").startswith(("SELECT", "WITH")) and any(
                f"{table}" in sql for table in LOG_TABLES
            ):
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"), [])
                screen.plans.append(_plan(sql, cursor.fetchone()[0][0]))
        cursor.execute("SET enable_seqscan = on")
    return screen


def _get(client: Any, address: str) -> None:
    answer = client.get(address, follow=True)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}.")


def _plan(sql: str, found: dict[str, Any]) -> Plan:
    visited, without = 0, []
    for node in _nodes(found["Plan"]):
        if node.get("Relation Name") in LOG_TABLES:
            loops = node["Actual Loops"]
            visited += int(loops * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
            if node["Node Type"] in ("Seq Scan", "Parallel Seq Scan"):
                without.append(node["Relation Name"])
    return Plan(sql, found["Execution Time"], visited, tuple(without))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def main() -> None:
    from bench import filling

    filling.set_up()
    from django.conf import settings
    from django.test import Client

    from jobqueue import companies

    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(filling.actor().user, backend="django.contrib.auth.backends.ModelBackend")
    print(f"{'':<42} {'page ms':>8} {'longest':>8} {'rows':>8}")
    for screen in screens(companies.default()):
        look(screen, client=client)
        longest = max(screen.plans, key=lambda plan: plan.milliseconds, default=None)
        slow = (
            f"{longest.milliseconds:>8.1f} {max(plan.visited for plan in screen.plans):>8}" if longest else ""
        )
        print(f"{screen.name:<42} {screen.milliseconds:>8.0f} {slow}", flush=True)
        for plan in screen.plans:
            if "-v" in sys.argv and (plan.milliseconds > 50 or plan.without_index):
                print(f"    {plan.milliseconds:.0f} ms {plan.without_index} {plan.sql[:400]}")


if __name__ == "__main__":
    main()
