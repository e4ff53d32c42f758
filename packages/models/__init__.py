"""The rows of packages: packages with lines and recurrences, runs with their lines, status changes."""

from packages.models.package import Package, PackageLine, StatusChange
from packages.models.recurrence import Recurrence
from packages.models.run import Run, RunLine

__all__ = ["Package", "PackageLine", "Recurrence", "Run", "RunLine", "StatusChange"]
