"""Who is measured: the program of each contender, and what it needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec

from bench.databases import POSTGRESQL, SQLITE
from bench.wanted import (
    CELERY_DATABASE,
    CELERY_REDIS,
    DJANGO_Q2,
    OURS,
    PROCRASTINATE,
    SQL_LOOP,
    TWO_CLUSTERS,
)

BOTH, ONE = (POSTGRESQL, SQLITE), (POSTGRESQL,)


@dataclass(frozen=True, slots=True)
class Contender:
    """``short`` is its name among the options, ``needs`` its package, ``keeps_in`` what the tables name as its database
    if that is not simply the one it is given."""

    name: str
    short: str
    module: str
    databases: tuple[str, ...] = ONE
    needs: str = ""
    redis: bool = False
    keeps_in: str = ""
    has_latency: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)


ALL = (
    Contender(OURS, "jobwarden", "bench.ours", BOTH),
    Contender(
        TWO_CLUSTERS,
        "clusters",
        "bench.ours",
        has_latency=False,
        environment={"BENCH_CLUSTERS": "2", "WORKERS": "1"},
    ),
    Contender(SQL_LOOP, "loop", "bench.sql_loop", has_latency=False),
    Contender(PROCRASTINATE, "procrastinate", "bench.peer_procrastinate", needs="procrastinate"),
    Contender(DJANGO_Q2, "django-q2", "bench.peer_django_q2", BOTH),
    Contender(
        CELERY_REDIS, "celery-redis", "bench.peer_celery", needs="celery", redis=True, keeps_in="Redis"
    ),
    Contender(
        CELERY_DATABASE,
        "celery-database",
        "bench.peer_celery",
        needs="celery",
        redis=True,
        keeps_in="Redis, PostgreSQL",
        environment={"BENCH_CELERY_RESULTS_IN": "database"},
    ),
)
NAMES = tuple(contender.short for contender in ALL)


def present(chosen: list[str], *, has_redis: bool) -> Iterator[Contender]:
    """The chosen contenders that can run here; says of the others why not."""
    for contender in ALL:
        if contender.short not in chosen:
            continue
        if contender.needs and find_spec(contender.needs) is None:
            print(f"{contender.name} is left out: make bench installs requirements-bench.txt, which has it.")
        elif contender.redis and not has_redis:
            print(f"{contender.name} is left out: there is no program redis-server here to start.")
        else:
            yield contender
