"""``@codeunit`` and ``@report``: registering a function as a job object, in any installed app's ``jobs.py``.

Ids 1 to 49,999 are reserved for the product; use 50,000 and above. Ids are stored in entries: never give a used id
another meaning. Mistakes raise ``BadJobObject`` while the module is imported.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from jobqueue.objects import registry
from jobqueue.objects.failures import FailureRoutine
from jobqueue.objects.job_object import JobObject
from jobqueue.states import ObjectType, OutputType

F = TypeVar("F", bound=Callable[..., Any])


def codeunit(
    object_id: int,
    caption: str,
    *,
    parameters: type | None = None,
    parse_parameter_string: Callable[[str], Mapping[str, Any]] | None = None,
    permission: str | None = None,
    category: str = "",
    timeout_seconds: int | None = None,
    atomic: bool = False,
    failure: str | FailureRoutine | None = None,
    max_attempts: int | None = None,
    rerun_delay_seconds: int | None = None,
) -> Callable[[F], F]:
    """Registers a function ``(run) -> None`` that does work without a screen.

    ``parameters``: frozen dataclass of typed parameters (``jobqueue.objects.parameters``).
    ``parse_parameter_string``: makes a dict of parameter values of the entry's free text; without it the text is
    ``run.parameter_string``. ``permission``: ``app.codename`` a user needs to run it. ``category`` (at most 10
    characters), ``timeout_seconds``, ``max_attempts`` and ``rerun_delay_seconds``: what new entries start with.
    ``atomic``: work, ledger row and next schedule commit in one transaction, so effects in this database happen exactly
    once. ``failure``: a function ``(run, failure) -> None`` or the name of one registered with ``failure_routine``.
    The function's docstring becomes the help text.
    """

    def register(function: F) -> F:
        registry.add(
            JobObject(
                object_type=ObjectType.CODEUNIT,
                object_id=object_id,
                caption=caption,
                function=function,
                help=inspect.getdoc(function) or "",
                parameters_type=parameters,
                parse_parameter_string=parse_parameter_string,
                permission=permission,
                category=category.strip().upper(),
                timeout_seconds=timeout_seconds,
                atomic=atomic,
                failure_routine=failure,
                max_attempts=max_attempts,
                rerun_delay_seconds=rerun_delay_seconds,
            )
        )
        return function

    return register


def report(
    object_id: int,
    caption: str,
    *,
    output_types: Sequence[OutputType] | None = None,
    processing_only: bool = False,
    parameters: type | None = None,
    parse_parameter_string: Callable[[str], Mapping[str, Any]] | None = None,
    permission: str | None = None,
    category: str = "",
    timeout_seconds: int | None = None,
    atomic: bool = False,
    failure: str | FailureRoutine | None = None,
    max_attempts: int | None = None,
    rerun_delay_seconds: int | None = None,
) -> Callable[[F], F]:
    """Registers a function that leaves documents in the running user's report inbox.

    The function returns a :class:`~jobqueue.objects.tables.Table` (written in the entry's output type), a
    :class:`~jobqueue.objects.documents.Document`, a list of them, or nothing; it may also call ``run.add_table`` and
    ``run.add_document``. ``output_types``: PDF and CSV unless given, the first is the default. ``processing_only``: it
    produces nothing to look at, and the only output type is *None (Processing only)*. Everything else as for
    :func:`codeunit`.
    """
    both = () if processing_only else (OutputType.PDF, OutputType.CSV)
    offered = both if output_types is None else tuple(output_types)

    def register(function: F) -> F:
        registry.add(
            JobObject(
                object_type=ObjectType.REPORT,
                object_id=object_id,
                caption=caption,
                function=function,
                help=inspect.getdoc(function) or "",
                parameters_type=parameters,
                parse_parameter_string=parse_parameter_string,
                permission=permission,
                category=category.strip().upper(),
                timeout_seconds=timeout_seconds,
                atomic=atomic,
                failure_routine=failure,
                max_attempts=max_attempts,
                rerun_delay_seconds=rerun_delay_seconds,
                output_types=offered,
                processing_only=processing_only,
            )
        )
        return function

    return register
