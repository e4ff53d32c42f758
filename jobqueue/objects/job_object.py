"""The job object: a registered Python function an entry can run, with everything the product knows about it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jobqueue.errors import InvalidParameters, Problem
from jobqueue.objects import documents
from jobqueue.objects import parameters as typed
from jobqueue.objects.errors import BadJobObject, RunFailure
from jobqueue.objects.failures import FailureRoutine, find_failure_routine
from jobqueue.objects.tables import Table
from jobqueue.states import Level, ObjectType, OutputType

if TYPE_CHECKING:
    from jobqueue.objects.run import Run

RESERVED_IDS = range(1, 50_000)
"""Object ids of the product itself; own objects start at 50,000."""

MAX_TIMEOUT_SECONDS = 86_399
_NO_PARAMETERS = typed.NoParameters()


@dataclass(frozen=True, eq=False)
class JobObject:
    """A codeunit or report. Build one with ``@codeunit`` or ``@report``; look one up in ``objects.registry``.

    ``permission`` is ``app.codename``; None means that every user who may work with the queue may run the object.
    ``timeout_seconds``, ``category``, ``max_attempts`` and ``rerun_delay_seconds`` are what new entries start with.
    ``atomic``: the work, its ledger row and the next schedule commit in one transaction.
    """

    object_type: ObjectType
    object_id: int
    caption: str
    function: Callable[["Run[Any]"], Any]
    help: str = ""
    parameters_type: type | None = None
    parse_parameter_string: Callable[[str], Mapping[str, Any]] | None = None
    permission: str | None = None
    category: str = ""
    timeout_seconds: int | None = None
    atomic: bool = False
    failure_routine: str | FailureRoutine | None = None
    max_attempts: int | None = None
    rerun_delay_seconds: int | None = None
    output_types: tuple[OutputType, ...] = ()
    processing_only: bool = False
    parameter_fields: tuple[typed.ParameterField, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        _check_declaration(self)
        fields = typed.fields_of(self.parameters_type, owner=self.name)
        object.__setattr__(self, "parameter_fields", fields)

    def __str__(self) -> str:
        return self.caption

    @cached_property
    def name(self) -> str:
        """How messages name the object, for example: Codeunit 50100 “Import orders”."""
        return f"{self.object_type.label} {self.object_id} “{self.caption}”"

    @property
    def place(self) -> str:
        """Where the function is defined, for messages to developers."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def failure(self) -> FailureRoutine | None:
        """The object's own failure routine, or None. An unknown name gives None; a system check reports it."""
        known = self.failure_routine
        return find_failure_routine(known) if isinstance(known, str) else known

    @property
    def defaults(self) -> dict[str, Any]:
        """Entry fields a new entry of this object starts with; only what the object declares."""
        found = {
            "category_code": self.category or None,
            "timeout_seconds": self.timeout_seconds,
            "max_attempts": self.max_attempts,
            "rerun_delay_seconds": self.rerun_delay_seconds,
            "report_output_type": self.default_output_type if self.object_type == ObjectType.REPORT else None,
        }
        return {key: value for key, value in found.items() if value is not None}

    @property
    def default_output_type(self) -> OutputType:
        return documents.default_output_type(self.output_types, processing_only=self.processing_only)

    def require_output_type(self, output_type: int) -> None:
        """Raises ``Refused`` unless a report can be run with the output type; codeunits ignore it."""
        if self.object_type == ObjectType.REPORT:
            documents.require_output_type(
                OutputType(output_type),
                caption=self.caption,
                output_types=self.output_types,
                processing_only=self.processing_only,
            )

    def schema(self) -> list[dict[str, Any]]:
        """The parameters for forms and the API: name, type, words, required, nullable, default, choices, limits."""
        return [item.schema() for item in self.parameter_fields]

    def parse(self, parameter_string: str = "", parameters: Mapping[str, Any] | None = None) -> Any:
        """The typed parameters of a run.

        If the object reads the parameter string, what it finds there counts unless ``parameters`` says otherwise.
        Raises ``InvalidParameters`` naming object, parameter, reason and next step, all problems together.
        """
        if self.parameters_type is None and not parameters:
            return _NO_PARAMETERS
        found = dict(parameters) if isinstance(parameters, Mapping) else parameters or {}
        if self.parse_parameter_string is not None and parameter_string and isinstance(found, dict):
            found = self._read_parameter_string(parameter_string) | found
        return typed.parse(self.parameters_type, found, fields=self.parameter_fields, owner=self.name)

    def execute(self, run: "Run[Any]") -> None:
        """Runs the object and hands over what it leaves: documents returned by a report, and collected errors.

        Raises what the function raises, ``CollectedErrors`` if the run collected errors, and ``Refused`` if a report
        does not offer the entry's output type.
        """
        if self.object_type == ObjectType.REPORT:
            self.require_output_type(run.output_type)
            self._hand_over(run, self.function(run))
        else:
            self.function(run)
        run.finish()

    def _hand_over(self, run: "Run[Any]", left: Any) -> None:
        for item in left if isinstance(left, (list, tuple)) else [left]:
            if isinstance(item, Table):
                run.add_table(item)
            elif item is not None:
                run.add_document(item)
        if not run.document_count and not self.processing_only:
            run.log("The report left no document.", level=Level.WARNING)

    def call_failure(self, run: "Run[Any]", failure: RunFailure) -> None:
        """Calls the object's own failure routine, if it has one; what that raises goes to the caller."""
        routine = self.failure
        if routine is not None:
            routine(run, failure)

    def _read_parameter_string(self, text: str) -> dict[str, Any]:
        try:
            return dict(self.parse_parameter_string(text))
        except ValueError as error:
            message = f"{self.name}: the parameter string “{text}” cannot be read: {error}"
            problems = [Problem("parameter_string", "parameter_string", message)]
            raise InvalidParameters(message, problems=problems) from None


def _check_declaration(item: JobObject) -> None:
    """Refuses what can never work, while the module is being imported."""
    name = f"{item.object_type.label} {item.object_id} ({item.place})"
    for wrong, text in (
        (
            type(item.object_id) is not int or not 1 <= item.object_id < 2**31,
            "the id must be a whole number from 1.",
        ),
        (not item.caption or len(item.caption) > 250, "give it a caption of at most 250 characters."),
        (
            item.permission is not None and item.permission.count(".") != 1,
            f"the permission “{item.permission}” must be written app.codename.",
        ),
        (len(item.category) > 10, f"the category “{item.category}” is longer than 10 characters."),
        (
            item.timeout_seconds is not None and not 1 <= item.timeout_seconds <= MAX_TIMEOUT_SECONDS,
            f"the timeout must be 1 to {MAX_TIMEOUT_SECONDS} seconds.",
        ),
        (item.max_attempts is not None and not 0 <= item.max_attempts <= 10, "max_attempts must be 0 to 10."),
        (
            item.rerun_delay_seconds is not None and not 0 <= item.rerun_delay_seconds <= 3600,
            "rerun_delay_seconds must be 0 to 3600.",
        ),
        (
            inspect.iscoroutinefunction(item.function),
            "the function must not be async; jobs run in a worker process.",
        ),
        (not _takes_a_run(item.function), "the function must take exactly one argument: the run."),
        (
            not set(item.output_types) <= documents.PRODUCIBLE,
            "output_types may name PDF and CSV; other kinds of document have no writer yet.",
        ),
        (
            item.object_type == ObjectType.REPORT and item.processing_only == bool(item.output_types),
            "a report either names output_types or is processing_only.",
        ),
    ):
        if wrong:
            raise BadJobObject(f"{name}: {text}")


def _takes_a_run(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError):
        return False
    return True
