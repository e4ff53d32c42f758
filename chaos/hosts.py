"""Cases with several hosts or clusters: one dies, stands still, comes back, has another clock or another version."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from chaos import hooks, jobs
from chaos.places import ROOT
from chaos.stage import Case, Stage, succeeded
from chaos.workers import JobWorker, Kind, NotReached, exists, wait_for
from jobqueue.models import LogEntry
from jobqueue.scheduler.models import Cluster

CLOCK_OFF_SECONDS = 420


def host(stage: Stage, name: str, **options: object) -> JobWorker:
    """A worker on a host of its own: nobody else can look at its processes."""
    variables = {"CHAOS_HOST": name, **options.pop("variables", {})}  # type: ignore[dict-item]
    return stage.another(variables=variables, **options)


def dead_host(stage: Stage, case: Case) -> None:
    """All processes of a host vanish at once; leases and heartbeats as in production."""
    stage.without_worker()
    production = {"lease_seconds": 30, "heartbeat_seconds": 5}
    first = host(stage, "one", **production).wait_until_ready()
    _hold_two(stage, case)
    host(stage, "two", **production).wait_until_ready()
    case.mix.fill(due_in=1)
    case.limit, case.settle_seconds = 60, 90
    case.fault()
    first.kill()
    stage.settle(case)


def killed_group(stage: Stage, case: Case) -> None:
    """All processes of the host's worker are killed; the service manager starts it again."""
    worker = stage.worker()
    _hold_two(stage, case)
    case.mix.fill(due_in=1)
    case.limit = 10
    case.fault()
    worker.kill()
    stage.worker()


def back_from_the_dead(stage: Stage, case: Case) -> None:
    """A supervisor stands still beyond its lease while its worker goes on; another host takes over."""
    stage.without_worker()
    first = host(stage, "one").wait_until_ready()
    entry = case.mix.entry(jobs.WORK, description="long", parameters={"seconds": "14"})
    wait_for(lambda: _began(stage, entry.id.hex), what="the long job had begun")
    case.mix.fill(due_in=2)
    case.overlaps_allowed = True  # nobody can stop a process on a host that does not answer
    case.limit = 40
    case.fault()
    first.send(signal.SIGSTOP)
    host(stage, "two").wait_until_ready()
    wait_for(lambda: _lost(case), what="the run was declared lost", seconds=30)
    wait_for(lambda: "reported late" in first.log.read_text(), what="the late report was refused", seconds=30)
    first.send(signal.SIGCONT)
    wait_for(
        lambda: "declared lost meanwhile" in first.log.read_text(), what="the supervisor saw that it was lost"
    )
    first.wait_until_ready()
    stage.settle(case)


def frozen_host(stage: Stage, case: Case) -> None:
    """A whole host stands still beyond its lease (a suspended virtual machine), then goes on as if nothing were."""
    stage.without_worker()
    first = host(stage, "one").wait_until_ready()
    entry = case.mix.entry(jobs.WORK, description="long", parameters={"seconds": "2"})
    atomic = case.mix.entry(jobs.ATOMIC, description="atomic, frozen")
    wait_for(lambda: _began(stage, entry.id.hex) and _began(stage, atomic.id.hex), what="the jobs had begun")
    case.mix.fill(due_in=1)
    case.overlaps_allowed, case.limit = True, 40
    frozen = first.tree()
    case.fault()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    host(stage, "two").wait_until_ready()
    wait_for(lambda: _lost(case), what="the run was declared lost", seconds=30)
    time.sleep(2)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    wait_for(
        lambda: "declared lost meanwhile" in first.log.read_text(), what="the supervisor saw that it was lost"
    )
    stage.settle(case)


def stopped_worker(stage: Stage, case: Case) -> None:
    """A busy worker stands still beyond its lease; only then it goes on."""
    _stop_beyond_lease(stage, case, hooks.RUNNING)


def stopped_while_recording(stage: Stage, case: Case) -> None:
    """The same, inside the transaction that records the end of an atomic job."""
    _stop_beyond_lease(stage, case, hooks.FINISHED)


def _stop_beyond_lease(stage: Stage, case: Case, moment: str) -> None:
    worker = stage.worker()
    recording = moment == hooks.FINISHED
    entry = case.mix.entry(jobs.ATOMIC if recording else jobs.WORK, description="subject", due_in=0.5)
    subject = {"task": entry.system_task_id.hex} if recording else {"entry": entry.id.hex}
    hooks.set_gate(stage.place.folder, moment, **subject)
    case.mix.fill(due_in=1.5)
    held = wait_for(lambda: stage.notes.all("held"), what="the worker was held")[0].pid
    victim = worker.pid_of(Kind.BUSY, held=held)
    case.limit, case.fault_at = 20, None
    case.fault()
    os.kill(victim, signal.SIGSTOP)
    hooks.open_gates(stage.place.folder)
    try:
        wait_for(lambda: not exists(victim), what="the stopped worker was ended", seconds=30)
    finally:
        try:
            os.kill(victim, signal.SIGCONT)
        except ProcessLookupError:
            pass


def stopped_broker(stage: Stage, case: Case) -> None:
    """The broker process stands still for good: the cluster claims nothing until it is replaced."""
    _stop_for_good(stage, case, Kind.BROKER)


def stopped_sentinel(stage: Stage, case: Case) -> None:
    """The sentinel stands still for good."""
    _stop_for_good(stage, case, Kind.SENTINEL)


def stopped_monitor(stage: Stage, case: Case) -> None:
    """The monitor stands still for good."""
    _stop_for_good(stage, case, Kind.MONITOR)


def stopped_idle_worker(stage: Stage, case: Case) -> None:
    """An idle worker stands still for good, perhaps with the lock of the queue."""
    _stop_for_good(stage, case, Kind.IDLE)


def _stop_for_good(stage: Stage, case: Case, kind: Kind) -> None:
    victim = stage.worker().pid_of(kind, held=None)
    case.mix.fill_chain()
    case.mix.fill(due_in=0.5)
    case.limit = 20
    case.fault()
    os.kill(victim, signal.SIGSTOP)
    stage.settle(case)
    wait_for(lambda: not exists(victim), what="the stopped process was ended", seconds=30)


def wrong_clocks(stage: Stage, case: Case) -> None:
    """One host's clock is minutes ahead, another's minutes behind; only the database's clock counts."""
    stage.without_worker()
    for name, offset in (("ahead", CLOCK_OFF_SECONDS), ("behind", -CLOCK_OFF_SECONDS)):
        host(stage, name, variables={"CHAOS_CLOCK_OFFSET": str(offset)}).wait_until_ready()
    case.mix.fill_chain()
    case.limit = 10
    case.fault()
    case.mix.load(60)
    case.mix.fill(due_in=2)
    time.sleep(8)  # longer than a lease
    stage.settle(case)
    early = [
        row
        for row in LogEntry.objects.filter(entry_id__in=case.mix.all)
        if row.started_at and row.started_at < row.due_at
    ]
    case.expect(not early, f"{len(early)} runs started before they were due")
    ended_early = [
        row
        for row in LogEntry.objects.filter(entry_id__in=case.mix.all)
        if row.started_at and row.ended_at and row.ended_at < row.started_at
    ]
    case.expect(not ended_early, f"{len(ended_early)} runs ended before they started")
    case.expect(
        not Cluster.objects.filter(
            state="lost", name__startswith="extra", pk__gte=_first_cluster(stage)
        ).exists(),
        "a living cluster was declared lost",
    )


def _first_cluster(stage: Stage) -> int:
    return min(Cluster.objects.filter(state="live").values_list("pk", flat=True))


def two_versions(stage: Stage, case: Case) -> None:
    """A cluster of the commit before works beside one of this version; the old one is then ended in order."""
    tree = _previous_tree(stage.place.folder)
    stage.without_worker()
    old = stage.another(tree=tree).wait_until_ready()
    stage.another().wait_until_ready()
    case.mix.fill_chain(lines=4)
    case.mix.load(80)
    case.mix.fill(due_in=2)
    wait_for(lambda: succeeded(case.mix) >= 20, what="both were at work")
    case.limit = 10
    case.fault()
    old.stop()
    stage.settle(case)


def _previous_tree(folder: Path) -> Path:
    """The files of the commit before; where there is no history, this very tree."""
    tree = folder / "previous"
    if not tree.exists():
        tree.mkdir()
        packed = subprocess.run(["git", "archive", "HEAD~1"], cwd=ROOT, capture_output=True, check=False)
        if packed.returncode:
            shutil.copytree(
                ROOT, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git", ".venv*", "var")
            )
        else:
            subprocess.run(["tar", "-x", "-C", tree], input=packed.stdout, check=True)
        shutil.rmtree(tree / "chaos", ignore_errors=True)  # both versions are looked into by this suite
    return tree


def _hold_two(stage: Stage, case: Case) -> None:
    """A long run in a category, and an atomic one that stands before its record."""
    case.mix.entry(jobs.WORK, description="long", parameters={"seconds": "3"}, category_code="TURNS")
    # An atomic job has SQLite to itself, so there the others could not go on beside it.
    object_id = jobs.ATOMIC if stage.on_postgresql else jobs.WORK
    entry = case.mix.entry(object_id, description="subject", due_in=0.5)
    hooks.set_gate(stage.place.folder, hooks.FINISHED, task=entry.system_task_id.hex)
    case.mix.fill_chain()
    if not wait_for(lambda: stage.notes.all("held"), what="a process was held", seconds=15):
        raise NotReached("a process was held")


def _began(stage: Stage, entry: str) -> bool:
    return any(found.facts["entry"] == entry for found in stage.notes.all("start"))


def _lost(case: Case) -> bool:
    return LogEntry.objects.filter(entry_id__in=case.mix.all, error_kind="lost").exists()
