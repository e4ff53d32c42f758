"""Reading and checking what people hand in for a monitored job."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.lifecycle.guards import require_runnable_by, words
from jobqueue.models import Company, Entry
from jobqueue.permissions import may, may_act_as, require
from jobqueue.validation import REACHING_THE_JOB, labels
from refresher.models import MonitoredJob, Runner
from refresher.runners import operational_problems
from refresher.templates import BESIDE

NOT_RECURRING = "Only recurring jobs can be monitored. Choose weekdays or a next run date formula."


def split(
    values: Mapping[str, Any], *, company: Company
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """Parts ``values`` into those of the entry and those beside it; the latter are read and checked."""
    own = (*BESIDE, "runner")
    of_entry = {name: value for name, value in values.items() if name not in own}
    beside: dict[str, Any] = {}
    problems: list[Problem] = []
    for name in own:
        if name not in values:
            continue
        if name == "runner":
            problems += runner_problems(values[name], company=company)
            beside[name] = values[name]
            continue
        try:
            beside[name] = _read(name, values[name])
        except ValidationError as error:
            problems.append(Problem(name, "invalid", f"{beside_label(name)}: {' '.join(error.messages)}"))
    return of_entry, beside, problems


def require_answerable(
    job: MonitoredJob, shaped: Entry, changed: frozenset[str] | set[str], *, actor: Actor
) -> None:
    """Raises ``NotAllowed`` unless the actor may decide what the changes make run, and as whom.

    Who runs a job is for administrators. What reaches the job of an assigned runner is for them, too, or for somebody
    who may act as that runner; otherwise the actor must be allowed to run the object.
    Source: *Decisions, Identity and permissions*.
    """
    if "runner" in changed:
        require(actor, "administer", job.company)
    reaching = changed & REACHING_THE_JOB
    if not reaching:
        return
    require_runnable_by(actor.user, shaped)
    if job.runner is None or may_act_as(actor.user, job.runner.user):
        return
    if not may(actor, "administer", job.company):
        raise NotAllowed(
            f"“{job}” runs as the runner user “{job.runner.name}”; {labels(reaching)} can be changed only by an "
            "administrator. Ask one, or have the runner taken off the job."
        )


def runner_problems(runner: Any, *, company: Company) -> list[Problem]:
    """Everything against assigning the runner; None, the default runner, is always allowed."""
    if runner is None:
        return []
    if not isinstance(runner, Runner):
        sentence = f"“{runner}” is no registered runner user. Choose one from the list, or register it first."
        return [Problem("runner", "unknown_runner", sentence)]
    found = operational_problems(runner, company=company)
    return [Problem("runner", "runner_not_operational", sentence) for sentence in found]


def require_recurring(entry: Entry) -> None:
    """Raises ``Invalid`` for an entry that runs once."""
    if not entry.recurring:
        name = words(entry) if entry.pk is not None else f"“{entry}”"
        sentence = f"{name} runs once. {NOT_RECURRING}"
        raise Invalid([Problem("run_on_mondays", "not_recurring", sentence)])


def _read(name: str, value: Any) -> Any:
    field: Any = MonitoredJob._meta.get_field(name)
    if value in (None, ""):
        return field.get_default()
    return field.clean(value, None)


def beside_label(name: str) -> str:
    """The name of a field the entry does not have, as screens show it."""
    field: Any = MonitoredJob._meta.get_field(name)
    text = str(field.verbose_name)
    return text[:1].upper() + text[1:]
