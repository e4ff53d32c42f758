"""The web application. A faulty configuration ends the server with its sentences instead of serving with stand-ins."""

import os
import sys

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from gunicorn.arbiter import Arbiter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
    faults = [str(fault) for fault in run_checks(tags=["house"]) if fault.is_serious()]
except ImproperlyConfigured as refusal:
    faults = [str(refusal)]
if faults:
    print("Jobwarden does not start:", *faults, sep="\n", file=sys.stderr)
    sys.exit(Arbiter.WORKER_BOOT_ERROR)  # gunicorn gives up instead of trying again
