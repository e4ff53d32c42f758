"""Copy guard: does the database belong to this installation?"""

import socket
from collections.abc import Iterable

from jobqueue.doctor.registry import Result, check, failure, ok, warning
from jobqueue.models import Cluster
from jobqueue.scheduler import copy_guard
from jobqueue.scheduler.clock import database_now


@check("Copy guard", rank=20)
def database_is_ours() -> Iterable[Result]:
    verdict = copy_guard.look()
    if verdict.held:
        yield failure(
            f"{verdict.reason} {verdict.details} Schedules are held.",
            fix="Adopt the database in the admin (the button of the red banner), or with “manage.py jobqueue adopt”.",
        )
        return
    yield ok(f"The database belongs to this installation, “{copy_guard.our_site_id()}”.")
    if _works_here() and not copy_guard.keeps_heartbeats():
        yield warning(
            "The heartbeat beside the installation is not kept: a restored database would not be noticed here.",
            fix="Let this user write into VAR_DIR, and keep that folder when the program is updated.",
        )


def _works_here() -> bool:
    live = Cluster.objects.filter(state=Cluster.State.LIVE, lease_until__gt=database_now())
    return live.filter(host=socket.gethostname()).exists()
