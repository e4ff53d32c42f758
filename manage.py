#!/usr/bin/env python
"""Command line of Jobwarden. Misconfiguration ends in a sentence on standard error, never in a traceback."""

import gc
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # What a start imports stays; looking for garbage in it would cost a sixth of the start. HouseConfig ends this.
    gc.disable()
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing.name} is not installed. Run 'make setup', then use .venv/bin/python manage.py.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        sys.exit(f"Jobwarden is not configured correctly: {refusal}")


if __name__ == "__main__":
    main()
