"""Failure routines of job objects: what an object itself does after one of its runs failed.

A failure routine is called as ``routine(run, failure)`` in a new session, after the error handler recorded the failed
attempt, on every attempt (``failure.final`` tells the last). It runs isolated: what it raises is logged and changes
neither the record of the failure nor the retry. It may write log lines; documents and ``set_inactive`` have no effect.
Use it to undo or to tell somebody, never to decide about the retry.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jobqueue.objects.errors import BadJobObject, RunFailure

if TYPE_CHECKING:
    from jobqueue.objects.run import Run

FailureRoutine = Callable[["Run[Any]", RunFailure], None]

_routines: dict[str, FailureRoutine] = {}


def failure_routine(name: str) -> Callable[[FailureRoutine], FailureRoutine]:
    """Registers a failure routine that several objects may name: ``failure="orders.undo"``."""

    def register(function: FailureRoutine) -> FailureRoutine:
        known = _routines.get(name)
        if known is not None and _place(known) != _place(function):
            raise BadJobObject(
                f"The failure routine “{name}” is registered by {_place(known)} and again by {_place(function)}. "
                "Give one of them another name."
            )
        _routines[name] = function
        return function

    return register


def find_failure_routine(name: str) -> FailureRoutine | None:
    return _routines.get(name)


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
