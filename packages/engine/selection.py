"""Which lines a run executes: all, from one on, only some, or those a run to be resumed left. Pure decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from packages.models import PackageLine, Run
from packages.states import SUCCEEDED, Result


@dataclass(frozen=True, slots=True)
class Selection:
    """Says for each enabled line with what result it enters a run: Pending, Left Out or Taken Over."""

    result_of: Callable[[PackageLine], Result]


def all_lines() -> Selection:
    return Selection(lambda line: Result.PENDING)


def from_line_on(run_order: int) -> Selection:
    """Lines of that order and later ones; *Always* lines run in any case."""
    return Selection(
        lambda line: Result.PENDING if line.always or line.run_order >= run_order else Result.LEFT_OUT
    )


def only(keys: frozenset[int]) -> Selection:
    return Selection(lambda line: Result.PENDING if line.pk in keys else Result.LEFT_OUT)


def following(run: Run) -> Selection:
    """What resuming ``run`` executes: from the first ordinary line on that did not succeed.

    Lines of that line's own order that succeeded are taken over, too; *Always* lines run again.
    """
    lines = list(run.lines.all())
    results: Mapping[str, str] = {str(line.line_uuid): line.result for line in lines}
    unsuccessful = [line.run_order for line in lines if not line.always and _is_to_be_done(line.result)]
    first = min(unsuccessful, default=None)

    def result_of(line: PackageLine) -> Result:
        before = results.get(str(line.uuid), "")
        if before == Result.LEFT_OUT:
            return Result.LEFT_OUT
        if line.always:
            return Result.PENDING
        if first is None or line.run_order < first:
            return Result.TAKEN_OVER
        if line.run_order == first and before in SUCCEEDED:
            return Result.TAKEN_OVER
        return Result.PENDING

    return Selection(result_of)


def _is_to_be_done(result: str) -> bool:
    return result not in {*SUCCEEDED, Result.DISABLED, Result.LEFT_OUT}
