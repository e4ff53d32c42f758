"""The registry of job objects: what entries can run. Codeunits and reports count their ids separately."""

from collections.abc import Iterator
from contextlib import contextmanager

from jobqueue.errors import UnknownObject
from jobqueue.objects.errors import BadJobObject
from jobqueue.objects.job_object import JobObject
from jobqueue.states import ObjectType

_objects: dict[tuple[int, int], JobObject] = {}


def add(job_object: JobObject) -> None:
    """Registers an object. Raises ``BadJobObject`` if another function has its type and id; the first one stays."""
    key = (int(job_object.object_type), job_object.object_id)
    known = _objects.get(key)
    if known is not None and known.place != job_object.place:
        raise BadJobObject(
            f"{job_object.object_type.label} {job_object.object_id} is registered by {known.place} and again by "
            f"{job_object.place}. Give one of them another id."
        )
    _objects[key] = job_object


def find(object_type: int, object_id: int) -> JobObject | None:
    return _objects.get((object_type, object_id))


def get(object_type: int, object_id: int) -> JobObject:
    """The object; raises ``UnknownObject`` (non-retriable) if no installed app registers it."""
    found = _objects.get((object_type, object_id))
    if found is None:
        kind = ObjectType(object_type).label if object_type in set(ObjectType) else "Object"
        raise UnknownObject(
            f"{kind} {object_id} is not registered by any installed app. "
            "Install the app that brings it, or choose another object."
        )
    return found


def all() -> list[JobObject]:
    """Every registered object, by type and id."""
    return [_objects[key] for key in sorted(_objects)]


@contextmanager
def isolated(*, empty: bool = True) -> Iterator[None]:
    """For tests: registrations inside the block are forgotten after it; it starts without any object if ``empty``."""
    kept = dict(_objects)
    if empty:
        _objects.clear()
    try:
        yield
    finally:
        _objects.clear()
        _objects.update(kept)
