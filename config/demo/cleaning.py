"""Deletes what the demo company no longer needs."""

from datetime import datetime, timedelta

from config.demo.places import Places


def delete_old_files(places: Places, *, now: datetime, keep_days: int) -> tuple[int, int]:
    """Deletes files of the archive and reject folders last changed more than ``keep_days`` ago; (files, bytes)."""
    before = (now - timedelta(days=keep_days)).timestamp()
    deleted = size = 0
    for folder in (
        places.orders_done,
        places.orders_rejected,
        places.bank_done,
        places.counts_done,
        places.prices_done,
    ):
        for path in folder.iterdir():
            about = path.stat()
            if about.st_mtime < before:
                path.unlink()
                deleted, size = deleted + 1, size + about.st_size
    return deleted, size
