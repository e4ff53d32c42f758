"""Windows into a worker: pauses at chosen moments, another clock, another host, a full disk.

The product knows nothing of this. When the app of the suite is installed and ``CHAOS_DIR`` is set, a few functions of
the product are wrapped. A pause is a file: while ``gates/<moment>`` exists, the first process that gets there for the
task or entry named in it stays there until the file is taken away or the process is killed.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from chaos.notes import folder, note

BEFORE_CLAIM = "before claim"
CLAIMED_BY_BROKER = "claimed, not handed over"
CLAIMED = "claimed"
RUNNING = "running"
FINISHED = "finished, not recorded"
IN_FAILURE_ROUTINE = "in the failure routine"
MOMENTS = (BEFORE_CLAIM, CLAIMED, RUNNING, FINISHED, IN_FAILURE_ROUTINE)
SIGNALS = ("KILL", "TERM", "STOP/CONT")
LOOK_SECONDS = 0.02


def install() -> None:
    """Wraps the product's functions; once per process tree, before anything forks."""
    _pause_broker()
    _pause_worker()
    _pretend_host()
    _move_clock()
    _limit_sqlite()


# --- the files


def set_gate(place: Path, moment: str, **subject: str) -> None:
    """The next process that reaches ``moment`` for this ``task`` or ``entry`` stays there."""
    for name in ("gates", "held"):
        (place / name).mkdir(exist_ok=True)
    written = place / "gates" / f".{moment}"
    written.write_text(json.dumps(subject))
    written.rename(place / "gates" / moment)


def open_gates(place: Path) -> None:
    """Whoever stands at a gate goes on, and nobody stops there any more."""
    for name in ("gates", "held"):
        for path in (place / name).glob("*"):
            path.unlink(missing_ok=True)


def pause(moment: str, **subject: Any) -> None:
    """Stays here if the gate of this moment is set for this subject."""
    if not os.path.exists(f"{os.environ['CHAOS_DIR']}/gates/{moment}"):
        return  # the usual case, which must cost next to nothing
    place = folder()
    gate = place / "gates" / moment
    try:
        wanted = json.loads(gate.read_text())
    except FileNotFoundError:
        return
    if any(subject.get(key) != value for key, value in wanted.items()):
        return
    held = place / "held" / f"{moment} {os.getpid()}"
    try:
        gate.rename(held)
    except FileNotFoundError:
        return  # another process was faster
    note("held", moment=moment, **wanted)
    while held.exists():
        time.sleep(0.002)


# --- the moments


def _pause_broker() -> None:
    from jobqueue.scheduler import broker

    real_claim, real_dequeue = broker.claim, broker.TaskBroker.dequeue
    known: set[int] = set()

    def claim(count: int, **named: Any) -> Any:
        pause(BEFORE_CLAIM)
        claims = real_claim(count, **named)
        for claimed in claims:
            pause(CLAIMED_BY_BROKER, task=claimed.id.hex)
        return claims

    def dequeue(self: Any) -> Any:
        if os.getpid() not in known:
            known.add(os.getpid())
            note("broker")
        return real_dequeue(self)

    broker.claim = claim
    broker.TaskBroker.dequeue = dequeue  # type: ignore[method-assign]


def _pause_worker() -> None:
    def before(
        modules: tuple[str, ...], name: str, moment: str, subject: Callable[..., dict[str, str]]
    ) -> None:
        module = _first_with(modules, name)
        real = getattr(module, name)

        def wrapped(*given: Any, **named: Any) -> Any:
            pause(moment, **subject(*given))
            return real(*given, **named)

        setattr(module, name, wrapped)

    before(("scheduler.delivery",), "execute", CLAIMED, lambda claim: {"task": claim.id.hex})
    before(
        ("dispatch.execution", "execution"), "_call", RUNNING, lambda _job, run: {"entry": run.entry.id.hex}
    )
    before(
        ("dispatch.running", "running", "dispatcher"),
        "_record",
        FINISHED,
        lambda going, _ended: {"task": going.work.claim.id.hex},
    )
    before(
        ("dispatch.error_handler", "error_handler"),
        "handle_error",
        IN_FAILURE_ROUTINE,
        lambda task: {"task": task.id.hex},
    )


def _first_with(modules: tuple[str, ...], name: str) -> Any:
    """The module that has the function: another version of the product may keep it elsewhere."""
    for module in modules:
        with contextlib.suppress(ImportError):
            found = import_module(f"jobqueue.{module}")
            if hasattr(found, name):
                return found
    raise AttributeError(f"No module of {modules} has {name}: the fault suite must learn where it went.")


# --- another host


def _pretend_host() -> None:
    """``CHAOS_HOST``: this worker is on another machine, whose processes nobody here can look at."""
    host = os.environ.get("CHAOS_HOST")
    if host:
        from jobqueue.scheduler import lease

        lease.machine = lambda: host  # type: ignore[assignment]


def _move_clock() -> None:
    """``CHAOS_CLOCK_OFFSET``: this host's clock is off by so many seconds."""
    offset = float(os.environ.get("CHAOS_CLOCK_OFFSET", "0"))
    if not offset:
        return
    from django.utils import timezone

    real_now, real_time = timezone.now, time.time
    timezone.now = lambda: real_now() + timedelta(seconds=offset)
    time.time = lambda: real_time() + offset  # type: ignore[assignment]


# --- a full disk


def _limit_sqlite() -> None:
    """While the file ``pages`` exists, SQLite may not grow beyond the number of pages it names."""
    from django.db.backends.signals import connection_created

    looked_at = 0.0

    def limit(execute: Any, sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal looked_at
        connection = context["connection"]
        now = time.monotonic()
        if now - looked_at < LOOK_SECONDS:
            return execute(sql, parameters, many, context)
        looked_at = now
        try:
            pages = int((folder() / "pages").read_text() or 0)
        except FileNotFoundError:
            pages = 0
        if getattr(connection, "chaos_pages", 0) != pages and connection.connection is not None:
            connection.chaos_pages = pages
            connection.connection.execute(f"PRAGMA max_page_count = {pages or 2**30}")
        return execute(sql, parameters, many, context)

    def connected(connection: Any, **_: Any) -> None:
        connection.chaos_pages = 0
        if connection.vendor == "sqlite" and limit not in connection.execute_wrappers:
            connection.execute_wrappers.append(limit)

    connection_created.connect(connected, weak=False, dispatch_uid="chaos.pages")
