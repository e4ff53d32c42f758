"""What stands against Set Active and Run Now: every finding at once, by line.

Source: *Packages reference, Set Active, guards*.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from jobqueue import companies
from jobqueue import permissions as job_permissions
from jobqueue.actors import Actor
from jobqueue.objects import registry
from jobqueue.schedule import ScheduleError
from jobqueue.scheduler import database_now
from jobqueue.validation import problems_of
from packages import lists, scenarios
from packages.errors import CannotStart, Finding
from packages.models import Package, PackageLine
from packages.permissions import WORDS, may
from packages.recurrences import next_due_of, rule_from
from packages.states import OnError

NOTHING_RUNS = "Nothing would ever run. Add a recurrence, or use Run Now."


def problems(
    package: Package, *, actor: Actor, now: datetime | None = None, to_run_now: bool = False
) -> list[Finding]:
    """Everything that keeps the actor from setting the package Active, or from running it now; empty if nothing does.

    Order: the package, then its lines by run order, then schedule, identity and the actor.
    """
    now = now or database_now()
    lines = enabled_lines(package)
    found = [*_line_findings(package, lines, now=now)]
    if not to_run_now:
        found += _schedule_findings(package, now=now)
    found += identity_findings(package, identity_of(package, actor=actor, activating=not to_run_now), lines)
    found += _actor_findings(package, actor, lines)
    return list(dict.fromkeys(found))


def warnings(package: Package) -> list[Finding]:
    """What may be meant but usually is not; nothing of it blocks."""
    found = [*_notification_warnings(package)]
    jobs = Counter(_job_of(line) for line in enabled_lines(package))
    for line in enabled_lines(package):
        if jobs[_job_of(line)] > 1:
            sentence = f"Line {line} has the same job and parameters as another line."
            found.append(Finding("same_job", sentence, line.run_order, str(line.uuid)))
    return found


def require_none(found: Sequence[Finding], *, package: Package, doing: str) -> None:
    """Raises ``CannotStart`` with all findings in one message."""
    if not found:
        return
    sentences = " ".join(finding.message for finding in found)
    raise CannotStart(f"“{package}” cannot be {doing}. {sentences}", findings=found)


def enabled_lines(package: Package) -> list[PackageLine]:
    """The lines a run executes, in their order; *Always* lines last."""
    return list(package.lines.filter(enabled=True).select_related("entry"))


def identity_of(package: Package, *, actor: Actor, activating: bool) -> Any:
    """In whose name a run executes: Run As User, else who activates or last activated the package, else the actor."""
    if package.run_as_user is not None:
        return package.run_as_user
    if activating or package.identity is None:
        return actor.user
    return package.identity


def identity_findings(package: Package, identity: Any, lines: Sequence[PackageLine]) -> list[Finding]:
    """What keeps the identity from running the lines: checked at activation and again at each run."""
    if identity is None:
        return []
    name = identity.get_username()
    if not identity.is_active:
        sentence = f"The user “{name}”, as whom the entries run, is disabled. Name another Run As User."
        return [Finding("identity_disabled", sentence)]
    if not companies.may_enter(identity, package.company):
        sentence = f"“{name}”, as whom the entries run, may not work in the company “{package.company}”."
        return [Finding("identity_company", sentence)]
    return [
        Finding(
            "identity_forbidden",
            f"Line {line}: “{name}”, as whom the entries run, may not run “{job.caption}”: the permission "
            f"“{job.permission}” is missing.",
            line.run_order,
            str(line.uuid),
        )
        for line, job in _forbidden(identity, lines)
    ]


def _line_findings(package: Package, lines: Sequence[PackageLine], *, now: datetime) -> Iterator[Finding]:
    if not lines:
        yield Finding(
            "no_enabled_line", "No line is enabled. Add a job with Set Job Queues, or enable a line."
        )
    orders = Counter((line.run_order, line.always) for line in lines)
    for line in lines:
        if line.run_order < 1:
            sentence = f"Line {line}: the run order must be 1 or higher."
            yield Finding("run_order", sentence, line.run_order, str(line.uuid))
        if orders[(line.run_order, line.always)] > 1 and not package.run_equal_orders_together:
            sentence = (
                f"Line {line}: the run order {line.run_order} is given twice. Give each line its own, or turn on "
                "Run Equal Orders Together."
            )
            yield Finding("run_order_twice", sentence, line.run_order, str(line.uuid))
        for problem in problems_of(line.entry, by_code=True, changed=(), now=now):
            yield Finding(problem.code, f"Line {line}: {problem.message}", line.run_order, str(line.uuid))


def _schedule_findings(package: Package, *, now: datetime) -> Iterator[Finding]:
    for recurrence in package.recurrences.filter(enabled=True):
        try:
            rule_from(recurrence, time_zone=package.time_zone)
        except ScheduleError as error:
            yield Finding(error.code, f"A recurrence cannot be read: {error.message}")
    if next_due_of(package, after=now) is None:
        yield Finding("never_runs", NOTHING_RUNS)


def _actor_findings(package: Package, actor: Actor, lines: Sequence[PackageLine]) -> Iterator[Finding]:
    if not may(actor, "operate", package.company):
        yield Finding("not_allowed", f"“{actor.name}” may not {WORDS['operate']}.")
    if actor.user is None:
        return
    for line, job in _forbidden(actor.user, lines):
        sentence = (
            f"Line {line}: you (“{actor.name}”) may not run “{job.caption}”: the permission “{job.permission}” "
            "is missing."
        )
        yield Finding("actor_forbidden", sentence, line.run_order, str(line.uuid))


def _forbidden(user: Any, lines: Sequence[PackageLine]) -> Iterator[tuple[PackageLine, Any]]:
    for line in lines:
        job = registry.find(line.entry.object_type, line.entry.object_id)
        if job is not None and not job_permissions.may_run(user, job):
            yield line, job


def _job_of(line: PackageLine) -> tuple[int, int, str, str]:
    entry = line.entry
    return entry.object_type, entry.object_id, entry.parameter_string, repr(sorted(entry.parameters.items()))


def _notification_warnings(package: Package) -> Iterator[Finding]:
    told: set[str] = set()
    any_line = False
    for notification_list in lists.lists_of(package):
        if not notification_list.is_enabled:
            continue
        for line in notification_list.lines.all():
            any_line = True
            told.add(line.scenario)
    if not any_line:
        yield Finding("nobody_listed", "The notification list is empty: nobody of your choice gets a mail.")
        return
    wanted = [scenarios.ON_ERROR]
    if package.on_error != OnError.CONTINUE:
        wanted.append(scenarios.ON_STOP)
    if not told & {*(one.code for one in wanted), scenarios.ON_COMPLETION.code}:
        words = " or ".join(one.caption for one in wanted)
        yield Finding("no_failure_line", f"Nobody is listed for {words}.")
