"""One run: contenders take turns within each round, then latencies, then what happens when Jobwarden grows."""

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from bench import contenders, databases, figures, wanted
from bench.contenders import Contender
from bench.databases import POSTGRESQL, Database
from bench.figures import Findings, Latency, Size, Throughput
from bench.offering import LOADED_PER_SECOND
from bench.servers import Redis, private_redis
from bench.worker import STOP_SECONDS

BASE = Path(__file__).resolve().parent.parent
MEASUREMENTS = ("throughput", "idle", "loaded", "claims", "burst", "lateness", "memory")
SMALL_SITE = 1_000
CLAIM_BLOCKS = 5
WARM_UP_STEPS = 2


class Run:
    """The measurements one call of the program was asked for."""

    def __init__(self, options: argparse.Namespace, *, server: str | None, folder: Path) -> None:
        self._options, self._server, self._folder = options, server, folder
        self._found = Findings()
        self._redis: Redis | None = None
        self._made = ExitStack()
        self._databases: dict[tuple[str, str], Database] = {}

    def all(self) -> Findings:
        with self._made:
            self._redis = self._made.enter_context(private_redis())
            chosen = list(contenders.present(self._options.contenders, has_redis=self._redis is not None))
            turns = [
                (one, database)
                for one in chosen
                for kind in one.databases
                if (database := self._database(one, kind)) is not None
            ]
            for name in MEASUREMENTS:
                if name in self._options.only:
                    getattr(self, f"_{name}")(turns)
        return self._found

    # --- beside others

    def _throughput(self, turns: list[tuple[Contender, Database]]) -> None:
        for round_no in range(1, self._options.rounds + 1):
            first = round_no % max(1, len(turns))
            for contender, database in turns[first:] + turns[:first]:
                answer = self._ask([contender.module, "throughput", self._options.jobs], contender, database)
                one = Throughput(
                    contender.name,
                    contender.keeps_in or database.kind,
                    round_no,
                    self._options.jobs,
                    answer["seconds"],
                    answer["cpu_ms"],
                )
                self._found.throughputs.append(one)
                self._say(
                    f"round {round_no}  {database.kind:<11} {contender.name:<26} {one.per_second:>7.0f} jobs/s"
                )

    def _idle(self, turns: list[tuple[Contender, Database]]) -> None:
        self._latencies(turns, load=wanted.IDLE, samples=self._options.samples)

    def _loaded(self, turns: list[tuple[Contender, Database]]) -> None:
        samples = int(self._options.seconds * LOADED_PER_SECOND)
        self._latencies(turns, load=wanted.LOADED, samples=samples)

    def _latencies(self, turns: list[tuple[Contender, Database]], *, load: str, samples: int) -> None:
        for contender, database in turns:
            if contender.has_latency:
                answer = self._ask([contender.module, load, samples], contender, database)
                for kind, waits in answer.items():
                    kept = contender.keeps_in or database.kind
                    one = Latency(contender.name, kept, load, kind, tuple(round(ms, 3) for ms in waits))
                    self._found.latencies.append(one)
                    self._say(
                        f"{load}  {database.kind:<11} {contender.name:<26} p95 {one.percentile(95):.1f} ms"
                    )

    # --- growing

    def _claims(self, turns: list[tuple[Contender, Database]]) -> None:
        """The same claim on a small and on a large site, in turns."""
        if self._server is None or not self._ours(turns):
            return
        small = self._site("small", entries=min(SMALL_SITE, self._options.entries), log_rows=0)
        large = (
            Database(POSTGRESQL, self._options.large_site)
            if self._options.large_site
            else self._site("large", entries=self._options.entries, log_rows=self._options.log_rows)
        )
        asked = [self._claiming(small), self._claiming(large)]
        p95: list[tuple[float, ...]] = []
        try:
            for _ in range(CLAIM_BLOCKS):
                samples: list[list[float]] = [[], []]
                for _ in range(max(1, self._options.claims // CLAIM_BLOCKS)):
                    for program, taken in zip(asked, samples, strict=True):
                        taken.append(_one_claim(program))
                p95.append(tuple(figures.percentile(taken, 95) for taken in samples))
        finally:
            for program in asked:
                program.communicate()
        few, many = (median(block[place] for block in p95) for place in (0, 1))
        entries, rows = self._options.entries, self._options.log_rows
        self._size(f"claim p95, {SMALL_SITE:,} entries", POSTGRESQL, few, "ms")
        self._size(f"claim p95, {entries:,} entries", POSTGRESQL, many, "ms", f"{rows:,} ledger rows")
        each = [block[1] / block[0] for block in p95]
        note = f"medians of {CLAIM_BLOCKS} blocks, {min(each):.2f}–{max(each):.2f}"
        self._size(wanted.CLAIM_GROWTH, POSTGRESQL, many / few, "×", note)

    def _burst(self, turns: list[tuple[Contender, Database]]) -> None:
        for contender, database in self._ours(turns):
            answer = self._ask(["bench.scale", "burst", self._options.burst], contender, database)
            note = f"{self._options.burst:,} entries due in one second, 2 workers"
            self._size(wanted.BURST, database.kind, answer["started"], "s", note)

    def _lateness(self, turns: list[tuple[Contender, Database]]) -> None:
        for contender, database in self._ours(turns):
            if database.kind == POSTGRESQL:
                answer = self._ask(["bench.scale", "lateness", self._options.recurring], contender, database)
                waits = tuple(round(ms, 3) for ms in answer["lateness"])
                one = Latency(contender.name, database.kind, wanted.RECURRING, wanted.DUE_TIME, waits)
                self._found.latencies.append(one)
                self._say(
                    f"recurring  {contender.name} p99 {one.percentile(99):.1f} ms of {len(waits):,} starts"
                )

    def _memory(self, turns: list[tuple[Contender, Database]]) -> None:
        for contender, database in self._ours(turns):
            answer = self._ask(["bench.scale", "memory", self._options.memory_jobs], contender, database)
            mib, step = answer["mib"], answer["step"]
            warm_at = min(WARM_UP_STEPS, len(mib))
            warm = mib[warm_at - 1]
            for part in ("supervisor", "workers", "all"):
                growth = (mib[-1][part] / warm[part] - 1) * 100
                last = f"{mib[-1][part]:.1f} after {answer['jobs']:,}"
                note = f"{warm[part]:.1f} MiB after {warm_at * step:,} jobs, {last}"
                self._size(f"{wanted.MEMORY_GROWTH}, {part}", database.kind, growth, "%", note)

    # --- what they share

    def _database(self, contender: Contender, kind: str) -> Database | None:
        name = f"bench_{contender.short.replace('-', '_')}_{os.getpid()}"
        if kind == POSTGRESQL:
            if self._server is None:
                return None
            return self._made.enter_context(databases.postgresql(self._server, name=name))
        if self._options.no_sqlite:
            return None
        return self._made.enter_context(databases.sqlite(self._folder, name=name))

    def _ours(self, turns: list[tuple[Contender, Database]]) -> list[tuple[Contender, Database]]:
        return [(one, database) for one, database in turns if one.name == wanted.OURS]

    def _site(self, name: str, *, entries: int, log_rows: int) -> Database:
        assert self._server is not None
        database = self._made.enter_context(
            databases.postgresql(self._server, name=f"bench_{name}_{os.getpid()}")
        )
        self._say(f"making a site of {entries:,} entries and {log_rows:,} ledger rows")
        sizes = ["--entries", entries, "--log-rows", log_rows]
        subprocess.run(
            [sys.executable, "-m", "bench.generate", *(str(part) for part in sizes)],
            env=self._environment(database),
            cwd=BASE,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return database

    def _claiming(self, database: Database) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "bench.scale", "claims", "0"],
            env=self._environment(database),
            cwd=BASE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def _ask(self, module: list[Any], contender: Contender, database: Database) -> dict[str, Any]:
        """What a contender's program prints. Each runs in a process of its own, with settings of its own."""
        asked = subprocess.Popen(
            [sys.executable, "-m", *(str(part) for part in module)],
            env=self._environment(database, contender),
            cwd=BASE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            printed, _ = asked.communicate()
        except BaseException:
            # It stops the worker it has started before it ends.
            asked.terminate()
            asked.wait(timeout=STOP_SECONDS * 2)
            raise
        if asked.returncode:
            log = self._log(contender)
            tail = log.read_text(errors="replace")[-3000:] if log.exists() else ""
            sys.exit(
                f"{contender.name}, {' '.join(str(part) for part in module)}, failed on {database.kind}.\n{tail}"
            )
        return json.loads(printed.strip().splitlines()[-1])

    def _environment(self, database: Database, contender: Contender | None = None) -> dict[str, str]:
        environment = os.environ | {
            "DATABASE_URL": database.url,
            "BENCH_LOG": str(self._log(contender)),
            "VAR_DIR": str(self._folder / "var"),
            "WORKERS": "2",
            "DEMO": "off",
            "LOG_LEVEL": "warning",
            "EXTRA_APPS": "bench.apps.BenchConfig",
            "BENCH_LATENESS_SECONDS": str(self._options.lateness_seconds),
        }
        if self._redis is not None:
            environment |= {"BENCH_REDIS_URL": self._redis.url, "BENCH_REDIS_PID": str(self._redis.pid)}
        if contender is not None:
            environment |= contender.environment
        if self._options.profile:
            Path(self._options.profile).mkdir(parents=True, exist_ok=True)
            environment["BENCH_PROFILE"] = str(Path(self._options.profile).resolve())
        return environment

    def _log(self, contender: Contender | None) -> Path:
        return self._folder / f"{contender.short if contender else 'site'}.log"

    def _size(self, name: str, database: str, value: float, unit: str, note: str = "") -> None:
        self._found.sizes.append(Size(name, database, round(value, 4), unit, note))
        self._say(f"{database:<11} {name}: {value:.3g} {unit}  {note}")

    @staticmethod
    def _say(line: str) -> None:
        print(f"  {line}", flush=True)


def _one_claim(program: "subprocess.Popen[str]") -> float:
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write("\n")
    program.stdin.flush()
    line = program.stdout.readline()
    if not line:
        raise RuntimeError("The program that claims has ended.")
    return float(line)
