"""Plays cases on one database, in a process of its own, which ``python -m chaos`` starts."""

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from fnmatch import fnmatch
from typing import Any

from chaos.places import new_place

SHORT_SLACK = 4
"""The short part runs beside whatever else a machine is testing."""


def main() -> None:
    options = _options()
    with new_place(options.database) as place:
        os.environ.update(place.environment)
        import django

        django.setup()
        from chaos.stage import Stage

        stage = Stage(place, slack=SHORT_SLACK if options.short else 1)
        try:
            if options.minutes:
                from chaos.at_random import play_at_random

                _tell(play_at_random(stage, minutes=options.minutes, seed=options.seed))
                return
            from chaos.cases import cases

            for fault, moment, play in cases(options.database, short=options.short):
                if any(fnmatch(f"{fault} @ {moment}", f"*{pattern}*") for pattern in options.only or ["*"]):
                    _tell(stage.play(fault, moment, play))
        finally:
            stage.close()
            if options.keep:
                left_out = shutil.ignore_patterns("postgresql", "previous")
                shutil.copytree(place.folder, options.keep, dirs_exist_ok=True, ignore=left_out)


def _tell(result: Any) -> None:
    print(json.dumps(asdict(result)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--only", action="append")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", default="")
    return parser.parse_args(sys.argv[1:])


if __name__ == "__main__":
    main()
