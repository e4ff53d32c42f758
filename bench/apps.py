"""The benchmark as an app of the product, for its one job object and, when asked for, a profile of the workers."""

import cProfile
import os

from django.apps import AppConfig

DUMP_EVERY = 500


class BenchConfig(AppConfig):
    name = "bench"
    verbose_name = "Benchmark"

    def ready(self) -> None:
        folder = os.environ.get("BENCH_PROFILE")
        if folder:
            _profile_workers(folder)


def _profile_workers(folder: str) -> None:
    """Profiles each worker process into ``folder``; stored anew every 500 jobs, as a worker may end at any moment."""
    from django_q.signals import post_execute_in_worker, post_spawn

    profile = cProfile.Profile()
    done = 0

    def start(proc_name: str, **_: object) -> None:
        profile.enable()

    def count(**_: object) -> None:
        nonlocal done
        done += 1
        if done % DUMP_EVERY == 0:
            profile.dump_stats(os.path.join(folder, f"worker-{os.getpid()}.prof"))

    post_spawn.connect(start, weak=False)
    post_execute_in_worker.connect(count, weak=False)
