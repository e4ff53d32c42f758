"""Packages for tests, made through the verbs of people, and driven through the job queue's own tasks."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any

from jobqueue.actors import Actor
from jobqueue.models import Entry, LogEntry
from jobqueue.scheduler import create_task
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import LogStatus, Status
from notifications.models import Message, NotificationLine
from packages import lifecycle
from packages.lists import private_list
from packages.models import Package, PackageLine, Run
from packages.states import Result
from tests.builders import (
    actor_of,
    default_company,
    make_category,
    make_entry,
    make_log_entry,
    make_superuser,
)
from tests.jobobjects import jobs

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

FRIDAY_NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
"""Friday 20 Nov 2026, 12:00 in Amsterdam."""
TONIGHT = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
"""22:00 of that day in Amsterdam."""
TOMORROW = TONIGHT + DAY

NIGHTLY = (("Import", 10), ("Calculate", 20), ("Post", 30), ("Report", 40))
EVERY_DAY = {
    f"run_on_{day}s": True
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}
RECIPIENTS = (
    ("ann", "package_error"),
    ("bob", "package_success"),
    ("cas", "package_completion"),
    ("dee", "package_stop"),
    ("eve", "package_entry_error"),
)


def make_package(name: str = "Nightly", *, actor: Actor | None = None, **values: Any) -> Package:
    """An empty package in Europe/Amsterdam, made on Friday at noon."""
    actor = actor or actor_of(make_superuser())
    values = {"name": name, "time_zone": "Europe/Amsterdam", **values}
    company = values.pop("company", None) or default_company()
    return lifecycle.create_package(company, values, actor=actor, now=FRIDAY_NOON)


def add_line(
    package: Package,
    description: str,
    run_order: int | None = None,
    *,
    actor: Actor | None = None,
    object_id: int = jobs.SUCCESS,
    line: Mapping[str, Any] | None = None,
    **values: Any,
) -> PackageLine:
    """A line that succeeds unless ``object_id`` says otherwise."""
    return lifecycle.add_line(
        package,
        {"object_id": object_id, "description": description, **values},
        run_order=run_order,
        actor=actor or boss_of(package),
        now=FRIDAY_NOON,
        **(line or {}),
    )


def add_daily(package: Package, at: time = time(22, 0), **values: Any):
    """Every day at 22:00 unless said otherwise."""
    days = {} if values.get("next_run_date_formula") else EVERY_DAY
    return lifecycle.add_recurrence(
        package, {**days, "starting_time": at, **values}, actor=boss_of(package), now=FRIDAY_NOON
    )


def nightly(
    *,
    failing: Sequence[int] = (),
    lines: Sequence[tuple[str, int]] = NIGHTLY,
    entry_values: Mapping[int, Mapping[str, Any]] | None = None,
    line_values: Mapping[int, Mapping[str, Any]] | None = None,
    **values: Any,
) -> Package:
    """The package of the worked examples, daily at 22:00; lines with an order in ``failing`` fail."""
    package = make_package(**values)
    for description, order in lines:
        add_line(
            package,
            description,
            order,
            object_id=jobs.FAILURE if order in failing else jobs.SUCCESS,
            line=(line_values or {}).get(order),
            **(entry_values or {}).get(order, {}),
        )
    add_daily(package)
    return reloaded(package)


def with_recipients(package: Package, recipients: Sequence[tuple[str, str]] = RECIPIENTS) -> Package:
    """Lines of the private list for invented people."""
    own = private_list(package)
    assert own is not None
    for person, scenario in recipients:
        NotificationLine.objects.create(list=own, address=f"{person}@example.com", scenario=scenario)
    return package


def active(package: Package, *, now: datetime = FRIDAY_NOON, actor: Actor | None = None) -> Package:
    return lifecycle.set_active(package, actor=actor or boss_of(package), now=now)


def boss_of(package: Package) -> Actor:
    """Whoever made the package."""
    assert package.created_by is not None
    return actor_of(package.created_by)


def run(now: datetime = TONIGHT) -> int:
    """Executes everything due at that moment and what it makes due."""
    return run_due_tasks(now=now, until_idle=True)


def step(now: datetime = TONIGHT) -> int:
    """Executes only what is due at the beginning."""
    return run_due_tasks(now=now)


def occupied_category() -> LogEntry:
    """The category BANK with its one slot taken by another entry."""
    make_category("BANK")
    other = make_entry(status=Status.IN_PROCESS, category_code="BANK")
    task = create_task("jobqueue.dispatch", not_before=TONIGHT + 365 * DAY)
    return make_log_entry(other, status=LogStatus.IN_PROCESS, due_at=TONIGHT, system_task_id=task)


def reloaded(package: Package) -> Package:
    return Package.objects.get(pk=package.pk)


def last_run(package: Package) -> Run:
    found = Run.objects.filter(package_uuid=package.uuid).first()
    assert found is not None
    return found


def runs_of(package: Package) -> list[tuple[str, str]]:
    """Trigger and outcome of every run, oldest first."""
    rows = Run.objects.filter(package_uuid=package.uuid).order_by("number")
    return [(row.trigger, row.outcome) for row in rows]


def results_of(found: Run) -> list[str]:
    """Results of a run's lines in their order, in words."""
    return [Result(line.result).label for line in found.lines.all()]


def entries_of(package: Package) -> list[Entry]:
    return list(Entry.objects.filter(package_line__package=package).order_by("package_line__run_order"))


def attempts_of(found: Run, order: int) -> list[LogEntry]:
    return list(found.lines.get(run_order=order).log_entries())


def mails() -> dict[str, list[tuple[str, ...]]]:
    """Scenarios told, by the person's name, in the order they were told."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for message in Message.objects.order_by("pk"):
        found.setdefault(message.address.partition("@")[0], []).append(tuple(message.scenarios))
    return found


@contextmanager
def receiving(signal, receiver) -> Iterator[None]:
    signal.connect(receiver)
    try:
        yield
    finally:
        signal.disconnect(receiver)
