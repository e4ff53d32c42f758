"""Where a run writes to while it works: log lines, progress and documents."""

from typing import Protocol

from jobqueue.objects.documents import Document
from jobqueue.states import Level

LINE_LENGTH = 2048
"""Characters a log line keeps."""


class RunSink(Protocol):
    """Receives what a run writes. The worker's implementation stores it; tests use :class:`MemorySink`."""

    def line(self, level: Level, text: str) -> None:
        """One log line of at most 2,048 characters."""

    def progress(self, done: int, total: int | None) -> None:
        """How far the run is; ``total`` is None when unknown."""

    def document(self, document: Document) -> None:
        """One document for the report inbox of the running user."""


class MemorySink:
    """Keeps everything in lists, for tests of job objects."""

    def __init__(self) -> None:
        self.lines: list[tuple[Level, str]] = []
        self.progress_steps: list[tuple[int, int | None]] = []
        self.documents: list[Document] = []

    @property
    def texts(self) -> list[str]:
        return [text for _level, text in self.lines]

    def line(self, level: Level, text: str) -> None:
        self.lines.append((level, text))

    def progress(self, done: int, total: int | None) -> None:
        self.progress_steps.append((done, total))

    def document(self, document: Document) -> None:
        self.documents.append(document)
