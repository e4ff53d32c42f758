"""``python -m bench`` measures, prints the tables and stores every figure as JSON. ``python -m bench table`` writes the
tables of the latest run, or of a stored one, into the documentation."""

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from bench import databases, machine, report, wanted
from bench.contenders import NAMES
from bench.figures import Findings
from bench.measuring import MEASUREMENTS, Run
from bench.program import end_orderly_at_term

BASE = Path(__file__).resolve().parent.parent
LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432"
QUICK = {
    "rounds": 1,
    "jobs": 200,
    "samples": 10,
    "seconds": 2,
    "entries": 1_000,
    "log_rows": 10_000,
    "burst": 300,
    "memory_jobs": 400,
    "recurring": 500,
    "lateness_seconds": 10,
    "claims": 40,
}


def main() -> int:
    end_orderly_at_term()
    options = _options()
    if options.command == "table":
        print(f"Written: {report.write_page(options.stored or _latest())}")
        return 0
    server, version = _server(options)
    description = machine.described(version)
    print(description)
    if warning := machine.busy():
        print(warning)
    with tempfile.TemporaryDirectory(prefix="jobwarden-bench-") as folder:
        found = Run(options, server=server, folder=Path(folder)).all()
    verdicts = list(wanted.verdicts(found))
    print(report.text(found))
    print(f"\nEvery single figure: {_store(found, description=description)}")
    return 0 if all(verdict.met for verdict in verdicts) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("run", "table"), default="run")
    parser.add_argument("stored", nargs="?", type=Path, help="with table: the stored run; else the latest")
    add = parser.add_argument
    add("--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS), help="what to measure")
    add("--contenders", nargs="+", choices=NAMES, default=list(NAMES), help="whom to measure")
    add("--only-ours", action="store_true", help="the same as --contenders jobwarden")
    add("--rounds", type=int, default=5)
    add("--jobs", type=int, default=4_000, help="jobs of each round of throughput")
    add("--samples", type=int, default=200, help="starts measured with an idle worker")
    add("--seconds", type=int, default=30, help="how long 100 jobs a second are offered")
    add("--entries", type=int, default=100_000, help="entries of the large site")
    add("--log-rows", type=int, default=10_000_000, help="ledger rows of the large site")
    add("--claims", type=int, default=1_000, help="claims timed on each of both sizes")
    add("--burst", type=int, default=10_000, help="entries due in the same second")
    add("--recurring", type=int, default=10_000, help="recurring entries whose lateness is measured")
    add("--lateness-seconds", type=int, default=180, help="how long that lateness is measured")
    add("--memory-jobs", type=int, default=100_000, help="jobs over which memory must stay flat")
    add("--quick", action="store_true", help="tiny numbers: shows that everything works, measures nothing")
    add("--no-sqlite", action="store_true")
    add("--no-postgresql", action="store_true")
    add(
        "--large-site",
        metavar="URL",
        help="a database made by python -m bench.generate, instead of a new one",
    )
    add("--profile", metavar="FOLDER", help="store a profile of each of our workers there (python -m pstats)")
    if "--quick" in sys.argv:
        parser.set_defaults(**QUICK)
    options = parser.parse_args()
    if options.only_ours:
        options.contenders = [NAMES[0]]
    return options


def _server(options: argparse.Namespace) -> tuple[str | None, str | None]:
    """Address and version of the PostgreSQL server to use, or None; says what to give when there is none."""
    if options.no_postgresql:
        return None, None
    url = os.environ.get("BENCH_DATABASE_URL", LOCAL_SERVER)
    try:
        return url, databases.server_of(url)
    except psycopg.OperationalError as error:
        print(f"PostgreSQL is left out: {str(error).splitlines()[0]}")
        print(
            "Name a server on which databases may be made: "
            "BENCH_DATABASE_URL=postgres://user:password@host:5432 make bench"
        )
        return None, None


def _folder() -> Path:
    return BASE / Path(os.environ.get("VAR_DIR") or "var") / "bench"


def _store(found: Findings, *, description: str) -> Path:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"bench-{now:%Y%m%d-%H%M%S}.json"
    about = {
        "measured_at": now.isoformat(timespec="seconds"),
        "machine": description,
        "python": platform.python_version(),
        "options": " ".join(sys.argv[1:]) or "none",
    }
    path.write_text(json.dumps({"about": about, **found.as_json()}, indent=1) + "\n", encoding="utf-8")
    return path


def _latest() -> Path:
    stored = sorted(_folder().glob("bench-*.json"))
    if not stored:
        sys.exit(f"There is no stored run in {_folder()}; run python -m bench first.")
    return stored[-1]


if __name__ == "__main__":
    sys.exit(main())
