"""``refresher worker-configuration``: the file for the worker outside, readable by its owner only."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.scheduler import database_now
from notifications.conf import settings
from refresher.handing_over import worker_configuration
from refresher.runners import get_runner


def write(options: Namespace, actor: Actor) -> tuple[Any, str]:
    """Writes the file; if that fails the credential has not left."""
    url, path = options.url or settings().public_url, Path(options.file)
    if not url:
        raise Refused(
            "Where does the worker reach this installation? Give --url, or set PUBLIC_URL.", code="usage"
        )
    runner = get_runner(options.runner)
    with transaction.atomic():
        text = worker_configuration(runner, url=url, actor=actor, now=database_now())
        try:
            with open(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)
        except OSError as error:
            raise Refused(
                f"The file “{path}” cannot be written: {error.strerror}. Choose another place.", code="usage"
            ) from None
    return (
        {"runner": runner.name, "file": str(path)},
        f"“{path}” is written. Give it to the worker, and let nobody else read it.",
    )
