"""Start-up of the job queue app: registers checks, system routines and every installed app's job objects."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class JobQueueConfig(AppConfig):
    name = "jobqueue"
    verbose_name = "Job queue"

    def ready(self) -> None:
        from jobqueue import checks, doctor, routines, setup  # noqa: F401  (registration needs a loaded app registry)

        autodiscover_modules("jobs")
        post_migrate.connect(setup.ensure_shipped_rows, sender=self, dispatch_uid="jobqueue.setup")
