"""Documents a report leaves, and which kinds of document a report may be asked for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from jobqueue.errors import Refused
from jobqueue.states import OutputType

CONTENT_TYPES = {OutputType.PDF: "application/pdf", OutputType.CSV: "text/csv; charset=utf-8"}
EXTENSIONS = {OutputType.PDF: ".pdf", OutputType.CSV: ".csv"}
PRODUCIBLE = frozenset(CONTENT_TYPES)
"""Output types a report can produce at present; None (Processing only) comes on top for processing-only reports."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_NAME_LENGTH = 250


@dataclass(frozen=True, slots=True)
class Document:
    """One finished document: what it is called, what it is, and its bytes."""

    file_name: str
    content_type: str
    content: bytes
    output_type: OutputType

    def __post_init__(self) -> None:
        object.__setattr__(self, "file_name", safe_file_name(self.file_name))
        object.__setattr__(self, "content", bytes(self.content))


def safe_file_name(name: str) -> str:
    """The name without folders and signs file systems refuse, at most 250 characters, never empty."""
    cleaned = _UNSAFE.sub("_", name).strip(". ") or "document"
    if len(cleaned) <= _NAME_LENGTH:
        return cleaned
    stem, dot, extension = cleaned.rpartition(".")
    if not dot or len(extension) > 10:
        return cleaned[:_NAME_LENGTH]
    return f"{stem[: _NAME_LENGTH - len(extension) - 1]}.{extension}"


def default_output_type(output_types: Iterable[OutputType], *, processing_only: bool) -> OutputType:
    """The output type a new entry of the report starts with (*Job queue reference, Reports*)."""
    return OutputType.NONE if processing_only else next(iter(output_types), OutputType.PDF)


def require_output_type(
    output_type: OutputType, *, caption: str, output_types: Iterable[OutputType], processing_only: bool
) -> None:
    """Raises ``Refused`` unless the report can be run with the output type (*Job queue reference, Reports*)."""
    if processing_only:
        if output_type != OutputType.NONE:
            raise Refused(
                f"The report “{caption}” only processes data. Choose the output type {OutputType.NONE.label}.",
                code="output_type",
            )
        return
    allowed = list(output_types)
    if output_type in allowed:
        return
    words = " or ".join(item.label for item in allowed)
    if output_type == OutputType.NONE:
        reason = (
            f"The report “{caption}” produces something to look at and cannot run with {output_type.label}."
        )
    else:
        reason = f"The report “{caption}” cannot be produced as {output_type.label}."
    raise Refused(f"{reason} Choose {words}.", code="output_type")
