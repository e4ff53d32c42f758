"""Arithmetic over measurements: medians, percentiles, ratios, floors, and the table people read."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Throughput:
    """One contender on one database, one round: ``jobs`` settled in ``seconds``."""

    contender: str
    database: str
    round: int
    jobs: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.jobs / self.seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from due to start while the worker was idle. ``kind`` is “due time” or “Run Now”."""

    database: str
    kind: str
    samples_ms: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        return percentile(self.samples_ms, percent)


@dataclass(frozen=True, slots=True)
class Floor:
    """A figure that must be reached, and whether it was."""

    name: str
    wanted: str
    measured: str
    met: bool


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that at least ``percent`` per cent do not exceed (nearest rank)."""
    ranked = sorted(samples)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def median_rate(measured: Sequence[Throughput], *, contender: str, database: str) -> float | None:
    """Median jobs per second over the rounds, None if the contender did not run there."""
    rates = [one.per_second for one in measured if (one.contender, one.database) == (contender, database)]
    return median(rates) if rates else None


def ratios(measured: Sequence[Throughput], *, ours: str, peer: str, database: str) -> list[float]:
    """Ours ÷ peer for each round in which both ran on ``database``."""
    by_round: dict[int, dict[str, float]] = {}
    for one in measured:
        if one.database == database:
            by_round.setdefault(one.round, {})[one.contender] = one.per_second
    return [
        found[ours] / found[peer] for _, found in sorted(by_round.items()) if {ours, peer} <= found.keys()
    ]


def ratio_floor(
    measured: Sequence[Throughput], *, ours: str, peer: str, database: str, least: float
) -> Floor | None:
    """The floor “median of ours ≥ ``least`` × median of ``peer``”; None if one of them was not measured."""
    own, other = (median_rate(measured, contender=name, database=database) for name in (ours, peer))
    if own is None or other is None:
        return None
    per_round = ratios(measured, ours=ours, peer=peer, database=database)
    spread = f"rounds {min(per_round):.2f}–{max(per_round):.2f}"
    return Floor(
        f"{database}: {ours} against {peer}",
        f"≥ {least:g} ×",
        f"{own / other:.2f} × ({spread})",
        own / other >= least,
    )


def latency_floor(measured: Latency, *, most_ms: float) -> Floor:
    p95 = measured.percentile(95)
    return Floor(
        f"{measured.database}: due to start when idle, {measured.kind}",
        f"p95 ≤ {most_ms:g} ms",
        f"p95 {p95:.1f} ms",
        p95 <= most_ms,
    )


def report(throughputs: Sequence[Throughput], latencies: Sequence[Latency], floors: Sequence[Floor]) -> str:
    """The tables printed at the end."""
    lines = ["", "Jobs per second, settled (median of rounds; each round in brackets)"]
    for contender, database in dict.fromkeys((one.contender, one.database) for one in throughputs):
        rounds = [
            one.per_second for one in throughputs if (one.contender, one.database) == (contender, database)
        ]
        each = " ".join(f"{rate:.0f}" for rate in rounds)
        lines.append(f"  {database:<11} {contender:<16} {median(rounds):>7.0f}   ({each})")
    lines += [
        "",
        "Due to start when idle, milliseconds",
        f"  {'':<24} {'p50':>7} {'p95':>7} {'p99':>7}  samples",
    ]
    for one in latencies:
        values = " ".join(f"{one.percentile(percent):>7.1f}" for percent in (50, 95, 99))
        lines.append(f"  {one.database:<11} {one.kind:<12} {values}  {len(one.samples_ms)}")
    lines += ["", "Floors"]
    lines += [
        f"  {'pass' if floor.met else 'MISS'}  {floor.name}: {floor.wanted}, {floor.measured}"
        for floor in floors
    ]
    return "\n".join(lines)


def as_json(throughputs: Sequence[Throughput], latencies: Sequence[Latency], floors: Sequence[Floor]) -> dict:
    """The same for programs, with every single measurement."""
    return {
        "throughput": [{**asdict(one), "per_second": round(one.per_second, 1)} for one in throughputs],
        "latency": [
            {
                **asdict(one),
                **{f"p{percent}_ms": round(one.percentile(percent), 2) for percent in (50, 95, 99)},
            }
            for one in latencies
        ],
        "floors": [asdict(one) for one in floors],
    }
