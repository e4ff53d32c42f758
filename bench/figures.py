"""Arithmetic over measurements, and the judgement by floors and goals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Throughput:
    """One contender on one database, one round: ``jobs`` settled in ``seconds``; ``cpu_ms`` is the processor time of
    one job, of the contender's ``own`` processes and of ``servers``."""

    contender: str
    database: str
    round: int
    jobs: int
    seconds: float
    cpu_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.jobs / self.seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from due (or asked for) to start. ``load`` is “idle”, “loaded” or “recurring”, ``kind`` what the
    clock starts with: “due time”, “Run Now”, “asked for”."""

    contender: str
    database: str
    load: str
    kind: str
    samples_ms: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        return percentile(self.samples_ms, percent)


@dataclass(frozen=True, slots=True)
class Size:
    """Any other figure; ``value`` in ``unit``."""

    name: str
    database: str
    value: float
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside its floor and its goal. ``at_least`` says which side is good; a goal of None is no other than the
    floor."""

    name: str
    value: float
    floor: float
    goal: float | None
    unit: str
    at_least: bool
    note: str = ""

    @property
    def met(self) -> bool:
        return self._reaches(self.floor)

    @property
    def goal_met(self) -> bool:
        return self._reaches(self.floor if self.goal is None else self.goal)

    @property
    def words(self) -> str:
        if not self.met:
            return "MISSED"
        if self.goal is None:
            return "met"
        return "goal met" if self.goal_met else "floor met"

    def _reaches(self, wanted: float) -> bool:
        return self.value >= wanted if self.at_least else self.value <= wanted


@dataclass(slots=True)
class Findings:
    """Everything one run has measured."""

    throughputs: list[Throughput] = field(default_factory=list)
    latencies: list[Latency] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "throughput": [asdict(one) for one in self.throughputs],
            "latency": [asdict(one) for one in self.latencies],
            "size": [asdict(one) for one in self.sizes],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Findings":
        return cls(
            [Throughput(**one) for one in stored["throughput"]],
            [Latency(**{**one, "samples_ms": tuple(one["samples_ms"])}) for one in stored["latency"]],
            [Size(**one) for one in stored["size"]],
        )


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least ``percent`` per cent do not exceed (nearest rank)."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def rates(measured: Sequence[Throughput], *, contender: str, database: str) -> list[float]:
    """Jobs per second of each round."""
    return [one.per_second for one in measured if (one.contender, one.database) == (contender, database)]


def median_rate(measured: Sequence[Throughput], *, contender: str, database: str) -> float | None:
    """Median jobs per second over the rounds, None if the contender did not run there."""
    found = rates(measured, contender=contender, database=database)
    return median(found) if found else None


def median_cpu(measured: Sequence[Throughput], *, contender: str, database: str) -> dict[str, float]:
    """Median processor milliseconds of a job, ``own`` and ``servers``; empty if not measured."""
    found = [
        one.cpu_ms
        for one in measured
        if (one.contender, one.database) == (contender, database) and one.cpu_ms
    ]
    return {part: median(one[part] for one in found) for part in ("own", "servers")} if found else {}


def ratios(measured: Sequence[Throughput], *, ours: str, peer: str, database: str) -> list[float]:
    """Ours ÷ peer for each round in which both ran on ``database``."""
    by_round: dict[int, dict[str, float]] = {}
    for one in measured:
        if one.database == database:
            by_round.setdefault(one.round, {})[one.contender] = one.per_second
    return [
        found[ours] / found[peer] for _, found in sorted(by_round.items()) if {ours, peer} <= found.keys()
    ]


def ratio_verdict(
    measured: Sequence[Throughput], *, ours: str, peer: str, database: str, floor: float, goal: float
) -> Verdict | None:
    """“Median of ours against median of ``peer``”; None if one of them was not measured."""
    own, other = (median_rate(measured, contender=name, database=database) for name in (ours, peer))
    if own is None or other is None:
        return None
    each = ratios(measured, ours=ours, peer=peer, database=database)
    note = f"rounds {min(each):.2f}–{max(each):.2f}"
    return Verdict(f"{database}: {ours} against {peer}", own / other, floor, goal, "×", True, note)
