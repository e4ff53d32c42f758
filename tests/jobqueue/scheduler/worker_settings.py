"""Settings of a worker a test starts: the tests', with the sample routines, and times a test can wait for."""

import json
import os

from tests.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobqueue.scheduler.sample_app.SampleRoutinesConfig"]  # noqa: F405
JOBQUEUE = {
    **JOBQUEUE,  # noqa: F405
    "HEARTBEAT_SECONDS": 1,
    "LEASE_SECONDS": 4,
    "HARD_KILL_GRACE_SECONDS": 1,
    "STOP_GRACE_SECONDS": 20,
    **json.loads(os.environ.get("WORKER_SETTINGS", "{}")),
}
