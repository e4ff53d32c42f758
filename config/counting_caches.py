"""Caches in which several processes count together without losing a count.

Django's own file and database caches add in two steps, reading and writing: of two calls at the same moment one would
not be counted. Redis and Memcached count in one step and need nothing of this.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router, transaction

from config.file_cache import LateFileCache

LOCK = "counting.lock"


class CountingFileCache(LateFileCache):
    """Counts under a lock of the operating system, which ends with the process that holds it."""

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        with self._one_at_a_time():
            return super().add(key, value, timeout, version)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        with self._one_at_a_time():
            return super().incr(key, delta, version)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        os.makedirs(self._dir, mode=0o700, exist_ok=True)
        handle = os.open(os.path.join(self._dir, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class CountingDatabaseCache(DatabaseCache):
    """Counts on the locked row; on SQLite the transaction holds the only writer."""

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        alias = router.db_for_write(self.cache_model_class)
        with transaction.atomic(using=alias):
            connection = connections[alias]
            if connection.features.has_select_for_update:
                table = connection.ops.quote_name(self._table)  # type: ignore[attr-defined]  # unknown to the stubs
                wanted = self.make_and_validate_key(key, version=version)
                with connection.cursor() as cursor:
                    cursor.execute(f"SELECT 1 FROM {table} WHERE cache_key = %s FOR UPDATE", [wanted])
            return super().incr(key, delta, version)
