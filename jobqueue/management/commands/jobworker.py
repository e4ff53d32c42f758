"""``manage.py jobworker``: runs jobs on this host."""

import logging

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection

from jobqueue import housekeeping
from jobqueue.conf import settings
from jobqueue.scheduler import database_now
from jobqueue.scheduler.code_version import code_version
from jobqueue.scheduler.processes import missing_features

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Runs scheduled tasks in worker processes until TERM or INT. Start as many as you like, on any number of hosts "
        "(with SQLite: on the one host). Under systemd use KillMode=mixed, so that only this process gets the signal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workers", type=int, help="Worker processes; default is the setting WORKERS.")
        parser.add_argument(
            "--name", default="", help="Name shown on the workers' page; default is the host's."
        )

    def handle(self, *, workers: int | None, name: str, **options: object) -> None:
        missing = missing_features()
        if missing:
            raise CommandError(
                f"jobworker needs {', '.join(missing)}; this system has none. Run it on Linux 5.3 or later."
            )
        workers = settings().workers if workers is None else workers
        if workers < 1:
            raise CommandError("A jobworker needs at least one worker process.")
        _ensure_watch()
        # Imported late: django-q2's cluster module starts Django when it is imported.
        from jobqueue.scheduler.supervisor import Supervisor

        Supervisor(name=name, workers=workers, version=code_version()).run()


def _ensure_watch() -> None:
    """Whoever starts workers also starts the watch over entries that stand still."""
    try:
        housekeeping.ensure_watch(database_now())
    except Error:
        logger.warning("The watch could not be checked; the clean-up job will do it.", exc_info=True)
    finally:
        connection.close()
