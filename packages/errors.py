"""The refusals of packages: each says what was refused, why, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobqueue.errors import Problem, Refused


class PackageLocked(Refused):
    """Something of a package was to be changed while it is Active or a run is open."""

    code = "package_locked"


class PackageChangedMeanwhile(Refused):
    """Somebody else changed the package since it was read."""

    code = "changed_meanwhile"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands against activating or running. ``line`` is a run order, None for the whole package."""

    code: str
    message: str
    line: int | None = None
    line_uuid: str = ""

    def __str__(self) -> str:
        return self.message


class CannotStart(Refused):
    """Guards stand against Set Active or Run Now; ``findings`` holds all of them, in the order of the lines."""

    code = "cannot_start"

    def __init__(self, message: str, *, findings: Sequence[Finding], code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.findings = tuple(findings)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The findings as the API lists them; those of a line name it by its run order."""
        return tuple(
            Problem("" if one.line is None else f"lines[run_order={one.line}]", one.code, one.message)
            for one in self.findings
        )
