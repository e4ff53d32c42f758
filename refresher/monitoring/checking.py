"""Reading and checking what people hand in for a monitored job."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from jobqueue.errors import Invalid, Problem
from jobqueue.lifecycle.guards import words
from jobqueue.models import Company, Entry
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
