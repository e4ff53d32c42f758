"""Facts about processes of this host, and the few Linux calls that keep them from outliving their parents."""

import ctypes
import os
import signal
import socket
import sys
from functools import cache
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PF_EXITING = 0x4


def missing_features() -> list[str]:
    """What this system lacks of what supervised workers need, in words; empty on Linux 5.3 and later."""
    missing = []
    if not sys.platform.startswith("linux"):
        missing.append("Linux (prctl)")
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        missing.append("process file descriptors (pidfd)")
    if not hasattr(os, "eventfd"):
        missing.append("event file descriptors (eventfd)")
    return missing


def process_start(pid: int) -> int:
    """Start of a process in clock ticks since boot; 0 if there is no such process. With it a pid is unique."""
    return _status(pid)[0]


def is_running(pid: int, start: int) -> bool:
    """Whether this very process is still there and no zombie."""
    found, state = _status(pid)
    return found != 0 and found == start and state not in "ZX"


def is_stopped(pid: int) -> bool:
    """Whether a process is held by a stop signal."""
    return _status(pid)[1] == "T"


def is_ending(pid: int) -> bool:
    """Whether a process has begun to end or is gone; the kernel says so before it signals the process's children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return bool(int(fields[6]) & PF_EXITING) or fields[0] in (b"Z", b"X")


@cache
def machine() -> str:
    """Boot id and process namespace: process ids of two rows mean the same only if their machines are equal."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process when ``parent`` (its parent's forking thread) dies, even if that is now."""
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(9)


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose own parent dies, so that it can see their end."""
    _libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def lead_own_group() -> None:
    """Makes this process the leader of a process group, so that a kill takes what it has started as well."""
    try:
        os.setpgid(0, 0)
    except PermissionError:
        pass  # a session leader: already one


def kill_group(pid: int) -> None:
    """Kills the process group led by ``pid``; nothing happens if it is gone."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _status(pid: int) -> tuple[int, str]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, "X"
    return int(fields[19]), fields[0].decode()
