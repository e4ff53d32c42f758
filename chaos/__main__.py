"""``python -m chaos``: plays the cases, prints each as it ends, writes JSON; exits with 1 if an invariant was violated.

``python -m chaos random`` strikes at random; ``python -m chaos table`` prints the last results as the documentation's
tables.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from chaos import table
from chaos.places import POSTGRESQL, ROOT, SQLITE

DATABASES = {"both": (SQLITE, POSTGRESQL), SQLITE: (SQLITE,), POSTGRESQL: (POSTGRESQL,)}


def main() -> int:
    options = _options()
    if options.what == "table":
        print(table.markdown(json.loads(options.json.read_text())["cases"]))
        return 0
    rows: list[table.Row] = []
    broken = False
    for database in DATABASES[options.database]:
        player = subprocess.Popen(_command(options, database), stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for row in _rows(player):
            rows.append(row)
            print(table.line(row), flush=True)
        broken = bool(player.wait()) or broken
    table.save(options.json, rows)
    failed = [row for row in rows if row["problems"]]
    print(f"\n{len(rows) - len(failed)} of {len(rows)} cases survived; written to {options.json}.")
    return 1 if failed or broken or not rows else 0


def _rows(player: "subprocess.Popen[str]") -> Iterator[table.Row]:
    assert player.stdout is not None
    for text in player.stdout:
        if text.startswith("{"):
            yield json.loads(text)


def _command(options: argparse.Namespace, database: str) -> list[str]:
    command = [sys.executable, "-m", "chaos.running", "--database", database]
    for pattern in options.only:
        command += ["--only", pattern]
    if options.short:
        command.append("--short")
    if options.what == "random":
        command += ["--minutes", str(options.minutes)]
    if options.seed is not None:
        command += ["--seed", str(options.seed)]
    if options.keep:
        command += ["--keep", f"{options.keep}-{database}"]
    return command


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("cases", "random", "table"), default="cases")
    parser.add_argument("--database", choices=sorted(DATABASES), default="both")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="cases whose “fault @ moment” contains it",
    )
    parser.add_argument("--short", action="store_true", help="the few cases that every change must pass")
    parser.add_argument("--minutes", type=float, default=10, help="how long 'random' breaks things")
    parser.add_argument("--seed", type=int, default=None, help="repeats the choices of an earlier random run")
    parser.add_argument(
        "--json", type=Path, default=ROOT / "var/chaos/results.json", help="where the results go"
    )
    parser.add_argument(
        "--keep", default="", metavar="FOLDER", help="keep database, notes and logs for a look"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
