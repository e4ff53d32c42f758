"""The app that brings the sample routines into a worker a test starts."""

from django.apps import AppConfig


class SampleRoutinesConfig(AppConfig):
    name = "tests.jobqueue.scheduler"
    label = "scheduler_samples"

    def ready(self) -> None:
        from tests.jobqueue.scheduler import sample_routines  # noqa: F401
