"""The web application under an ASGI server: the same as under WSGI, and server-sent events besides.

A faulty configuration ends the server with its sentences instead of serving with stand-ins.
"""

import os
import sys

from django.core.asgi import get_asgi_application
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_asgi_application()
    faults = [str(fault) for fault in run_checks(tags=["house"]) if fault.is_serious()]
except ImproperlyConfigured as refusal:
    faults = [str(refusal)]
if faults:
    print("Jobwarden does not start:", *faults, sep="\n", file=sys.stderr)
    sys.exit(3)
for database in connections.settings.values():
    # Every call has a thread of its own here: a connection kept for the next call would serve nobody.
    database["CONN_MAX_AGE"] = 0
