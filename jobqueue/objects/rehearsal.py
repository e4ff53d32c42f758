"""Running a job object without a queue, for its tests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from jobqueue.objects.entry_view import EntryView
from jobqueue.objects.job_object import JobObject
from jobqueue.objects.run import Run
from jobqueue.objects.sink import MemorySink, RunSink


def make_run(
    *,
    parameters: Any = None,
    sink: RunSink | None = None,
    now: datetime | None = None,
    caption: str = "",
    **entry: Any,
) -> Run[Any]:
    """A run for tests of job objects; ``entry`` takes the values of :class:`EntryView`."""
    view = EntryView(**{"id": UUID(int=0), **entry})
    return Run(
        entry=view,
        parameters=parameters,
        sink=sink if sink is not None else MemorySink(),
        now=now or datetime.now(UTC),
        caption=caption,
    )


def rehearse(
    job_object: JobObject,
    *,
    parameters: Mapping[str, Any] | None = None,
    parameter_string: str = "",
    now: datetime | None = None,
    **entry: Any,
) -> Run[Any]:
    """Executes an object as the dispatcher would, with everything it writes kept in ``run.sink``.

    ``parameters`` are JSON values, read and refused as for an entry; ``entry`` takes other values of
    :class:`EntryView`, for example ``user_id`` or ``record_to_process``. What the object raises goes to the caller.
    """
    run = make_run(
        parameters=job_object.parse(parameter_string, parameters),
        now=now,
        caption=job_object.caption,
        **{
            "object_type": job_object.object_type,
            "object_id": job_object.object_id,
            "description": job_object.caption,
            "parameter_string": parameter_string,
            "report_output_type": job_object.default_output_type,
            **entry,
        },
    )
    job_object.execute(run)
    return run
