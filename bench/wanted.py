"""What is wanted of each figure: floors, goals, and limits."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench import figures
from bench.databases import POSTGRESQL, SQLITE
from bench.figures import Findings, Verdict

OURS = "Jobwarden"
TWO_CLUSTERS = "Jobwarden, 2 clusters of 1"
PROCRASTINATE = "procrastinate"
DJANGO_Q2 = "django-q2"
CELERY_REDIS, CELERY_DATABASE = "Celery, Redis results", "Celery, database results"
SQL_LOOP = "plain SQL loop"

IDLE, LOADED, RECURRING = "idle", "loaded", "recurring"
DUE_TIME = "due time"

RATIOS = (
    (OURS, PROCRASTINATE, POSTGRESQL, 1.5, 2.0),
    (OURS, DJANGO_Q2, POSTGRESQL, 2.0, 2.5),
    (OURS, SQL_LOOP, POSTGRESQL, 0.35, 0.5),
    (TWO_CLUSTERS, OURS, POSTGRESQL, 0.8, 0.9),
    (OURS, DJANGO_Q2, SQLITE, 1.5, 2.0),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """The most a figure may be."""

    load: str
    database: str
    percent: float
    most_ms: float


LATENCY_LIMITS = (
    Limit(IDLE, POSTGRESQL, 95, 10),
    Limit(LOADED, POSTGRESQL, 95, 15),
    Limit(RECURRING, POSTGRESQL, 99, 300),
    Limit(IDLE, SQLITE, 95, 40),
)

CLAIM_GROWTH, BURST, MEMORY_GROWTH = "claim p95, large against small", "burst all started", "memory growth"
SIZE_LIMITS = {CLAIM_GROWTH: 1.3, BURST: 20.0, MEMORY_GROWTH: 5.0}


def verdicts(found: Findings) -> Iterator[Verdict]:
    """What was measured beside what is wanted, in the order of the tables."""
    for ours, peer, database, floor, goal in RATIOS:
        verdict = figures.ratio_verdict(
            found.throughputs, ours=ours, peer=peer, database=database, floor=floor, goal=goal
        )
        if verdict is not None:
            yield verdict
    for limit in LATENCY_LIMITS:
        for one in found.latencies:
            if (one.contender, one.load, one.database) == (OURS, limit.load, limit.database) and (
                one.kind == DUE_TIME
            ):
                name = f"{one.database}: due to start, {one.load}, p{limit.percent:g}"
                note = f"{len(one.samples_ms):,} starts"
                value = one.percentile(limit.percent)
                yield Verdict(name, value, limit.most_ms, None, "ms", False, note)
    for size in found.sizes:
        kind = next((name for name in SIZE_LIMITS if size.name.startswith(name)), None)
        if kind is not None:
            name = f"{size.database}: {size.name}"
            yield Verdict(name, size.value, SIZE_LIMITS[kind], None, size.unit, False, size.note)
