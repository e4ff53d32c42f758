"""Start-up of the refresher app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RefresherConfig(AppConfig):
    name = "refresher"
    verbose_name = "External job queue refresher"

    def ready(self) -> None:
        from refresher import routines, setup  # noqa: F401  (registration needs a loaded app registry)
        from refresher.entra import start

        start.register()
        post_migrate.connect(setup.ensure_shipped_rows, sender=self, dispatch_uid="refresher.setup")
