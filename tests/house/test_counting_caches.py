"""Counting together: several processes and threads at the same moment lose no call."""

import subprocess
import sys
import threading

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config.counting_caches import CountingDatabaseCache, CountingFileCache
from jobqueue.api import throttling

COUNT = """
import sys
from django.conf import settings
settings.configure()
from config.counting_caches import CountingFileCache
cache = CountingFileCache(sys.argv[1], {})
for _ in range(100):
    cache.add("calls", 0)
    cache.incr("calls")
"""


def test_processes_count_together_in_files(tmp_path):
    programs = [
        subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path / "cache")], cwd=settings.BASE_DIR)
        for _ in range(3)
    ]
    assert [program.wait(120) for program in programs] == [0, 0, 0]
    assert CountingFileCache(str(tmp_path / "cache"), {}).get("calls") == 300


def counted_by_threads(cache) -> int:
    ready = threading.Barrier(4)

    def count():
        try:
            ready.wait(10)
            for _ in range(15):
                cache.add("calls", 0)
                cache.incr("calls")
        finally:
            connection.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return cache.get("calls")


def test_threads_count_together_in_files(tmp_path):
    assert counted_by_threads(CountingFileCache(str(tmp_path), {})) == 60


@pytest.mark.django_db(transaction=True)
def test_threads_count_together_in_a_table(settings):
    settings.CACHES = {
        **settings.CACHES,
        "shared": {
            "BACKEND": "config.counting_caches.CountingDatabaseCache",
            "LOCATION": "counted_calls",
        },
    }
    call_command("createcachetable")
    try:
        assert counted_by_threads(CountingDatabaseCache("counted_calls", {})) == 60
        assert throttling.count("somebody", now=0.0) == 1
        assert throttling.count("somebody", now=0.0) == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE counted_calls")
