"""``python -m bench``: measures all contenders in turns, prints the tables and stores everything as JSON."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import psycopg

from bench import databases, figures
from bench.databases import POSTGRESQL, SQLITE, Database
from bench.figures import Floor, Latency, Throughput

OURS, PROCRASTINATE, DJANGO_Q2 = "Jobwarden", "procrastinate", "django-q2"
LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432"
MODULES = {
    OURS: ["bench.ours", "throughput"],
    PROCRASTINATE: ["bench.peer_procrastinate"],
    DJANGO_Q2: ["bench.peer_django_q2"],
}
RATIO_FLOORS = [(PROCRASTINATE, POSTGRESQL, 1.5), (DJANGO_Q2, POSTGRESQL, 1.5), (DJANGO_Q2, SQLITE, 1.5)]
LATENCY_FLOORS_MS = {POSTGRESQL: 10.0, SQLITE: 40.0}
DUE_TIME = "due time"
BASE = Path(__file__).resolve().parent.parent


def main() -> int:
    options = _options()
    chosen = _server(options)
    with tempfile.TemporaryDirectory(prefix="jobwarden-bench-") as folder:
        measured, waited = _measure(options, server=chosen, folder=Path(folder))
    floors = _floors(measured, waited)
    print(figures.report(measured, waited, floors))
    stored = _store(figures.as_json(measured, waited, floors), options=options)
    print(f"\nEvery single figure: {stored}")
    return 0 if all(floor.met for floor in floors) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=4000, help="jobs of each of our rounds")
    parser.add_argument("--peer-jobs", type=int, default=2000, help="jobs of each round of the others")
    parser.add_argument(
        "--samples", type=int, default=200, help="starts measured with an idle worker; 0 for none"
    )
    parser.add_argument("--no-sqlite", action="store_true")
    parser.add_argument("--no-postgresql", action="store_true")
    parser.add_argument("--only-ours", action="store_true", help="leave the others out")
    parser.add_argument(
        "--profile",
        metavar="FOLDER",
        help="store a profile of each of our workers there (read with python -m pstats)",
    )
    return parser.parse_args()


def _server(options: argparse.Namespace) -> str | None:
    """Address of the PostgreSQL server to use, or None; says what to give when there is none."""
    if options.no_postgresql:
        return None
    url = os.environ.get("BENCH_DATABASE_URL", LOCAL_SERVER)
    try:
        print(f"{databases.server_of(url)}, Python {platform.python_version()}, {os.cpu_count()} cores")
    except psycopg.OperationalError as error:
        print(f"PostgreSQL is left out: {str(error).splitlines()[0]}")
        print(
            "Name a server on which databases may be made: "
            "BENCH_DATABASE_URL=postgres://user:password@host:5432 make bench"
        )
        return None
    return url


def _measure(
    options: argparse.Namespace, *, server: str | None, folder: Path
) -> tuple[list[Throughput], list[Latency]]:
    turns = []
    with ExitStack() as made:
        for contender in _contenders(options):
            name = f"bench_{contender.lower().replace('-', '_')}_{os.getpid()}"
            if server:
                turns.append((contender, made.enter_context(databases.postgresql(server, name=name))))
            if not options.no_sqlite and contender != PROCRASTINATE:
                turns.append((contender, made.enter_context(databases.sqlite(folder, name=name))))
        measured = []
        for round_no in range(1, options.rounds + 1):
            for contender, database in turns[round_no % len(turns) :] + turns[: round_no % len(turns)]:
                jobs = options.jobs if contender == OURS else options.peer_jobs
                seconds = float(
                    _run([*MODULES[contender], str(jobs)], database=database, folder=folder, options=options)
                )
                measured.append(Throughput(contender, database.kind, round_no, jobs, seconds))
                print(
                    f"  round {round_no}  {database.kind:<11} {contender:<14} {jobs / seconds:>7.0f} jobs/s",
                    flush=True,
                )
        waited = []
        for _, database in (turn for turn in turns if turn[0] == OURS and options.samples):
            answer = _run(
                ["bench.ours", "latency", str(options.samples)],
                database=database,
                folder=folder,
                options=options,
            )
            waited += [
                Latency(database.kind, kind, tuple(samples)) for kind, samples in json.loads(answer).items()
            ]
    return measured, waited


def _contenders(options: argparse.Namespace) -> list[str]:
    if options.only_ours:
        return [OURS]
    if find_spec("procrastinate") is None:
        print("procrastinate is left out: it is not installed (make bench installs requirements-bench.txt).")
        return [OURS, DJANGO_Q2]
    return [OURS, PROCRASTINATE, DJANGO_Q2]


def _run(module: list[str], *, database: Database, folder: Path, options: argparse.Namespace) -> str:
    """Last line a contender prints. Each runs in a process of its own, with settings of its own."""
    log = folder / f"{module[0]}.log"
    environment = os.environ | {
        "DATABASE_URL": database.url,
        "BENCH_LOG": str(log),
        "VAR_DIR": str(folder / "var"),
        "WORKERS": "2",
        "DEMO": "off",
        "LOG_LEVEL": "warning",
        "EXTRA_APPS": "bench.apps.BenchConfig",
    }
    if options.profile:
        Path(options.profile).mkdir(parents=True, exist_ok=True)
        environment["BENCH_PROFILE"] = str(Path(options.profile).resolve())
    done = subprocess.run(
        [sys.executable, "-m", *module],
        env=environment,
        cwd=BASE,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = log.read_text(errors="replace")[-3000:] if log.exists() else ""
        sys.exit(f"{' '.join(module)} failed on {database.kind}.\n{tail}")
    return done.stdout.strip().splitlines()[-1]


def _floors(measured: list[Throughput], waited: list[Latency]) -> list[Floor]:
    floors = [
        figures.ratio_floor(measured, ours=OURS, peer=peer, database=database, least=least)
        for peer, database, least in RATIO_FLOORS
    ]
    floors += [
        figures.latency_floor(one, most_ms=LATENCY_FLOORS_MS[one.database])
        for one in waited
        if one.kind == DUE_TIME
    ]
    return [floor for floor in floors if floor is not None]


def _store(figures_found: dict, *, options: argparse.Namespace) -> Path:
    folder = BASE / Path(os.environ.get("VAR_DIR") or "var") / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"bench-{now:%Y%m%d-%H%M%S}.json"
    about = {
        "measured_at": now.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "options": vars(options),
    }
    path.write_text(json.dumps({**about, **figures_found}, indent=2) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
