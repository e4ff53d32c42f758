"""What the doctor checks about the house: the folder it writes to."""

import shutil
from collections.abc import Iterable

from django.conf import settings

from jobqueue.doctor import Result, check, failure, ok, warning

MEGABYTE = 1024 * 1024
LITTLE = 1_024 * MEGABYTE
ALMOST_NOTHING = 100 * MEGABYTE


@check("Disk", needs_database=False, rank=90)
def disk() -> Iterable[Result]:
    folder = settings.VAR_DIR
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield failure(
            f"VAR_DIR {folder} cannot be read: {error.strerror}.",
            fix="Create it, or set VAR_DIR to another folder.",
        )
        return
    sentence = f"{free // MEGABYTE:,} MB are free in VAR_DIR {folder}."
    if free < ALMOST_NOTHING:
        yield failure(sentence, fix="Make room: database, mails and logs cannot be written without it.")
    elif free < LITTLE:
        yield warning(sentence, fix="Make room, or shorten LOG_RETENTION_DAYS and REPORT_RETENTION_DAYS.")
    else:
        yield ok(sentence)
