"""Start-up of the house: registers its system checks."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "config"
    verbose_name = "House"

    def ready(self) -> None:
        from config import checks, doctor  # noqa: F401  (registration needs loaded settings)
