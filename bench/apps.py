"""The benchmark as an app of the product, for its one job object and, when asked for, a profile of the workers."""

import cProfile
import os
import time

from django.apps import AppConfig

DUMP_SECONDS = 1.0


class BenchConfig(AppConfig):
    name = "bench"
    verbose_name = "Benchmark"

    def ready(self) -> None:
        folder = os.environ.get("BENCH_PROFILE")
        if folder:
            _profile_workers(folder)


def _profile_workers(folder: str) -> None:
    """Profiles each worker process into ``folder``; stored anew every second, as a worker may end at any moment."""
    from django_q.signals import post_execute_in_worker, post_spawn

    profile = cProfile.Profile()
    dumped_at = 0.0

    def start(proc_name: str, **_: object) -> None:
        profile.enable()

    def store(**_: object) -> None:
        nonlocal dumped_at
        if time.monotonic() - dumped_at > DUMP_SECONDS:
            dumped_at = time.monotonic()
            profile.dump_stats(os.path.join(folder, f"worker-{os.getpid()}.prof"))
            profile.enable()  # storing ends it

    post_spawn.connect(start, weak=False)
    post_execute_in_worker.connect(store, weak=False)
