"""All cases, in the order they are played."""

from collections.abc import Callable, Iterator

from chaos import entries, hosts, outages, power
from chaos.matrix import blows
from chaos.places import POSTGRESQL, SQLITE
from chaos.stage import Case, Stage

Play = Callable[[Stage, Case], None]

BOTH, SERVER, FILE = (POSTGRESQL, SQLITE), (POSTGRESQL,), (SQLITE,)

OTHERS: tuple[tuple[str, str, Play, tuple[str, ...]], ...] = (
    ("server restart, fast", "at work", outages.restart_fast, SERVER),
    ("server restart, immediate", "at work", outages.restart_immediate, SERVER),
    ("server away beyond every lease", "at work", outages.down_beyond_leases, SERVER),
    ("pg_terminate_backend, 20 times a second", "at work", outages.terminated_backends, SERVER),
    ("connections half-open for good", "at work", outages.half_open, SERVER),
    ("no connection left on the server", "at work", outages.exhausted, SERVER),
    ("disk full", "at work", outages.disk_full, FILE),
    ("write lock held by another program", "at work", outages.locked, FILE),
    ("power failure, five times", "running and recording", power.failure, FILE),
    ("host dead, lease 30 s", "running and recording", hosts.dead_host, SERVER),
    ("all processes of a worker killed", "running and recording", hosts.killed_group, BOTH),
    ("supervisor stopped beyond its lease", "running", hosts.back_from_the_dead, SERVER),
    ("host frozen beyond its lease", "running", hosts.frozen_host, SERVER),
    ("busy worker stopped beyond its lease", "running", hosts.stopped_worker, BOTH),
    ("busy worker stopped beyond its lease", "recording", hosts.stopped_while_recording, BOTH),
    ("broker process stopped for good", "before claim", hosts.stopped_broker, BOTH),
    ("sentinel stopped for good", "before claim", hosts.stopped_sentinel, BOTH),
    ("monitor stopped for good", "before claim", hosts.stopped_monitor, BOTH),
    ("idle worker stopped for good", "before claim", hosts.stopped_idle_worker, BOTH),
    ("clocks 7 minutes ahead and behind", "at work", hosts.wrong_clocks, SERVER),
    ("two code versions on one database", "at work", hosts.two_versions, BOTH),
    ("poison entry", "three kills in 72 hours", entries.poison, BOTH),
    ("burst of 10,000 due entries", "in one second", entries.burst, BOTH),
    ("burst of 10,000 due entries", "under kills", entries.burst_with_kills, BOTH),
    ("no worker for some due moments", "missed runs", entries.downtime, BOTH),
    ("orderly stop", "running and claimed", entries.graceful_stop, BOTH),
    ("orderly stop", "beyond the grace period", entries.stop_beyond_grace, BOTH),
    ("limits of site, users and categories", "three clusters", entries.limits, BOTH),
    ("burst of another company", "companies take turns", entries.other_companys_burst, BOTH),
)

SHORT = (
    "KILL busy worker @ running",
    "KILL idle worker @ claimed",
    "KILL sentinel @ in the failure routine",
    "KILL supervisor @ finished, not recorded",
    "server restart, immediate @ at work",
    "poison entry @ three kills in 72 hours",
)
"""What every change must pass; see tests/chaos."""


def cases(database: str, *, short: bool = False) -> Iterator[tuple[str, str, Play]]:
    """Fault, moment and function of each case for a database."""
    played = [(blow.fault, blow.moment, blow) for blow in blows()]
    played += [
        (fault, moment, play)
        for fault, moment, play, databases in OTHERS
        if database in databases and (play is not power.failure or power.is_possible())
    ]
    for fault, moment, play in played:
        if not short or f"{fault} @ {moment}" in SHORT:
            yield fault, moment, play
