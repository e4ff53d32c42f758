"""The gantt of a run: when each line waited, ran or was left out, drawn by the server as bars on one time scale.

Plain arithmetic: positions are thousandths of the chart's width, so the page needs neither scripts nor styles of its
own to place them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobqueue.admin.words import seconds_in_words
from packages.states import FAILED, NOT_EXECUTED, Result

WIDTH = 1_000
NARROWEST = 6  # a run of a few milliseconds is still seen
PARTS = 4
SHORTEST = timedelta(milliseconds=100)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a line: ``look`` is wait, run, done, error or hatched; ``title`` says it in words."""

    look: str
    x: int
    width: int
    title: str


@dataclass(frozen=True, slots=True)
class Span:
    """One attempt: from its start to its end, or until now."""

    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """What the chart needs to know of a line."""

    result: str
    released_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    attempts: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """The time the chart shows, at least a tenth of a second."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return max(self.end - self.start, SHORTEST)

    def x(self, moment: datetime) -> int:
        return max(0, min(WIDTH, round(WIDTH * ((moment - self.start) / self.length))))

    def ticks(self) -> list[str]:
        """Labels at equal distances: the time passed since the start."""
        total = self.length.total_seconds()
        if total < 2 * PARTS:
            places = 1 if total >= PARTS else 2
            return [f"{total * part / PARTS:.{places}f} s" if part else "0" for part in range(PARTS + 1)]
        return [seconds_in_words(round(total * part / PARTS)) if part else "0" for part in range(PARTS + 1)]


def scale_of(
    lines: Sequence[Timed], *, started_at: datetime, ended_at: datetime | None, now: datetime
) -> Scale:
    """From the start of the run to its end, or to now while it is open."""
    ends = [moment for line in lines for moment in (line.ended_at,) if moment is not None]
    return Scale(started_at, ended_at or max([now, *ends]))


def bars(line: Timed, *, scale: Scale, now: datetime) -> list[Bar]:
    """Light while it waits for its turn or the next attempt, solid while it runs, hatched if it was left out."""
    if line.result in NOT_EXECUTED:
        return [Bar("hatched", 0, WIDTH, Result(line.result).label)]
    spans = line.attempts or _whole(line)
    found: list[Bar] = []
    waiting_since = line.released_at
    for number, span in enumerate(spans, start=1):
        if waiting_since is not None and waiting_since < span.started_at:
            found.append(_bar("wait", waiting_since, span.started_at, scale=scale, title="Waited"))
        end = span.ended_at or now
        is_last = number == len(spans)
        found.append(
            _bar(_look(line, is_last=is_last, span=span), span.started_at, end, scale=scale, title="Ran")
        )
        waiting_since = span.ended_at
    if (
        waiting_since is not None
        and line.ended_at is None
        and line.result in (Result.WAITING, Result.IN_PROCESS)
    ):
        found.append(_bar("wait", waiting_since, now, scale=scale, title="Waits"))
    return found


def _whole(line: Timed) -> tuple[Span, ...]:
    return (Span(line.started_at, line.ended_at),) if line.started_at is not None else ()


def _look(line: Timed, *, is_last: bool, span: Span) -> str:
    if span.ended_at is None and line.ended_at is None:
        return "run"
    failed = (
        line.result in FAILED or not is_last
    )  # every attempt but the last one failed, or there were no more
    return "error" if failed else "done"


def _bar(look: str, start: datetime, end: datetime, *, scale: Scale, title: str) -> Bar:
    left = min(scale.x(start), WIDTH - NARROWEST)
    width = max(NARROWEST if look != "wait" else 0, scale.x(end) - left)
    took = (
        seconds_in_words(round((end - start).total_seconds())) if end - start >= SECOND else "under a second"
    )
    return Bar(look, left, min(width, WIDTH - left), f"{title} {took}")
