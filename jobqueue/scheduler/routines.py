"""The registry of routines: what a scheduled task may run. Tasks store names, never paths of code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from jobqueue.scheduler.errors import UnknownRoutine
from jobqueue.scheduler.tasks import ClaimedTask

F = TypeVar("F", bound=Callable[[Any], None])
Prepare = Callable[[Sequence[ClaimedTask]], Mapping[UUID, Any]]


@dataclass(frozen=True, slots=True)
class Routine:
    """A registered routine and how the scheduler treats it."""

    name: str
    function: Callable[[Any], None]
    idempotent: bool = False
    self_managed: bool = False
    atomic: bool = False
    prepare: Prepare | None = None


_registry: dict[str, Routine] = {}


def routine(
    name: str,
    *,
    idempotent: bool = False,
    self_managed: bool = False,
    atomic: bool = False,
    prepare: Prepare | None = None,
) -> Callable[[F], F]:
    """Registers a function as the routine ``name`` (at most 60 characters).

    A plain routine receives a ``RunningTask``: the scheduler has stamped the start and records the finish after it.

    ``idempotent``: may run again, so a failed or lost run is first retried on the platform's schedule.
    ``self_managed``: receives a ``ClaimedTask`` before any start and does start and finish itself.
    ``atomic``: the routine and its finish commit in one transaction; its effects happen exactly once. Failure routines
    are always treated so.
    ``prepare``: of a self-managed routine, looks up at once what several claims are about; by task id it reaches their
    ``turn.prepared``. By then it may have changed: only what is guarded at the start may rely on it.
    """

    def register(function: F) -> F:
        if len(name) > 60:
            raise ValueError(f"The routine name {name!r} is longer than 60 characters.")
        known = _registry.get(name)
        if known is not None and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"The routine name {name!r} is already registered.")
        _registry[name] = Routine(name, function, idempotent, self_managed, atomic, prepare)
        return function

    return register


def get_routine(name: str) -> Routine:
    """The routine of that name; raises ``UnknownRoutine`` (non-retriable) if no installed app registers it."""
    try:
        return _registry[name]
    except KeyError:
        raise UnknownRoutine(f"No installed app registers the routine “{name}”.") from None


def is_registered(name: str) -> bool:
    return name in _registry
