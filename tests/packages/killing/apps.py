"""Kills the worker process at the point named by ``KILL_AT``, the first time it is reached.

Points: ``execute:<line>`` (the run of the line is started, its job not yet), ``before-step:<line>`` and
``after-step:<line>`` (in the transaction that ends the line's run, before and after the package took note),
``release:<line>`` (in the transaction that starts the line). ``KILL_MARK`` is a file that says it has happened.
"""

import os
import signal
from pathlib import Path
from typing import Any

from django.apps import AppConfig


class KillingConfig(AppConfig):
    name = "tests.packages.killing"
    label = "tests_packages_killing"
    verbose_name = "Kill tests"

    def ready(self) -> None:
        from jobqueue import events
        from packages.engine import hooks

        point, _, line = os.environ.get("KILL_AT", "").partition(":")

        def kill(*, entry: Any, **_: Any) -> None:
            mark = Path(os.environ["KILL_MARK"])
            if entry.description != line or mark.exists():
                return
            mark.write_text(f"{os.getpid()}")
            os.kill(os.getpid(), signal.SIGKILL)

        self.kill = kill  # signals hold receivers weakly
        match point:
            case "execute":
                events.before_execute.connect(kill)
            case "release":
                events.before_enqueue.connect(kill)
            case "before-step":
                events.finished_owned.disconnect(dispatch_uid="packages.line_ended")
                events.finished_owned.connect(kill)
                events.finished_owned.connect(hooks.line_ended, dispatch_uid="packages.line_ended")
            case "after-step":
                events.finished_owned.connect(kill)
