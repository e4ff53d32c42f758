"""The doctor's checks: any app adds its own with :func:`check` in a module its ``AppConfig.ready`` imports."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from django.db import connection, transaction

logger = logging.getLogger(__name__)

GROUND = "Database"


class State(StrEnum):
    """How grave a finding is; a failure keeps work from being done, a warning may do so one day."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Result:
    """One finding: a sentence with the fact, and what to do about it where something is to be done."""

    state: State
    sentence: str
    fix: str = ""
    name: str = ""


Check = Callable[[], Iterable[Result]]


@dataclass(frozen=True, slots=True)
class _Registered:
    function: Check
    needs_database: bool
    rank: int


_checks: dict[str, _Registered] = {}


def check(name: str, *, needs_database: bool = True, rank: int = 100) -> Callable[[Check], Check]:
    """Registers a check under the name shown to people; registering a name again replaces it.

    Checks are shown by ``rank``: what the rest stands on first. The function takes nothing, changes nothing and yields
    at least one result. One that needs the database is left out while the database cannot be used. An exception
    becomes a failure of that check alone.
    """

    def register(function: Check) -> Check:
        _checks[name] = _Registered(function, needs_database, rank)
        return function

    return register


def ok(sentence: str) -> Result:
    return Result(State.OK, sentence)


def warning(sentence: str, *, fix: str) -> Result:
    return Result(State.WARNING, sentence, fix)


def failure(sentence: str, *, fix: str) -> Result:
    return Result(State.FAILURE, sentence, fix)


def examine() -> list[Result]:
    """Runs every check and returns all findings in their order."""
    found: list[Result] = []
    left_out = 0
    for name, registered in sorted(_checks.items(), key=lambda item: item[1].rank):
        if left_out and registered.needs_database:
            left_out += 1
            continue
        results = [replace(result, name=name) for result in _run(registered.function)]
        found.extend(results)
        if name == GROUND and any(result.state is State.FAILURE for result in results):
            left_out = 1
    if left_out > 1:
        sentence = f"{left_out - 1} checks need the database and were left out."
        found.append(Result(State.WARNING, sentence, "Put the database right first.", "Left out"))
    return found


def worst(results: Iterable[Result]) -> State:
    """The gravest state among the findings."""
    order = list(State)
    return max((result.state for result in results), key=order.index, default=State.OK)


def summary(results: Iterable[Result]) -> str:
    """The findings counted: “1 failure, 2 warnings, 14 in order.”"""
    counts = Counter(result.state for result in results)
    words = [
        f"{counts[state]} {state}{'' if counts[state] == 1 else 's'}"
        for state in (State.FAILURE, State.WARNING)
        if counts[state]
    ]
    return f"{', '.join([*words, f'{counts[State.OK]} in order'])}."


def _run(function: Check) -> list[Result]:
    try:
        if connection.in_atomic_block:
            with transaction.atomic():
                return list(function())
        return list(function())
    except Exception as error:
        logger.info("The check %s failed.", function.__name__, exc_info=True)
        return [
            failure(
                f"The check itself failed: {_one_line(error)}",
                fix="Repair what the message names; if it says nothing to you, report it.",
            )
        ]


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
