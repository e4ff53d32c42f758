"""A cache in files that makes its folder when something is first kept in it.

Django's own makes it as soon as anybody looks at the cache, which its system checks do: before ours could say that
VAR_DIR is unusable, and in an installation that then refuses to start.
"""

import os
from typing import Any

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.filebased import FileBasedCache


class LateFileCache(FileBasedCache):
    """Every write makes the folder if it is not there; reading without it finds nothing."""

    def __init__(self, folder: str, params: dict[str, Any]) -> None:
        BaseCache.__init__(self, params)
        self._dir = os.path.abspath(folder)
