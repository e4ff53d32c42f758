"""Settings of the workers under fault: the product's own, the suite's app, and leases short enough to wait for."""

import json
import os

os.environ.setdefault("EXTRA_APPS", "chaos.apps.ChaosConfig")
os.environ.setdefault("DEMO", "off")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
JOBQUEUE = {
    **JOBQUEUE,  # noqa: F405
    "HEARTBEAT_SECONDS": 1,
    "LEASE_SECONDS": 6,
    **json.loads(os.environ.get("CHAOS_JOBQUEUE", "{}")),
}
