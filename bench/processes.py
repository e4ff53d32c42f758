"""What processes have used, read from ``/proc``: processor time and memory. Linux only, like the worker itself."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
_SESSION, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 3, 11, 12, 13, 14


def of_sessions(leaders: Iterable[int]) -> list[int]:
    """Every process started below these session leaders, whatever group it has moved to since."""
    wanted = set(leaders)
    return [pid for pid in _all() if (found := _fields(pid)) and int(found[_SESSION]) in wanted]


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """Processor seconds each of them has used, with the children it has buried; those that are gone are left out."""
    places = (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM)
    return {
        pid: sum(int(found[place]) for place in places) / TICKS for pid in pids if (found := _fields(pid))
    }


def used_between(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """Processor seconds used between two looks; a process that came meanwhile counts from its start."""
    return sum(max(0.0, seconds - before.get(pid, 0.0)) for pid, seconds in after.items())


def memory_mib(pid: int) -> float | None:
    """The process's proportional share of memory in MiB (PSS: pages it shares count in part); None if it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    lines = dict(line.split(":", 1) for line in text.splitlines()[1:] if ":" in line)
    return int(lines["Pss"].split()[0]) / 1024


def _all() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _fields(pid: int) -> list[str] | None:
    """The fields of ``/proc/<pid>/stat`` after the name, which may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
