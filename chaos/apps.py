"""The app that workers under fault install: a table of effects, job objects, and the hooks a case switches on."""

import os

from django.apps import AppConfig


class ChaosConfig(AppConfig):
    name = "chaos"
    verbose_name = "Fault suite"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chaos import chain

        chain.connect()
        if os.environ.get("CHAOS_DIR"):
            from chaos import hooks

            hooks.install()
