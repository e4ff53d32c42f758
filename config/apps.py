"""Start-up of the house: registers its system checks, and ends what only a start needs."""

import gc

from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "config"
    verbose_name = "House"

    def ready(self) -> None:
        from config import checks, doctor  # noqa: F401  (registration needs loaded settings)

        if not gc.isenabled():  # manage.py: everything is imported now, and is no garbage from here on
            gc.freeze()
            gc.enable()
