"""The command line of a contender: ``python -m bench.<module> <what> <count>`` prints one line of JSON."""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import servers


def log() -> Path:
    """Where the programs a contender starts write what they have to say."""
    return Path(os.environ["BENCH_LOG"])


def waits() -> Path:
    """An empty file for the waits of the jobs, named in the environment for the worker that is started next."""
    from bench.offering import WAITS

    path = log().with_suffix(".waits")
    path.unlink(missing_ok=True)
    os.environ[WAITS] = str(path)
    return path


def end_orderly_at_term() -> None:
    """Turns a TERM into an ordinary end of the program, so that what it has started is stopped and cleared away."""

    def end(_signal: int, _frame: object) -> None:
        sys.exit(143)

    signal.signal(signal.SIGTERM, end)


def run(measurements: Mapping[str, Callable[[int], Any]]) -> None:
    """Runs the measurement the arguments name, with its count."""
    end_orderly_at_term()
    servers.name_own_connections()
    print(json.dumps(measurements[sys.argv[1]](int(sys.argv[2]))))
