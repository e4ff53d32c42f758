"""Start-up of the job queue app: registers checks, system routines and every installed app's job objects."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class JobQueueConfig(AppConfig):
    name = "jobqueue"
    verbose_name = "Job queue"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model

        from jobqueue import (  # noqa: F401  (registration needs a loaded app registry)
            audit,
            checks,
            doctor,
            routines,
            setup,
        )
        from jobqueue.models import ApiToken, Category, Company, CompanyMember, Credential

        audit.watch(Company)
        audit.watch(CompanyMember)
        audit.watch(Category, only=["company", "code", "description", "slots"])
        audit.watch(Credential, without=["secret_encrypted"])
        audit.watch(ApiToken, without=["digest", "last_used_at"])
        audit.watch(get_user_model(), without=["password", "last_login"], sets=["groups", "user_permissions"])

        autodiscover_modules("jobs")
        post_migrate.connect(setup.ensure_shipped_rows, sender=self, dispatch_uid="jobqueue.setup")
