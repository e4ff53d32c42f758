"""Settings of the test run: those of the product, in a temporary VAR_DIR, faster where speed costs no truth.

Set through the environment before the product's settings are read, so that programs a test starts inherit them.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# A program a test starts keeps what it was given; each of pytest's workers makes a place of its own.
if os.environ.get("JOBWARDEN_TEST_RUN") != os.environ.get("PYTEST_XDIST_WORKER", "alone"):
    os.environ["JOBWARDEN_TEST_RUN"] = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="jobwarden-tests-")
    atexit.register(shutil.rmtree, os.environ["VAR_DIR"], ignore_errors=True)
    os.environ["DEMO"] = "off"
    os.environ["EXTRA_APPS"] = "tests.jobobjects"
    os.environ.setdefault("LOG_LEVEL", "warning")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
# Static files are looked up when asked for, not all of them for every test's client.
WHITENOISE_AUTOREFRESH = True
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not memory: other connections and processes must see the rows, under the locks of production.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(os.environ["VAR_DIR"]) / "test.sqlite3")}  # noqa: F405
